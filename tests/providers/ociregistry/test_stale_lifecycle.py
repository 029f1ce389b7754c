import asyncio
import json
import threading
import time
from typing import Any, ClassVar

import pytest
from pulumi.provider.experimental import provider as p

from fleet.registry.errors import OciError, RegistryError
from fleet.registry.manifest import OWNER_ANNOTATION, VERSION_ANNOTATION
from fleet.registry.removal.placeholder import DISPLACED_ANNOTATION, REMOVAL_ANNOTATION
from providers.ociregistry.properties import wrap_map
from providers.ociregistry.stale_pointers.resource import RemovalFailedError
from tests.providers.ociregistry.declared import Declared
from tests.providers.ociregistry.engine_fake import STALE, TAG, CheckFailedError, Engine
from tests.providers.ociregistry.registry_fake import OCI_MANIFEST, FakeRegistry
from tests.providers.ociregistry.stale_fleet import NAME, OURS, Fleet


@pytest.fixture
def fleet(registry: FakeRegistry) -> Fleet:
    return Fleet(registry)


class TestStalePointers:
    def test_the_first_preview_names_what_no_state_ever_knew(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        step = engine.preview(STALE, "s", fleet.inputs())
        assert step.kind == "create"
        assert step.outputs["stale"] == {"py3.8-LATEST": fleet.old}
        assert fleet.registry.writes == []
        assert any(f"py3.8-LATEST ({fleet.old})" in text for text in engine.messages)

    def test_an_up_removes_that_name_and_nothing_else(self, engine: Engine, fleet: Fleet) -> None:
        before = fleet.tags
        outputs = engine.up(STALE, "s", fleet.inputs()).outputs
        assert fleet.tags == before - {"py3.8-LATEST"}
        assert fleet.all_pull()
        assert outputs["stale"] == {}
        assert outputs["removed"] == [
            {"tag": "py3.8-LATEST", "digest": fleet.old, "removedAt": "2026-01-02T03:04:05Z"}
        ]
        assert outputs["kept"] == [
            {"tag": "py3.8-0.30", "digest": fleet.old, "reason": "policy of X.Y is keep"}
        ]

    def test_a_state_that_forgot_what_it_looked_after_is_told_in_the_preview(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        engine.preview(STALE, "s", fleet.inputs())
        assert engine.warnings == [], "a registry that others filled is none that was lost"
        engine.up(STALE, "s", fleet.inputs())
        del engine.resources["s"]
        engine.preview(STALE, "s", fleet.inputs())
        (told,) = engine.warnings
        assert "its state has nothing of it" in told
        assert "docs/runbook.md#the-state-is-lost" in told

    def test_a_state_that_knows_its_tags_was_not_lost(
        self, engine: Engine, fleet: Fleet, declared: Declared
    ) -> None:
        pointer = declared.pointer("py3.12-LATEST", fleet.storage.tags["py3.12-LATEST"])
        engine.up(TAG, "latest", pointer)
        engine.up(STALE, "s", fleet.inputs())
        del engine.resources["s"]
        engine.restart()
        engine.refresh("latest")
        engine.preview(STALE, "s", fleet.inputs())
        assert engine.warnings == []

    def test_nothing_is_removed_while_a_declared_tag_failed(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        before = fleet.tags
        waiting = {**fleet.inputs(), "digests": {"a": fleet.old, "b": ""}}
        with pytest.raises(OciError, match=r"while a declared tag failed.*py3\.8-LATEST"):
            engine.up(STALE, "s", waiting)
        assert fleet.tags == before
        engine.up(STALE, "s", fleet.inputs())
        assert fleet.tags == before - {"py3.8-LATEST"}

    def test_a_second_up_changes_nothing_and_lists_once(self, engine: Engine, fleet: Fleet) -> None:
        engine.up(STALE, "s", fleet.inputs())
        fleet.registry.log.clear()
        assert engine.up(STALE, "s", fleet.inputs()).kind == "same"
        live = [*fleet.pointers, "py3.8-0.30"]
        asked = {f"HEAD /v2/{NAME}/manifests/{tag}" for tag in live}
        assert sorted(fleet.registry.log) == sorted([f"GET /v2/{NAME}/tags/list", *asked])

    def test_a_name_that_comes_back_is_removed_again_and_the_record_grows(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        for _ in range(2):
            fleet.storage.tags["py3.8-LATEST"] = fleet.old
            engine.up(STALE, "s", fleet.inputs())
            engine.up(STALE, "s", fleet.inputs())
        removed = engine.resources["s"].outputs["removed"]
        assert [entry["tag"] for entry in removed] == ["py3.8-LATEST"] * 2
        assert "py3.8-LATEST" not in fleet.tags

    def test_a_pointer_costs_its_tag_and_its_remover_one_request_together(
        self, engine: Engine, fleet: Fleet, declared: Declared
    ) -> None:
        pointer = declared.pointer("py3.12-LATEST", fleet.storage.tags["py3.12-LATEST"])
        engine.up(TAG, "latest", pointer)
        engine.up(STALE, "s", fleet.inputs())
        for first, second in (("latest", "s"), ("s", "latest")):
            fleet.registry.log.clear()
            engine.refresh(first)
            engine.refresh(second)
            assert fleet.registry.log.count(f"HEAD /v2/{NAME}/manifests/py3.12-LATEST") == 1

    def test_a_refresh_after_a_removal_finds_no_drift(self, engine: Engine, fleet: Fleet) -> None:
        engine.up(STALE, "s", fleet.inputs())
        before = engine.resources["s"]
        engine.refresh("s")
        assert engine.resources["s"] == before

    def test_a_python_that_leaves_takes_its_pointer_along_and_keeps_its_versions(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        engine.up(STALE, "s", fleet.inputs())
        left = [pointer for pointer in fleet.pointers if pointer.startswith("py3.12")]
        step = engine.up(STALE, "s", fleet.inputs(pointers=left))
        assert 'stale["py3.11-LATEST"]' in step.changed
        assert "py3.11-LATEST" not in fleet.tags
        assert {"py3.11-0.34", "py3.11-0.34.0"} <= fleet.tags

    def test_a_pointer_that_moves_after_the_listing_stays(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        digest = fleet.storage.tags["py3.12-0.34.0"]
        media_type, body = fleet.storage.manifests[digest]
        headers = {"Content-Type": media_type}
        inputs = fleet.inputs()
        listed = engine.preview(STALE, "s", inputs)
        assert listed.outputs["stale"]
        # The listing and the record read the old digest, the removal then finds another one.
        old_type, old_body = fleet.storage.manifests[fleet.old]
        fleet.registry.fault(
            "GET .*/py3.8-LATEST", times=2, status=200, body=old_body,
            headers={"Content-Type": old_type},
        )  # fmt: skip
        fleet.registry.fault("GET .*/py3.8-LATEST", status=200, body=body, headers=headers)
        outputs = engine.up(STALE, "s", inputs).outputs
        assert "py3.8-LATEST" in fleet.tags
        reasons = {entry["tag"]: entry["reason"] for entry in outputs["kept"]}
        assert reasons["py3.8-LATEST"] == f"moved since it was listed, to {digest}"

    def test_a_pointer_of_another_owner_is_left(self, engine: Engine, fleet: Fleet) -> None:
        fleet.registry.push_index(NAME, "py3.9-LATEST", {OWNER_ANNOTATION: "fleet/prod"})
        engine.up(STALE, "s", fleet.inputs())
        assert "py3.9-LATEST" in fleet.tags

    @pytest.mark.parametrize(
        "fault",
        [
            {"status": 200, "body": b'{"tags": null}'},
            {"status": 200, "body": b'{"tags": []}'},
            {"status": 404},
        ],
    )
    def test_an_empty_list_removes_nothing(
        self, engine: Engine, fleet: Fleet, fault: dict[str, Any]
    ) -> None:
        before = fleet.tags
        fleet.registry.fault("tags/list", times=2, **fault)
        engine.up(STALE, "s", fleet.inputs())
        assert fleet.tags == before

    def test_a_truncated_list_stops_before_anything_is_removed(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        fleet.registry.fault("tags/list", status=200, body=b'{"tags": ["py3.8-LA')
        with pytest.raises(RegistryError, match="truncated"):
            engine.up(STALE, "s", fleet.inputs())
        assert [line for line in fleet.registry.writes if "/build/" not in line] == []

    def test_without_a_refresh_nothing_goes_that_the_state_does_not_list(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        engine.up(STALE, "s", fleet.inputs())
        fleet.storage.tags["py3.9-LATEST"] = fleet.old
        fleet.registry.log.clear()
        assert engine.up(STALE, "s", fleet.inputs(), refresh=False).kind == "same"
        assert fleet.registry.log == [], "neither check nor diff asks"
        left = [pointer for pointer in fleet.pointers if pointer != "py3.11-LATEST"]
        step = engine.up(STALE, "s", fleet.inputs(pointers=left), refresh=False)
        assert step.changed == ("pointers", 'stale["py3.11-LATEST"]')
        assert "py3.11-LATEST" not in fleet.tags
        assert "py3.9-LATEST" in fleet.tags
        assert step.outputs["stale"] == {"py3.9-LATEST": fleet.old}, "listed for the next run"

    def test_a_preview_lists_what_leaves_in_this_very_run_with_its_digest(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        engine.up(STALE, "s", fleet.inputs())
        left = [pointer for pointer in fleet.pointers if pointer != "py3.11-LATEST"]
        digest = fleet.storage.tags["py3.11-LATEST"]
        step = engine.preview(STALE, "s", fleet.inputs(pointers=left))
        assert step.outputs["stale"] == {"py3.11-LATEST": digest}
        assert (
            f"to be removed because nothing declares it: py3.11-LATEST ({digest})"
            in engine.messages
        )

    def test_what_stays_though_it_left_is_no_removal_in_the_preview(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        engine.up(STALE, "s", fleet.inputs())
        fleet.registry.push_index(NAME, "py3.11-LATEST", {OWNER_ANNOTATION: "fleet/prod"})
        left = [pointer for pointer in fleet.pointers if pointer != "py3.11-LATEST"]
        step = engine.preview(STALE, "s", fleet.inputs(pointers=left))
        assert step.outputs["stale"] == {}
        engine.up(STALE, "s", fleet.inputs(pointers=left))
        assert "py3.11-LATEST" in fleet.tags
        assert engine.up(STALE, "s", fleet.inputs(pointers=left)).kind == "same"

    def test_too_large_a_share_stops_in_the_preview_and_names_what_it_is_about(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        inputs = fleet.inputs(maxRemovals=0.1)
        with pytest.raises(OciError) as caught:
            engine.preview(STALE, "s", inputs)
        reason = str(caught.value)
        assert "1 of 6 live pointers" in reason
        assert f"py3.8-LATEST ({fleet.old})" in reason
        engine.up(STALE, "s", {**inputs, "maxRemovals": 1.0})
        assert "py3.8-LATEST" not in fleet.tags

    def test_an_interrupted_removal_is_finished_and_not_recorded_as_an_image(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        leftover = {
            "mediaType": OCI_MANIFEST,
            "annotations": {REMOVAL_ANNOTATION: "nonce"},
            "layers": [],
        }
        fleet.registry.tag_delete = False
        digest = fleet.registry.push_manifest(NAME, leftover, "py3.8-LATEST")
        # One of an earlier release, which did not say what it was written over.
        outputs = engine.up(STALE, "s", fleet.inputs()).outputs
        assert "py3.8-LATEST" not in fleet.tags
        assert digest not in fleet.storage.manifests
        assert outputs["removed"] == []

    def test_a_registry_that_cannot_delete_is_left_and_the_error_says_so(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        fleet.registry.tag_delete = fleet.registry.digest_delete = False
        before = fleet.tags
        with pytest.raises(RemovalFailedError, match="enable deletion in the registry"):
            engine.up(STALE, "s", fleet.inputs())
        assert fleet.tags == before

    def test_what_went_before_a_failure_is_kept_in_the_record(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        fleet.storage.tags["py3.9-LATEST"] = fleet.old
        fleet.registry.fault("DELETE .*py3.9", status=405)
        fleet.registry.digest_delete = False
        with pytest.raises(RemovalFailedError) as caught:
            engine.up(STALE, "s", fleet.inputs())
        removed = caught.value.properties["removed"]
        assert [entry["tag"] for entry in removed] == ["py3.8-LATEST"]

    def test_a_failure_after_the_removals_costs_no_record(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        # What is kept is read last, for its digest; before, as a tag that may share the digest.
        fleet.registry.fault(r"HEAD .*py3\.8-0\.30$", times=2)
        fleet.registry.fault(r"HEAD .*py3\.8-0\.30$", status=400)
        with pytest.raises(RemovalFailedError) as caught:
            engine.up(STALE, "s", fleet.inputs())
        assert "py3.8-LATEST" not in fleet.tags
        (entry,) = caught.value.properties["removed"]
        assert (entry["tag"], entry["digest"]) == ("py3.8-LATEST", fleet.old)

    def test_an_interruption_after_the_removals_costs_no_record(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        reached, cancelled = threading.Event(), threading.Event()

        def hold() -> None:
            reached.set()
            cancelled.wait(30)
            time.sleep(0.2)

        # Listed before, for the removal, and for the look afterwards.
        fleet.registry.fault("tags/list", times=2)
        fleet.registry.fault("tags/list", act=hold)
        request = p.CreateRequest(f"urn::{STALE}::s", wrap_map(fleet.inputs()), 0, False)

        async def work() -> None:
            creating = asyncio.ensure_future(engine.provider.create(request))
            while not reached.is_set():  # noqa: ASYNC110 - the registry is another thread
                await asyncio.sleep(0.005)
            creating.cancel()
            cancelled.set()
            await creating

        with pytest.raises(RemovalFailedError, match="The run was interrupted") as caught:
            engine._run(work())
        assert "py3.8-LATEST" not in fleet.tags
        (entry,) = caught.value.properties["removed"]
        assert (entry["tag"], entry["digest"]) == ("py3.8-LATEST", fleet.old)
        assert "py3.8-LATEST" not in caught.value.properties["live"]

    def test_a_name_that_went_with_its_image_is_recorded_though_the_image_is_back(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        fleet.registry.deletes_image_with_tag = True
        with pytest.raises(RemovalFailedError, match="along with the tag") as caught:
            engine.up(STALE, "s", fleet.inputs())
        assert "py3.8-LATEST" not in fleet.tags
        assert fleet.registry.pullable(NAME, "py3.8-0.30.0")
        (entry,) = caught.value.properties["removed"]
        assert (entry["tag"], entry["digest"]) == ("py3.8-LATEST", fleet.old)

    @pytest.mark.parametrize("status", [404, 405])
    def test_a_name_that_the_registry_does_not_remove_is_not_recorded_as_removed(
        self, engine: Engine, fleet: Fleet, status: int
    ) -> None:
        fleet.registry.digest_delete = False
        fleet.registry.fault("DELETE .*py3.8-LATEST", times=99, status=status)
        with pytest.raises(RemovalFailedError, match="the name stays as it was") as caught:
            engine.up(STALE, "s", fleet.inputs())
        assert caught.value.properties["removed"] == []
        assert fleet.storage.tags["py3.8-LATEST"] == fleet.old

    def test_a_version_tag_that_went_with_its_image_is_back_though_the_list_still_shows_it(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        fleet.registry.deletes_image_with_tag = True
        before = fleet.tags
        lagging = json.dumps({"tags": sorted(before)}).encode()
        fleet.registry.fault("tags/list", times=99, status=200, body=lagging)
        with pytest.raises(RemovalFailedError, match=r"so were its tags .*py3\.8-0\.30\.0"):
            engine.up(STALE, "s", fleet.inputs())
        assert fleet.tags == before - {"py3.8-LATEST"}
        assert fleet.all_pull()

    def test_a_repository_that_keeps_images_is_asked_for_its_tags_once(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        fleet.storage.tags["py3.9-LATEST"] = fleet.old
        engine.up(STALE, "s", fleet.inputs())
        assert not fleet.tags & {"py3.8-LATEST", "py3.9-LATEST"}
        assert fleet.registry.log.count(f"HEAD /v2/{NAME}/manifests/edge") == 1

    @pytest.mark.parametrize("answer", [200, 403], ids=["stale", "refused"])
    def test_a_removal_that_was_accepted_is_recorded_though_its_look_afterwards_fails(
        self, engine: Engine, fleet: Fleet, answer: int
    ) -> None:
        told = {"Docker-Content-Digest": fleet.old}
        fleet.registry.fault("HEAD .*py3.8-LATEST")  # before the deletion
        fleet.registry.fault("HEAD .*py3.8-LATEST", status=answer, headers=told)
        with pytest.raises(RemovalFailedError) as caught:
            engine.up(STALE, "s", fleet.inputs())
        assert "py3.8-LATEST" not in fleet.tags
        (entry,) = caught.value.properties["removed"]
        assert (entry["tag"], entry["digest"]) == ("py3.8-LATEST", fleet.old)

    def test_an_import_is_refused_in_words(self, engine: Engine, fleet: Fleet) -> None:
        with pytest.raises(OciError, match="just declare it"):
            engine.adopt(STALE, "s", f"{fleet.registry.host}/{NAME}")

    @pytest.mark.parametrize(
        ("overrides", "place"),
        [
            ({"repository": "x"}, "repository"),
            ({"owner": ""}, "owner"),
            ({"grammar": [{"kind": "LATEST", "pattern": "("}]}, "grammar[0]"),
            ({"policy": {"LATEST": "perhaps"}}, "policy.LATEST"),
            ({"policy": {"latest": "keep"}}, "policy.latest"),
            ({"maxRemovals": 50.0}, "maxRemovals"),
        ],
    )
    def test_each_problem_is_reported_at_its_property_before_any_request(
        self, engine: Engine, fleet: Fleet, overrides: dict[str, Any], place: str
    ) -> None:
        with pytest.raises(CheckFailedError) as caught:
            engine.up(STALE, "s", fleet.inputs(**overrides))
        assert place in caught.value.failures
        assert fleet.registry.log == []


class TestGrace:
    """X.Y pointers under `remove after 90 days`; the clock stands at 2026-01-02 at first."""

    POLICY: ClassVar = {"LATEST": "remove", "X.Y": "remove after 90 days"}
    GOES_ON = "2026-04-02"

    @pytest.fixture
    def inputs(self, fleet: Fleet) -> dict[str, Any]:
        return fleet.inputs(policy=self.POLICY)

    def test_a_pointer_is_dated_when_it_is_first_seen_stale_and_its_day_is_told(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any]
    ) -> None:
        assert engine.preview(STALE, "s", inputs).outputs["staleSince"] == {
            "py3.8-0.30": "2026-01-02"
        }
        assert f"stale: py3.8-0.30 ({fleet.old}, goes on {self.GOES_ON})" in engine.messages
        outputs = engine.up(STALE, "s", inputs).outputs
        assert outputs["kept"] == [
            {"tag": "py3.8-0.30", "digest": fleet.old, "reason": f"goes on {self.GOES_ON}"}
        ]
        assert "py3.8-0.30" in fleet.tags

    def test_a_refresh_dates_what_turned_stale_since_and_that_is_no_difference(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any]
    ) -> None:
        engine.up(STALE, "s", inputs)
        fleet.storage.tags["py3.9-LATEST"] = fleet.old
        policy = {**self.POLICY, "LATEST": "remove after 5 days"}
        engine.up(STALE, "s", {**inputs, "policy": policy})
        fleet.storage.tags["py3.7-LATEST"] = fleet.old
        engine.now = "2026-01-04T00:00:00Z"
        assert engine.up(STALE, "s", {**inputs, "policy": policy}).kind == "same"
        assert f"stale: py3.7-LATEST ({fleet.old}, goes on 2026-01-09)" in engine.messages
        since = engine.resources["s"].outputs["staleSince"]
        assert (since["py3.9-LATEST"], since["py3.7-LATEST"]) == ("2026-01-02", "2026-01-04")

    def test_the_day_is_the_registry_s_and_a_clock_of_ours_that_is_ahead_removes_nothing(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any]
    ) -> None:
        fleet.registry.date = "Fri, 02 Jan 2026 03:04:05 GMT"
        engine.up(STALE, "s", inputs)
        engine.now = "2026-12-31T00:00:00Z"
        assert engine.up(STALE, "s", inputs).kind == "same"
        assert "py3.8-0.30" in fleet.tags
        fleet.registry.date = "Wed, 01 Apr 2026 23:58:00 GMT"
        engine.now = "2026-04-02T00:01:00Z"
        assert engine.up(STALE, "s", inputs).kind == "same"
        fleet.registry.date = "Thu, 02 Apr 2026 00:00:30 GMT"
        engine.up(STALE, "s", inputs)
        assert "py3.8-0.30" not in fleet.tags

    @pytest.mark.parametrize("date", ["Fri, 01 Jan 2027 00:00:00 GMT", "", "yesterday"])
    def test_a_registry_s_clock_that_is_ahead_or_unknown_ends_and_begins_no_grace(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any], date: str
    ) -> None:
        engine.up(STALE, "s", inputs)
        dated = engine.resources["s"].outputs["staleSince"]
        fleet.storage.tags |= {"py3.7-0.30": fleet.old, "py3.7-0.30.0": fleet.old}
        fleet.registry.date = date
        engine.now = f"{self.GOES_ON}T00:00:00Z"
        for _ in range(2):
            assert engine.up(STALE, "s", inputs).kind == "same"
        assert {"py3.7-0.30", "py3.8-0.30"} <= fleet.tags
        outputs = engine.resources["s"].outputs
        assert (outputs["staleSince"], outputs["readOn"]) == (dated, "2026-01-02")
        assert any("its grace is not counted" in text for text in engine.warnings)
        fleet.registry.date = None
        engine.up(STALE, "s", inputs)
        assert "py3.8-0.30" not in fleet.tags
        assert engine.resources["s"].outputs["staleSince"] == {"py3.7-0.30": self.GOES_ON}

    def test_a_first_run_without_the_registry_s_time_removes_only_what_has_no_grace(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any]
    ) -> None:
        fleet.registry.date = ""
        everything = {**inputs, "policy": {"LATEST": "remove", "X.Y": "keep"}}
        assert engine.up(STALE, "s", everything).outputs["readOn"] == ""
        assert "py3.8-LATEST" not in fleet.tags
        assert engine.up(STALE, "s", inputs).kind == "update"
        kept = {entry["tag"]: entry["reason"] for entry in engine.resources["s"].outputs["kept"]}
        assert "without a valid Date header" in kept["py3.8-0.30"]
        assert "py3.8-0.30" in fleet.tags

    def test_days_that_pass_are_no_change_until_the_date(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any]
    ) -> None:
        engine.up(STALE, "s", inputs)
        for moment in ("2026-01-03T00:00:00Z", "2026-04-01T23:59:59Z"):
            engine.now = moment
            assert engine.preview(STALE, "s", inputs).kind == "same"
            assert engine.up(STALE, "s", inputs).kind == "same"
        assert "py3.8-0.30" in fleet.tags

    def test_the_first_up_on_the_date_or_after_removes_it_and_forgets_the_date(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any]
    ) -> None:
        engine.up(STALE, "s", inputs)
        engine.restart()
        engine.now = f"{self.GOES_ON}T00:00:00Z"
        assert engine.preview(STALE, "s", inputs).changed == ('stale["py3.8-0.30"]',)
        outputs = engine.up(STALE, "s", inputs).outputs
        assert "py3.8-0.30" not in fleet.tags
        assert fleet.all_pull()
        assert outputs["staleSince"] == {}
        assert outputs["removed"][-1]["tag"] == "py3.8-0.30"
        assert engine.up(STALE, "s", inputs).kind == "same"

    @pytest.mark.parametrize(
        "wrong", ["soon", "", "20250101", "2025-W01-1", "2025-02-30", "9999-12-31", 5.0]
    )
    def test_a_recorded_date_that_is_none_is_unknown_and_ends_no_grace(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any], wrong: object
    ) -> None:
        for edited in ({"staleSince": {"py3.8-0.30": wrong}}, {"readOn": wrong}):
            for refresh in (False, True):
                engine.up(STALE, "s", inputs)
                engine.resources["s"].outputs.update(edited)
                assert engine.up(STALE, "s", inputs, refresh=refresh).kind == "same"
                assert "py3.8-0.30" in fleet.tags
        outputs = engine.up(STALE, "s", inputs).outputs
        assert outputs["staleSince"] == {"py3.8-0.30": "2026-01-02"}
        assert outputs["readOn"] == "2026-01-02"

    def test_a_removal_that_fails_does_not_start_the_grace_anew(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any]
    ) -> None:
        engine.up(STALE, "s", inputs)
        engine.now = f"{self.GOES_ON}T00:00:00Z"
        fleet.registry.tag_delete = fleet.registry.digest_delete = False
        with pytest.raises(RemovalFailedError) as caught:
            engine.up(STALE, "s", inputs)
        assert caught.value.properties["staleSince"] == {"py3.8-0.30": "2026-01-02"}
        fleet.registry.tag_delete = True
        engine.up(STALE, "s", inputs)
        assert "py3.8-0.30" not in fleet.tags

    def test_a_removed_name_that_comes_back_has_its_whole_grace_again(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any]
    ) -> None:
        engine.up(STALE, "s", inputs)
        engine.now = f"{self.GOES_ON}T00:00:00Z"
        engine.up(STALE, "s", inputs)
        fleet.storage.tags["py3.8-0.30"] = fleet.old
        outputs = engine.up(STALE, "s", inputs).outputs
        assert "py3.8-0.30" in fleet.tags
        assert outputs["staleSince"] == {"py3.8-0.30": self.GOES_ON}

    def test_an_interrupted_removal_is_finished_at_once_and_never_dated(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any]
    ) -> None:
        leftover = {
            "mediaType": OCI_MANIFEST,
            "annotations": {REMOVAL_ANNOTATION: "nonce"},
            "layers": [],
        }
        fleet.registry.push_manifest(NAME, leftover, "py3.9-0.30")
        outputs = engine.up(STALE, "s", inputs).outputs
        assert "py3.9-0.30" not in fleet.tags
        assert outputs["staleSince"].keys() == {"py3.8-0.30"}
        assert engine.up(STALE, "s", inputs).kind == "same"

    def test_a_pointer_that_is_declared_again_forgets_its_date(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any]
    ) -> None:
        engine.up(STALE, "s", inputs)
        again = {**inputs, "pointers": [*fleet.pointers, "py3.8-0.30"]}
        step = engine.up(STALE, "s", again)
        assert step.outputs["staleSince"] == {}
        engine.now = "2026-12-31T00:00:00Z"
        outputs = engine.up(STALE, "s", inputs).outputs
        assert outputs["staleSince"] == {"py3.8-0.30": "2026-12-31"}
        assert "py3.8-0.30" in fleet.tags

    @pytest.mark.parametrize("body", [b'{"tags": null}', b'{"tags": []}'])
    def test_an_empty_list_forgets_no_date_and_removes_nothing_that_is_due(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any], body: bytes
    ) -> None:
        engine.up(STALE, "s", inputs)
        fleet.registry.fault("tags/list", status=200, body=body)
        assert engine.up(STALE, "s", inputs).kind == "same"
        engine.now = "2026-12-31T00:00:00Z"
        fleet.registry.fault("tags/list", status=200, body=body)
        assert engine.up(STALE, "s", inputs).kind == "same"
        assert "py3.8-0.30" in fleet.tags

    def test_a_shorter_grace_counts_from_the_same_day(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any]
    ) -> None:
        engine.up(STALE, "s", inputs)
        engine.now = "2026-01-12T08:00:00Z"
        shorter = {**inputs, "policy": {**self.POLICY, "X.Y": "remove after 10 days"}}
        engine.up(STALE, "s", shorter)
        assert "py3.8-0.30" not in fleet.tags


class TestInterruptedUnderKeep:
    """A placeholder under a kind that is kept by now: the name must not stay on nothing."""

    TAG = "py3.8-0.30"

    def leave_placeholder(self, fleet: Fleet) -> None:
        leftover = {
            "mediaType": OCI_MANIFEST,
            "annotations": {REMOVAL_ANNOTATION: "nonce", DISPLACED_ANNOTATION: fleet.old},
            "layers": [],
        }
        fleet.registry.push_manifest(NAME, leftover, self.TAG)

    def interrupt(self, engine: Engine, fleet: Fleet) -> None:
        """Have the kind removed by declaration, and a removal of it killed on the way."""
        engine.up(STALE, "s", fleet.inputs(policy={"LATEST": "remove", "X.Y": "remove"}))
        self.leave_placeholder(fleet)

    def test_a_removal_that_no_state_knows_is_finished_on_the_first_run(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        self.leave_placeholder(fleet)
        outputs = engine.up(STALE, "s", fleet.inputs()).outputs
        assert self.TAG not in fleet.tags
        recorded = {entry["tag"]: entry["digest"] for entry in outputs["removed"]}
        assert recorded[self.TAG] == fleet.old

    def test_it_is_finished_when_the_kind_is_set_to_keep(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        self.interrupt(engine, fleet)
        assert engine.preview(STALE, "s", fleet.inputs()).outputs["stale"].keys() == {self.TAG}
        engine.up(STALE, "s", fleet.inputs())
        assert self.TAG not in fleet.tags

    def test_it_is_finished_though_the_first_run_under_keep_failed(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        self.interrupt(engine, fleet)
        fleet.registry.fault("DELETE", status=403)
        fleet.registry.fault("PUT", status=403)  # the name is not put back either
        with pytest.raises(RemovalFailedError) as caught:
            engine.up(STALE, "s", fleet.inputs())
        # The engine keeps the inputs and outputs of an update that failed on the way.
        listed = {self.TAG: fleet.storage.tags[self.TAG]}
        failed = engine.resources["s"]
        failed.inputs = {**fleet.inputs(), "stale": listed, "listing": 9}
        failed.outputs = caught.value.properties
        engine.up(STALE, "s", fleet.inputs())
        assert self.TAG not in fleet.tags

    def test_what_was_always_kept_is_not_read_whole_in_a_run_without_changes(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        engine.up(STALE, "s", fleet.inputs())
        fleet.registry.log.clear()
        engine.up(STALE, "s", fleet.inputs())
        asked = [line.split()[0] for line in fleet.registry.log if self.TAG in line]
        assert asked == ["HEAD"]


class TestVersionTags:
    """Tags of versions of two parts, in the form of X.Y pointers that are to be removed."""

    @pytest.fixture
    def inputs(self, fleet: Fleet) -> dict[str, Any]:
        return fleet.inputs(policy={"LATEST": "remove", "X.Y": "remove"})

    def test_an_unknown_name_that_is_the_only_one_of_its_digest_stays_and_says_why(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any]
    ) -> None:
        fleet.registry.push_index(NAME, "py3.11-20.0")
        outputs = engine.up(STALE, "s", inputs).outputs
        reasons = {entry["tag"]: entry["reason"] for entry in outputs["kept"]}
        assert reasons["py3.11-20.0"].startswith("it may be a version tag")
        assert "py3.11-20.0" in fleet.tags

    def test_one_that_only_a_tag_of_another_line_shares_stays(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any]
    ) -> None:
        digest = fleet.registry.push_index(NAME, "py3.11-20.0")
        fleet.storage.tags |= {"py3.11-20.1.0": digest, "edge": digest}
        engine.up(STALE, "s", inputs)
        assert "py3.11-20.0" in fleet.tags

    @pytest.mark.parametrize(("version", "stays"), [("20.0", True), ("20.0.4", False), ("", True)])
    def test_one_that_we_assembled_is_told_by_its_own_version(
        self,
        engine: Engine,
        fleet: Fleet,
        inputs: dict[str, Any],
        version: str,
        stays: bool,
    ) -> None:
        fleet.registry.push_index(NAME, "py3.11-20.0", {**OURS, VERSION_ANNOTATION: version})
        engine.up(STALE, "s", inputs)
        assert ("py3.11-20.0" in fleet.tags) is stays

    def test_a_destroy_spares_a_version_tag_of_ours_in_the_form_of_a_pointer(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any]
    ) -> None:
        fleet.registry.push_index(NAME, "py3.11-20.0", {**OURS, VERSION_ANNOTATION: "20.0"})
        engine.up(STALE, "s", inputs)
        engine.restart()
        engine.delete("s")
        assert "py3.11-20.0" in fleet.tags
        assert not fleet.tags & set(fleet.pointers)

    def test_a_version_tag_that_this_run_declares_is_never_stale(
        self, engine: Engine, fleet: Fleet, inputs: dict[str, Any], declared: Declared
    ) -> None:
        tag = declared.version("py3.11-20.0")
        engine.up(TAG, "v", tag)
        fleet.storage.tags["py3.11-20.0.4"] = fleet.storage.tags["py3.11-20.0"]
        assert "py3.11-20.0" not in engine.up(STALE, "s", inputs).outputs["stale"]
        assert "py3.11-20.0" in fleet.tags
