"""Notices of the end of life, on registries with and without the referrers API."""

import json
from typing import Any

import pytest

from fleet.registry.manifest import OWNER_ANNOTATION
from providers.ociregistry.stale_pointers.notices import DAY_ANNOTATION, MEDIA_TYPE
from tests.providers.ociregistry.declared import NAME
from tests.providers.ociregistry.engine_fake import STALE, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry, http_date

OLD, NEW, LATEST = "py3.11-0.33.0", "py3.11-0.34.0", "py3.11-LATEST"
DAY = "2026-03-04"


@pytest.fixture(params=[False, True], ids=["fallback tag", "referrers API"])
def registry(registry: FakeRegistry, request: pytest.FixtureRequest) -> FakeRegistry:
    registry.lists_referrers = request.param
    return registry


class Fleet:
    """A repository with two version tags and a pointer, up."""

    def __init__(self, engine: Engine, registry: FakeRegistry) -> None:
        self.engine, self.registry = engine, registry
        self.storage = registry.repositories[NAME]
        ours = {OWNER_ANNOTATION: "fleet/dev"}
        self.digests = {tag: registry.push_index(NAME, tag, ours) for tag in (OLD, NEW)}
        self.storage.tags[LATEST] = self.digests[NEW]
        self.digests[LATEST] = self.digests[NEW]
        self.up()
        engine.restart()
        registry.log.clear()

    def inputs(self, **overrides: Any) -> dict[str, Any]:
        fields = {
            "repository": f"{self.registry.host}/{NAME}",
            "owner": "fleet/dev",
            "pointers": [LATEST],
            "grammar": [{"kind": "LATEST", "pattern": ".*-LATEST"}],
            "policy": {"LATEST": "remove"},
            "digests": self.digests,
        }
        return {**fields, **overrides}

    def leave(self, *tags: str) -> None:
        """Have the declaration of the next run without tags."""
        self.digests = {t: d for t, d in self.digests.items() if t not in tags}
        self.engine.now = f"{DAY}T05:06:07Z"
        self.registry.clock = lambda: http_date(f"{DAY}T05:06:07Z")

    def up(self, **overrides: Any) -> Any:
        return self.engine.up(STALE, "s", self.inputs(**overrides))

    def preview(self) -> Any:
        return self.engine.preview(STALE, "s", self.inputs())

    @property
    def state(self) -> dict[str, Any]:
        return self.engine.resources["s"].outputs

    def notices(self, digest: str) -> list[dict[str, Any]]:
        """The notices of an image, as clients find them."""
        if self.registry.lists_referrers:
            found = [json.loads(body) for _, body in self.storage.manifests.values()]
            found = [m for m in found if m.get("subject", {}).get("digest") == digest]
        else:
            listed = self.storage.tags.get(digest.replace(":", "-"))
            index = json.loads(self.storage.manifests[listed][1]) if listed else {"manifests": []}
            found = [json.loads(self.storage.manifests[e["digest"]][1]) for e in index["manifests"]]
            assert [e["artifactType"] for e in index["manifests"]] == [MEDIA_TYPE] * len(found)
        return [manifest for manifest in found if manifest["artifactType"] == MEDIA_TYPE]


@pytest.fixture
def fleet(engine: Engine, registry: FakeRegistry) -> Fleet:
    return Fleet(engine, registry)


def test_a_version_tag_that_leaves_gets_a_notice_with_the_registrys_day(fleet: Fleet) -> None:
    digest = fleet.digests[OLD]
    fleet.leave(OLD)
    previewed = fleet.preview()
    assert f'ended["{OLD}"]' in previewed.changed
    assert fleet.registry.writes == []
    (row,) = fleet.engine.report.of("keep")
    assert (row.ref.rpartition(":")[2], row.previous) == (OLD, digest)
    fleet.up()
    (notice,) = fleet.notices(digest)
    assert notice["annotations"][DAY_ANNOTATION] == DAY
    assert notice["subject"]["digest"] == digest
    assert fleet.state["ended"] == {OLD: DAY}
    assert fleet.storage.tags[OLD] == digest, "the tag stays"
    assert fleet.notices(fleet.digests[NEW]) == []


def test_a_second_run_asks_no_more_than_before_and_moves_no_day(fleet: Fleet) -> None:
    before = fleet.up()
    usual = sorted(fleet.registry.log)
    assert before.kind == "same"
    digest = fleet.digests[OLD]
    fleet.leave(OLD)
    fleet.up()
    fleet.engine.restart()
    fleet.engine.now = "2026-05-06T07:08:09Z"
    fleet.registry.clock = lambda: http_date(fleet.engine.now)
    fleet.registry.log.clear()
    assert fleet.up().kind == "same"
    assert sorted(fleet.registry.log) == usual
    assert [n["annotations"][DAY_ANNOTATION] for n in fleet.notices(digest)] == [DAY]


