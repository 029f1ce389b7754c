"""The undo record in the registry: what it holds, when it is written, and what it stops."""

from collections.abc import Callable
from typing import Any

import pytest

from fleet.registry.errors import OciError
from fleet.registry.manifest import OWNER_ANNOTATION
from fleet.registry.removal.placeholder import placeholder_manifest
from providers.ociregistry.stale_pointers.resource import RemovalFailedError
from tests.engine.reading import Reading
from tests.providers.ociregistry.engine_fake import STALE, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry
from tests.providers.ociregistry.stale_fleet import NAME, Fleet

BUILD, RECORD = f"{NAME}/build", "undo-fleet-dev"
ALL = {"LATEST": "remove", "X.Y": "remove"}
GOING = ("py3.8-0.30", "py3.8-LATEST")


@pytest.fixture
def fleet(registry: FakeRegistry) -> Fleet:
    return Fleet(registry)


@pytest.fixture
def record(registry: FakeRegistry) -> Callable[[], dict[str, str]]:
    return Reading(registry, NAME).undo


def removals(registry: FakeRegistry) -> list[str]:
    """Return the tags whose deletion was asked for, in turn."""
    asked = [line for line in registry.log if line.startswith(f"DELETE /v2/{NAME}/manifests/py")]
    return [line.rpartition("/")[2] for line in asked]


def written(registry: FakeRegistry) -> int:
    return registry.log.count(f"PUT /v2/{BUILD}/manifests/{RECORD}")


def remove_all(engine: Engine, fleet: Fleet, **overrides: Any) -> list[dict[str, str]]:
    """Run an update that removes both stale pointers; return what its outputs say."""
    inputs = fleet.inputs(**{"policy": ALL, "maxRemovals": 1.0, **overrides})
    removed: list[dict[str, str]] = engine.up(STALE, "s", inputs).outputs["removed"]
    return removed


def depart(engine: Engine) -> None:
    engine.restart()
    engine.refresh("s")
    engine.delete("s")


Record = Callable[[], dict[str, str]]


class TestAnUpdate:
    def test_has_all_on_record_in_one_write_before_the_first_name_goes(
        self, engine: Engine, fleet: Fleet, record: Record
    ) -> None:
        remove_all(engine, fleet)
        assert record() == dict.fromkeys(GOING, fleet.old)
        assert removals(fleet.registry) == list(GOING)
        log = fleet.registry.log
        assert written(fleet.registry) == 1
        assert log.index(f"PUT /v2/{BUILD}/manifests/{RECORD}") < log.index(
            f"DELETE /v2/{NAME}/manifests/{GOING[0]}"
        )

    def test_that_is_killed_between_leaves_an_entry_too_much_and_the_next_one_goes_on(
        self, engine: Engine, fleet: Fleet, record: Record
    ) -> None:
        fleet.registry.fault(f"DELETE .*{GOING[1]}", times=99, reset=True)
        with pytest.raises(RemovalFailedError):
            remove_all(engine, fleet)
        assert GOING[1] in fleet.tags
        assert record() == dict.fromkeys(GOING, fleet.old)
        fleet.registry.faults.clear()
        engine.resources.clear()  # a kill costs the outputs as well
        engine.restart()
        removed = remove_all(engine, fleet)
        assert [entry["tag"] for entry in removed] == [GOING[1]]
        assert record() == dict.fromkeys(GOING, fleet.old), "the state knows one, the registry both"

    def test_keeps_what_earlier_ones_removed_and_deletes_the_record_that_it_displaces(
        self, engine: Engine, fleet: Fleet, record: Record
    ) -> None:
        remove_all(engine, fleet)
        before = fleet.registry.repositories[BUILD].tags[RECORD]
        second = fleet.registry.push_index(NAME, "py3.7-LATEST")
        remove_all(engine, fleet)
        assert record() == {**dict.fromkeys(GOING, fleet.old), "py3.7-LATEST": second}
        assert before not in fleet.registry.repositories[BUILD].manifests

    @pytest.mark.parametrize("fault", [{"status": 403}, {"status": 405}, {"reset": True}])
    def test_goes_on_where_the_displaced_record_can_not_be_deleted(
        self, engine: Engine, fleet: Fleet, record: Record, fault: dict[str, Any]
    ) -> None:
        remove_all(engine, fleet)
        fleet.registry.fault(f"DELETE /v2/{BUILD}/", times=99, **fault)
        fleet.registry.push_index(NAME, "py3.7-LATEST")
        assert "py3.7-LATEST" in {entry["tag"] for entry in remove_all(engine, fleet)}
        assert "py3.7-LATEST" in record()

    def test_has_a_name_that_came_back_on_record_once_with_each_digest(
        self, engine: Engine, fleet: Fleet, record: Record
    ) -> None:
        for digest in (fleet.old, fleet.old, fleet.registry.push_index(NAME, "py3.8-0.31.0")):
            fleet.storage.tags[GOING[1]] = digest
            remove_all(engine, fleet)
            engine.now = engine.now.replace("03:04", "03:05")
            assert record()[GOING[1]] == digest, "the last one counts"
        assert len(engine.resources["s"].outputs["removed"]) == 4

    def test_leaves_a_name_that_was_hidden_when_the_others_were_recorded_to_the_next(
        self, engine: Engine, fleet: Fleet, record: Record
    ) -> None:
        asked = f"GET .*/{GOING[1]}$"
        fleet.registry.fault(asked)  # by the listing
        fleet.registry.fault(asked, status=404)
        remove_all(engine, fleet)
        assert GOING[1] in fleet.tags
        assert record() == {GOING[0]: fleet.old}
        remove_all(engine, fleet)
        assert GOING[1] not in fleet.tags
        assert record() == dict.fromkeys(GOING, fleet.old)

    def test_records_what_an_interrupted_removal_had_displaced(
        self, engine: Engine, fleet: Fleet, record: Record
    ) -> None:
        leftover = placeholder_manifest("of another run", fleet.old)
        fleet.storage.manifests[leftover.digest] = (leftover.media_type, leftover.body)
        fleet.storage.tags[GOING[1]] = leftover.digest
        remove_all(engine, fleet)
        assert record()[GOING[1]] == fleet.old

    def test_without_a_removal_reads_the_record_alone(self, engine: Engine, fleet: Fleet) -> None:
        remove_all(engine, fleet)
        fleet.registry.log.clear()
        remove_all(engine, fleet, policy={"LATEST": "remove", "X.Y": "keep"})
        remove_all(engine, fleet)
        assert fleet.registry.writes == []

    def test_that_changes_nothing_asks_nothing_of_the_record(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        remove_all(engine, fleet)
        engine.restart()
        fleet.registry.log.clear()
        remove_all(engine, fleet)
        assert [line for line in fleet.registry.log if BUILD in line] == []

    def test_adds_what_only_the_state_remembers(
        self, engine: Engine, fleet: Fleet, record: Record
    ) -> None:
        remove_all(engine, fleet)
        del fleet.registry.repositories[BUILD]  # as where no record was kept
        engine.restart()
        fleet.registry.push_index(NAME, "py3.7-LATEST")
        remove_all(engine, fleet)
        assert record().keys() == {*GOING, "py3.7-LATEST"}


class TestAnImageThatLeaves:
    def test_has_its_pointers_on_record_before_the_first_one_goes(
        self, engine: Engine, fleet: Fleet, record: Record
    ) -> None:
        before = dict(fleet.storage.tags)
        engine.up(STALE, "s", fleet.inputs(policy={}))
        fleet.registry.log.clear()
        depart(engine)
        assert record() == {pointer: before[pointer] for pointer in fleet.pointers}
        log = fleet.registry.log
        assert written(fleet.registry) == 2, "what it declared leaves the record last"
        assert log.index(f"PUT /v2/{BUILD}/manifests/{RECORD}") < min(
            log.index(f"DELETE /v2/{NAME}/manifests/{pointer}") for pointer in fleet.pointers
        )

    def test_leaves_what_only_the_state_remembered(
        self, engine: Engine, fleet: Fleet, record: Record
    ) -> None:
        remove_all(engine, fleet)
        del fleet.registry.repositories[BUILD]  # as where no record was kept
        depart(engine)
        assert record() == {
            **dict.fromkeys(GOING, fleet.old),
            **{p: fleet.registry.repositories[NAME].tags[f"{p.partition('-')[0]}-0.34.0"]
               for p in fleet.pointers},
        }  # fmt: skip

    def test_costs_one_write_where_all_is_on_record(self, engine: Engine, fleet: Fleet) -> None:
        remove_all(engine, fleet, pointers=[])
        fleet.registry.log.clear()
        depart(engine)
        assert written(fleet.registry) == 1, "nothing is declared there any more"

    @pytest.mark.parametrize("way", ["kept on destroy", "renamed"])
    def test_whose_pointers_stay_leaves_its_record_all_the_same(
        self, engine: Engine, fleet: Fleet, record: Record, way: str
    ) -> None:
        remove_all(engine, fleet, keepOnDestroy=way == "kept on destroy")
        del fleet.registry.repositories[BUILD]
        engine.restart()
        engine.refresh("s")
        if way == "renamed":
            engine.up(STALE, "other", fleet.inputs(policy=ALL))
        engine.delete("s")
        assert record() == dict.fromkeys(GOING, fleet.old)
        assert set(fleet.pointers) <= fleet.tags
        assert engine.warnings == []

    def test_whose_pointers_stay_tells_what_it_knew_where_that_can_not_be_written(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        remove_all(engine, fleet, keepOnDestroy=True)
        del fleet.registry.repositories[BUILD]
        fleet.registry.fault(f"POST /v2/{BUILD}/", times=99, status=403)
        depart(engine)
        (warning,) = engine.warnings
        assert f"py3.8-LATEST ({fleet.old})" in warning
        assert "403" in warning


REFUSALS = {
    "no upload": f"POST /v2/{BUILD}/blobs/uploads/",
    "no tag": f"PUT /v2/{BUILD}/manifests/{RECORD}",
    "no read": f"GET /v2/{BUILD}/manifests/{RECORD}",
}


class TestARecordThatCanNotBeWritten:
    @pytest.mark.parametrize("pattern", REFUSALS.values(), ids=REFUSALS.keys())
    def test_stops_an_update_before_any_name_goes(
        self, engine: Engine, fleet: Fleet, pattern: str
    ) -> None:
        before = fleet.tags
        fleet.registry.fault(pattern, times=99, status=403)
        with pytest.raises(RemovalFailedError, match=f"Grant push access to .*/{BUILD}") as caught:
            remove_all(engine, fleet)
        assert caught.value.properties["removed"] == []
        assert (fleet.tags, removals(fleet.registry)) == (before, [])

    @pytest.mark.parametrize("pattern", REFUSALS.values(), ids=REFUSALS.keys())
    def test_keeps_the_remover_of_an_image_that_leaves_and_its_pointers(
        self, engine: Engine, fleet: Fleet, pattern: str
    ) -> None:
        before = fleet.tags
        engine.up(STALE, "s", fleet.inputs(policy={}))
        fleet.registry.fault(pattern, times=99, status=403)
        with pytest.raises(OciError, match=f"Grant push access to .*/{BUILD}"):
            depart(engine)
        assert (fleet.tags, removals(fleet.registry)) == (before, [])

    def test_nor_read_as_one_is_not_written_over(self, engine: Engine, fleet: Fleet) -> None:
        before = fleet.tags
        theirs = fleet.registry.push_index(BUILD, RECORD)
        with pytest.raises(RemovalFailedError, match=r"is not an undo record .*\nDelete that tag"):
            remove_all(engine, fleet)
        assert (fleet.tags, removals(fleet.registry)) == (before, [])
        assert fleet.registry.repositories[BUILD].tags[RECORD] == theirs

    def test_for_it_is_another_stacks_is_not_written_over(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        remove_all(engine, fleet, owner="fleet-dev/x")
        tags = fleet.registry.repositories[BUILD].tags
        tags[RECORD] = tags["undo-fleet-dev-x"]
        fleet.registry.push_index(NAME, "py3.7-LATEST")
        before = fleet.tags
        with pytest.raises(RemovalFailedError, match="the undo record of fleet-dev/x"):
            remove_all(engine, fleet)
        assert fleet.tags == before
        assert tags[RECORD] == tags["undo-fleet-dev-x"]

    def test_for_somebody_writes_it_meanwhile_is_left(self, engine: Engine, fleet: Fleet) -> None:
        tags = fleet.registry.repositories[BUILD].tags
        theirs = fleet.registry.push_index(BUILD, "theirs")
        fleet.registry.fault(f"HEAD .*/{RECORD}")
        fleet.registry.fault(f"HEAD .*/{RECORD}", act=lambda: tags.update({RECORD: theirs}))
        with pytest.raises(RemovalFailedError, match="is not an undo record"):
            remove_all(engine, fleet)
        assert tags[RECORD] == theirs
        assert removals(fleet.registry) == []

    def test_for_it_is_written_again_and_again_stops_the_removal(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        theirs = fleet.registry.push_index(BUILD, "theirs")
        named = {"Docker-Content-Digest": theirs}
        fleet.registry.fault(f"HEAD .*/{RECORD}", times=99, status=200, headers=named)
        with pytest.raises(RemovalFailedError, match=r"written meanwhile.* run again"):
            remove_all(engine, fleet)
        assert removals(fleet.registry) == []

    def test_and_is_then_found_not_to_be_there_stops_the_removal(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        fleet.registry.fault(f"HEAD .*/{RECORD}", times=2)  # the looks before it is written
        fleet.registry.fault(f"HEAD .*/{RECORD}", status=404)
        with pytest.raises(RemovalFailedError, match="was written, and names nothing now"):
            remove_all(engine, fleet)
        assert removals(fleet.registry) == []


def test_a_registry_without_a_way_gets_no_record(engine: Engine, fleet: Fleet) -> None:
    fleet.registry.tag_delete = fleet.registry.digest_delete = False
    with pytest.raises(RemovalFailedError, match="deletes neither tags nor digests"):
        remove_all(engine, fleet)
    assert BUILD not in fleet.registry.repositories


def test_a_registry_that_deletes_tags_alone_is_none_without_a_way(
    engine: Engine, fleet: Fleet, record: Record
) -> None:
    fleet.registry.digest_delete = False
    remove_all(engine, fleet)
    assert record().keys() == set(GOING)


def test_each_stack_has_a_record_of_its_own(engine: Engine, fleet: Fleet) -> None:
    remove_all(engine, fleet)
    theirs = fleet.registry.push_index(NAME, "py3.7-LATEST", {OWNER_ANNOTATION: "fleet/prod"})
    engine.up(STALE, "theirs", fleet.inputs(owner="fleet/prod", policy=ALL))
    view = Reading(fleet.registry, NAME)
    assert view.undo("fleet/prod") == {"py3.7-LATEST": theirs}
    assert view.undo().keys() == set(GOING)