def test_a_lost_state_takes_over_a_notice_that_is_there(fleet: Fleet) -> None:
    digest, state = fleet.digests[OLD], dict(fleet.state)
    fleet.leave(OLD)
    fleet.up()
    fleet.engine.resources["s"].outputs = state
    fleet.engine.now = "2026-05-06T07:08:09Z"
    fleet.registry.clock = lambda: http_date(fleet.engine.now)
    fleet.up()
    assert fleet.state["ended"] == {OLD: DAY}
    assert len(fleet.notices(digest)) == 1


def test_a_tag_that_is_declared_again_loses_its_notice(fleet: Fleet) -> None:
    digest = fleet.digests[OLD]
    whole = dict(fleet.digests)
    fleet.leave(OLD)
    fleet.up()
    fleet.engine.restart()
    fleet.digests = whole
    assert f'ended["{OLD}"]' in fleet.preview().changed
    fleet.up()
    assert fleet.notices(digest) == []
    assert fleet.state["ended"] == {}
    assert fleet.engine.warnings == []
    fleet.engine.restart()
    assert fleet.up().kind == "same"


def test_where_no_digest_can_be_deleted_a_notice_that_stays_is_said(fleet: Fleet) -> None:
    digest, whole = fleet.digests[OLD], dict(fleet.digests)
    fleet.leave(OLD)
    fleet.up()
    fleet.registry.digest_delete = False
    fleet.digests = whole
    fleet.engine.restart()
    fleet.up()
    if fleet.registry.lists_referrers:
        assert "its notice of the end of its life stays" in fleet.engine.warnings[-1]
    else:
        assert fleet.notices(digest) == []
    assert fleet.state["ended"] == {}
    fleet.engine.restart()
    assert fleet.up().kind == "same"


def test_an_image_that_a_declared_tag_names_has_not_come_to_its_end(fleet: Fleet) -> None:
    fleet.digests[NEW] = fleet.digests[OLD]
    fleet.up()
    fleet.leave(OLD)
    fleet.up()
    assert fleet.notices(fleet.digests[NEW]) == []


@pytest.mark.parametrize("owner", ["them/prod", "fleet/dev", ""])
def test_a_tag_that_names_another_image_by_now_gets_none(fleet: Fleet, owner: str) -> None:
    ours = fleet.digests[OLD]
    another = fleet.registry.push_index(NAME, "another", {OWNER_ANNOTATION: owner})
    fleet.storage.tags[OLD] = another
    fleet.leave(OLD)
    fleet.up()
    assert fleet.notices(another) == fleet.notices(ours) == []
    assert fleet.state["ended"] == {}
    fleet.engine.restart()
    assert fleet.up().kind == "same"


@pytest.mark.parametrize("left", [True, False])
def test_a_tag_that_is_gone_or_was_never_ours_gets_none(fleet: Fleet, left: bool) -> None:
    theirs = fleet.registry.push_index(NAME, "theirs", {OWNER_ANNOTATION: "them/prod"})
    fleet.storage.tags[OLD] = fleet.digests[OLD] = theirs
    fleet.up()
    if not left:
        del fleet.storage.tags[OLD]
    fleet.leave(OLD)
    fleet.up()
    assert fleet.notices(theirs) == []
    assert fleet.state["ended"] == {}


def test_a_pointer_that_leaves_gets_none(fleet: Fleet) -> None:
    fleet.leave(LATEST)
    fleet.up(pointers=[], policy={"LATEST": "keep"})
    assert fleet.state["ended"] == {}
    assert fleet.notices(fleet.digests[NEW]) == []


def test_a_notice_that_fails_is_a_warning_and_due_again(fleet: Fleet) -> None:
    digest = fleet.digests[OLD]
    fleet.leave(OLD)
    fleet.registry.fault(f"GET .*/manifests/{OLD}$", status=403)
    fleet.up()
    assert "the next update tries again" in fleet.engine.warnings[-1]
    assert fleet.notices(digest) == []
    fleet.engine.restart()
    assert f'ended["{OLD}"]' in fleet.preview().changed
    fleet.up()
    assert len(fleet.notices(digest)) == 1
    fleet.engine.restart()
    assert fleet.up().kind == "same"


def test_the_same_notice_has_the_same_bytes(fleet: Fleet) -> None:
    digest = fleet.digests[OLD]
    fleet.leave(OLD)
    fleet.up()
    (first,) = fleet.notices(digest)
    assert list(first["annotations"]) == [
        DAY_ANNOTATION, OWNER_ANNOTATION, "io.github.multi-py.fleet.evidence.kind",
    ]  # fmt: skip
    assert first["layers"] == [first["config"]]


def test_a_notice_that_no_state_knows_goes_where_its_tag_is_declared(fleet: Fleet) -> None:
    digest, whole = fleet.digests[OLD], dict(fleet.digests)
    fleet.leave(OLD)
    fleet.up()
    fleet.engine.resources.clear()
    fleet.engine.restart()
    fleet.digests = whole
    fleet.up()
    assert fleet.notices(digest) == []
    assert fleet.state["ended"] == {}


def test_a_tag_that_comes_back_to_an_image_with_a_notice_has_it_taken_off(fleet: Fleet) -> None:
    digest, whole = fleet.digests[OLD], dict(fleet.digests)
    fleet.leave(OLD)
    fleet.up()
    rebuilt = fleet.registry.push_index(NAME, OLD, {OWNER_ANNOTATION: "fleet/dev", "built": "2"})
    for named in (rebuilt, digest):
        fleet.engine.restart()
        fleet.storage.tags[OLD] = named
        fleet.digests = {**whole, OLD: named}
        fleet.up()
        assert len(fleet.notices(digest)) == (named == rebuilt)
    fleet.engine.restart()
    assert fleet.up().kind == "same"


def test_an_update_that_fails_writes_no_notice_that_its_state_would_not_know(fleet: Fleet) -> None:
    digest, whole = fleet.digests[OLD], dict(fleet.digests)
    fleet.leave(OLD)
    fleet.digests = {NEW: ""}
    with pytest.raises(Exception, match="while a declared tag failed"):
        fleet.up(pointers=[], maxRemovals=1)
    assert fleet.notices(digest) == []
    fleet.digests = {NEW: whole[NEW]}
    fleet.engine.restart()
    fleet.up(pointers=[], maxRemovals=1)
    assert len(fleet.notices(digest)) == 1


def test_a_removal_that_fails_half_way_leaves_the_notice_due(fleet: Fleet) -> None:
    digest = fleet.digests[OLD]
    fleet.leave(OLD, LATEST)
    fleet.registry.fault(f"DELETE .*/manifests/{LATEST}$", times=10, status=403)
    with pytest.raises(Exception, match="403"):
        fleet.up(pointers=[], maxRemovals=1)
    assert fleet.notices(digest) == []
    fleet.registry.faults.clear()
    fleet.engine.restart()
    fleet.up(pointers=[], maxRemovals=1)
    assert len(fleet.notices(digest)) == 1
    assert fleet.state["ended"] == {OLD: DAY}


def test_what_left_gets_its_notice_also_after_a_run_without_a_history(fleet: Fleet) -> None:
    digest = fleet.digests[OLD]
    moved = {**fleet.digests, LATEST: digest}
    fleet.storage.tags[LATEST] = digest
    fleet.registry.fault("^(PUT|POST) ", times=1000, status=403)
    fleet.digests = moved
    fleet.up()
    assert "not in the history" in fleet.engine.warnings[-1]
    assert fleet.state["historyDue"]
    fleet.registry.faults.clear()
    fleet.engine.restart()
    assert "history" in fleet.preview().changed
    fleet.storage.tags[LATEST] = moved[LATEST] = moved[NEW]
    fleet.digests = moved
    fleet.leave(OLD)
    fleet.up()
    assert len(fleet.notices(digest)) == 1
    assert not fleet.state["historyDue"]
    fleet.engine.restart()
    assert fleet.up().kind == "same"


def test_a_tag_that_failed_last_and_leaves_gets_its_notice(fleet: Fleet) -> None:
    digest, whole = fleet.digests[OLD], dict(fleet.digests)
    for failed in ({OLD: ""}, dict.fromkeys(whole, "")):
        fleet.digests = {**whole, **failed}
        fleet.up()
        fleet.engine.restart()
    fleet.digests = whole
    fleet.leave(OLD)
    fleet.up()
    assert len(fleet.notices(digest)) == 1


def test_a_notice_whose_deletion_is_refused_for_now_is_taken_back_later(fleet: Fleet) -> None:
    digest, whole = fleet.digests[OLD], dict(fleet.digests)
    fleet.leave(OLD)
    fleet.up()
    fleet.engine.restart()
    fleet.digests = whole
    fleet.registry.fault("DELETE .*", status=403)
    fleet.up()
    if fleet.registry.lists_referrers:
        assert "which the next update takes back" in fleet.engine.warnings[-1]
        assert fleet.engine.report.of("keep") == ()
        fleet.engine.restart()
        fleet.up()
    assert fleet.notices(digest) == []
    assert fleet.state["ended"] == {}
    fleet.engine.restart()
    assert fleet.up().kind == "same"
