"""A mirror through its life, between registries with and without the referrers API."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.runtime.rpc import UNKNOWN

from fleet.registry.manifest import OWNER_ANNOTATION
from providers.ociregistry.context import PartialFailureError
from providers.ociregistry.tag.model import TagInputs, TagState
from providers.ociregistry.tag.writer import Tagger
from tests.fleet.evidence.examples import ED25519, P256
from tests.providers.ociregistry.declared import PLATFORMS
from tests.providers.ociregistry.engine_fake import (
    MIRROR,
    STALE,
    CheckFailedError,
    Engine,
    Resource,
)
from tests.providers.ociregistry.mirrored import (
    LATEST,
    LINE,
    NEW,
    OLD,
    STATEMENTS,
    THERE,
    Fleet,
    refers,
    signed,
)
from tests.providers.ociregistry.registry_fake import OCI_MANIFEST, FakeRegistry, serving


@pytest.fixture(params=[(0, 0), (0, 1), (1, 0)], ids=["no API", "API there", "API at the source"])
def other(registry: FakeRegistry, request: pytest.FixtureRequest) -> Iterator[FakeRegistry]:
    registry.lists_referrers = bool(request.param[0])
    with serving() as fake:
        fake.lists_referrers = bool(request.param[1])
        yield fake


@pytest.fixture
def environment(environment: dict[str, str], other: FakeRegistry) -> dict[str, str]:
    hosts = f"{environment['FLEET_PLAIN_HTTP']},{other.host}"
    return {**environment, "FLEET_PLAIN_HTTP": hosts, "FLEET_SIGNING_KEY": P256}


@pytest.fixture
def fleet(engine: Engine, registry: FakeRegistry, other: FakeRegistry) -> Fleet:
    other.clock = registry.clock
    return Fleet(engine, registry, other)


def test_the_first_up_brings_images_evidence_and_names(fleet: Fleet) -> None:
    step = fleet.up()
    assert fleet.names == fleet.wanted
    for digest in fleet.digests.values():
        assert fleet.memory.pullable(THERE, digest)
        assert signed(fleet, digest) == STATEMENTS
    assert step.outputs["tags"] == fleet.wanted
    assert {each["reason"] for each in step.outputs["copied"]} == {"new there"}


def test_no_name_is_written_before_its_evidence_and_pointers_come_last(fleet: Fleet) -> None:
    fleet.up()
    written = [
        line for line in fleet.memory.log if line.startswith("PUT ") and "/manifests/" in line
    ]
    first: dict[str, int] = {}
    for place, line in enumerate(written):
        first.setdefault(line.rpartition("/")[2], place)
    for tag, digest in fleet.digests.items():
        assert first[digest] < first[tag]
        about = [d for d, (_, body) in fleet.there.manifests.items() if refers(body, digest)]
        assert len(about) == STATEMENTS
        assert max(first[each] for each in about) < first[tag]
    assert max(first[tag] for tag in fleet.digests) < min(first[LATEST], first[LINE])


def test_a_second_run_writes_nothing_and_asks_once_for_each_tag(fleet: Fleet) -> None:
    fleet.up()
    for fake in (fleet.memory, fleet.source):
        fake.log.clear()
    fleet.engine.restart()
    assert fleet.up().kind == "same"
    heads = sorted(f"HEAD /v2/{THERE}/manifests/{tag}" for tag in fleet.wanted)
    assert sorted(fleet.memory.log) == [f"GET /v2/{THERE}/tags/list", *heads]
    assert fleet.source.log == []


def test_what_was_moved_or_lost_there_is_put_back(fleet: Fleet) -> None:
    fleet.up()
    fleet.there.tags[OLD] = fleet.digests[NEW]
    del fleet.there.tags[LATEST]
    fleet.engine.restart()
    previewed = fleet.engine.preview(MIRROR, fleet.place, fleet.inputs())
    assert set(previewed.changed) == {f'tags["{OLD}"]', f'tags["{LATEST}"]'}
    step = fleet.up()
    assert fleet.names == fleet.wanted
    found = {each["tag"]: (each["reason"], each["previous"]) for each in step.outputs["copied"]}
    assert found == {OLD: ("moved there", fleet.digests[NEW]), LATEST: ("gone there", "")}
    assert step.outputs["left"] == {}
    assert fleet.up().kind == "same"


def test_a_new_image_follows_its_source(fleet: Fleet) -> None:
    fleet.up()
    before = fleet.digests[NEW]
    fleet.digests[NEW] = fleet.publish(NEW, "another build")
    fleet.point()
    step = fleet.up()
    assert fleet.names == fleet.wanted
    assert signed(fleet, fleet.digests[NEW]) == STATEMENTS
    assert {(e["tag"], e["previous"], e["reason"]) for e in step.outputs["copied"]} == {
        (tag, before, "follows its source") for tag in (NEW, LATEST, LINE)
    }
    assert fleet.memory.pullable(THERE, before), "who pinned it can still pull it"


def test_evidence_of_another_signer_follows_and_what_others_attached_stays(
    fleet: Fleet, environment: dict[str, str]
) -> None:
    fleet.up()
    digest = fleet.digests[NEW]
    theirs = fleet.memory.push_image(THERE, "linux/amd64", "theirs")
    entry = {"mediaType": OCI_MANIFEST, "digest": theirs, "size": 1}
    if not fleet.memory.lists_referrers:
        tag = digest.replace(":", "-")
        index = json.loads(fleet.there.manifests[fleet.there.tags[tag]][1])
        index["manifests"].append(entry)
        fleet.memory.push_manifest(THERE, index, tag)
    environment["FLEET_SIGNING_KEY"] = ED25519
    fleet.engine.restart()
    version = fleet.declared.version(NEW, NEW)
    fleet.sign(version, ED25519, P256)
    step = fleet.up()
    assert [(e["tag"], e["reason"]) for e in step.outputs["copied"]] == [
        (NEW, "its evidence changed")
    ]
    if not fleet.memory.lists_referrers:
        listed = json.loads(fleet.there.manifests[fleet.there.tags[digest.replace(":", "-")]][1])
        assert entry in listed["manifests"]
        listed["manifests"].remove(entry)
        fleet.memory.push_manifest(THERE, listed, digest.replace(":", "-"))
    assert signed(fleet, digest, ED25519, P256) == 2 * STATEMENTS


def test_what_fails_at_one_tag_stops_no_other_and_is_named_at_the_end(fleet: Fleet) -> None:
    fleet.memory.fault(f"PUT .*/manifests/{OLD}$", status=403, times=9)
    with pytest.raises(PartialFailureError, match=f"1 of 4 tags not copied\n- .*{OLD}") as caught:
        fleet.up()
    assert fleet.names == {t: d for t, d in fleet.wanted.items() if t != OLD}
    assert caught.value.resource_id == fleet.place
    assert OLD not in caught.value.properties["tags"]
    assert fleet.engine.report.of("fail")[0].kind == "mirror"
    fleet.memory.faults.clear()
    fleet.up()
    assert fleet.names == fleet.wanted


def test_an_interruption_keeps_what_was_written_and_the_next_run_finishes_it(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Tagger.write

    async def interrupted(self: Tagger, inputs: TagInputs, *rest: Any) -> TagState:
        if inputs.ref.tag == NEW:
            raise asyncio.CancelledError
        return await write(self, inputs, *rest)

    monkeypatch.setattr(Tagger, "write", interrupted)
    with pytest.raises(PartialFailureError, match="The run was interrupted") as caught:
        fleet.engine.up(MIRROR, fleet.place, fleet.inputs())
    assert caught.value.properties["tags"][OLD] == fleet.digests[OLD]
    assert NEW not in fleet.names
    monkeypatch.undo()
    fleet.engine.restart()
    fleet.up()
    assert fleet.names == fleet.wanted


def test_a_tag_that_failed_at_the_source_stays_and_the_others_go_on(fleet: Fleet) -> None:
    fleet.up()
    before = dict(fleet.names)
    fleet.digests[OLD] = fleet.publish(OLD, "another build")
    with pytest.raises(PartialFailureError, match=f"{NEW} was not updated"):
        fleet.up(tags={**fleet.wanted, NEW: ""})
    assert fleet.names == {**before, OLD: fleet.digests[OLD]}


def test_a_mirror_that_does_not_answer_is_kept_in_the_state(fleet: Fleet) -> None:
    fleet.up()
    fleet.engine.restart()
    fleet.memory.fault(".*", status=500, times=99)
    fleet.engine.refresh(fleet.place)
    outputs = fleet.engine.resources[fleet.place].outputs
    assert outputs["unread"]
    assert outputs["tags"] == fleet.wanted
    with pytest.raises(Exception, match="could not be verified, so nothing is changed"):
        fleet.engine.up(MIRROR, fleet.place, fleet.inputs(), refresh=False)


def test_a_version_tag_of_others_is_refused_and_a_pointer_taken_over(fleet: Fleet) -> None:
    theirs = fleet.memory.push_index(THERE, NEW, {OWNER_ANNOTATION: "them/prod"})
    fleet.there.tags[LATEST] = theirs
    step = fleet.engine.preview(MIRROR, fleet.place, fleet.inputs())
    assert re.search(f"(?s)1 of 4 .*{NEW} names .*them/prod.*there", step.outputs["failure"])
    with pytest.raises(PartialFailureError, match="owned by them/prod"):
        fleet.up()
    assert fleet.names == {OLD: fleet.digests[OLD], NEW: theirs, LATEST: theirs}
    fleet.up(onConflict="take-over")
    assert fleet.names == fleet.wanted


def test_a_version_tag_of_others_is_refused_again_by_a_run_that_knows_the_mirror(
    fleet: Fleet,
) -> None:
    theirs = fleet.memory.push_index(THERE, NEW, {OWNER_ANNOTATION: "them/prod"})
    with pytest.raises(PartialFailureError) as caught:
        fleet.up()
    # As the engine keeps what a failure of a part carries.
    kept = Resource(MIRROR, fleet.place, fleet.inputs(), dict(caught.value.properties))
    fleet.engine.resources[fleet.place] = kept
    for _ in range(2):
        fleet.engine.restart()
        with pytest.raises(PartialFailureError, match="owned by them/prod"):
            fleet.up()
        assert fleet.names == {OLD: fleet.digests[OLD], NEW: theirs}


def test_a_preview_names_a_new_tag_that_is_anothers_there(fleet: Fleet) -> None:
    del fleet.digests[OLD]
    fleet.up()
    fleet.digests[OLD] = fleet.publish(OLD)
    fleet.memory.push_index(THERE, OLD, {OWNER_ANNOTATION: "them/prod"})
    fleet.engine.restart()
    for digest in (fleet.digests[OLD], UNKNOWN):
        tags = {**fleet.wanted, OLD: digest}
        step = fleet.engine.preview(MIRROR, fleet.place, fleet.inputs(tags=tags))
        assert re.search(f"(?s)1 of 4 .*{OLD} names .*them/prod", step.outputs["failure"])
        assert UNKNOWN not in step.outputs["failure"]


def test_a_first_preview_names_what_is_not_there_yet_and_writes_nothing(fleet: Fleet) -> None:
    fleet.up()
    fleet.engine.resources.clear()
    fleet.engine.restart()
    del fleet.there.tags[LATEST]
    fleet.memory.log.clear()
    step = fleet.engine.preview(MIRROR, fleet.place, fleet.inputs())
    assert [(each["tag"], each["reason"]) for each in step.outputs["copied"]] == [
        (LATEST, "new there")
    ]
    assert f"to be copied: new there: {LATEST}" in fleet.engine.messages
    assert fleet.memory.writes == []
    (entry,) = fleet.engine.report.of("copy")
    assert (entry.ref, entry.kind) == (f"{fleet.place}:{LATEST}", "pointer")
    assert fleet.engine.report.summary.endswith("1 copy")


def test_where_no_state_knows_the_mirror_evidence_and_platforms_that_it_lost_are_brought(
    fleet: Fleet,
) -> None:
    fleet.up()
    digest = fleet.digests[NEW]
    for manifest in [d for d, (_, body) in fleet.there.manifests.items() if refers(body, digest)]:
        del fleet.there.manifests[manifest]
    fleet.there.tags.pop(digest.replace(":", "-"), None)
    child = json.loads(fleet.there.manifests[digest][1])["manifests"][0]["digest"]
    del fleet.there.manifests[child]
    fleet.engine.resources.clear()
    fleet.engine.restart()
    step = fleet.up()
    assert step.outputs["copied"] == [], "no name was written"
    assert signed(fleet, digest) == STATEMENTS
    assert fleet.memory.pullable(THERE, digest)


def test_a_preview_of_a_build_has_rows_without_digests(fleet: Fleet) -> None:
    fleet.up()
    fleet.engine.restart()
    fleet.engine.preview(
        MIRROR, fleet.place, fleet.inputs(tags={**fleet.wanted, NEW: UNKNOWN, LATEST: UNKNOWN})
    )
    assert [
        (e.ref.rpartition(":")[2], e.digest, e.previous) for e in fleet.engine.report.of("copy")
    ] == [
        (NEW, "", fleet.digests[NEW]),
        (LATEST, "", fleet.digests[NEW]),
    ]


def test_a_stale_pointer_is_removed_there_and_on_record_beside_the_source(fleet: Fleet) -> None:
    fleet.up()
    stale = fleet.names[LINE]
    del fleet.pointers[LINE]
    fleet.engine.restart()
    fleet.up()
    assert fleet.names == fleet.wanted
    outputs = fleet.engine.resources[f"{fleet.place} names"].outputs
    assert [(r["tag"], r["digest"]) for r in outputs["removed"]] == [(LINE, stale)]
    assert any(tag.startswith("undo-fleet-dev-") for tag in fleet.build_tags())
    assert not [name for name in fleet.memory.repositories if name != THERE]


def test_where_the_mirror_leaves_its_pointers_stay(fleet: Fleet) -> None:
    fleet.engine.up(STALE, fleet.declared.place, fleet.own_stale())
    fleet.up()
    fleet.engine.restart()
    fleet.engine.up(STALE, fleet.declared.place, fleet.own_stale())
    for name in (fleet.place, f"{fleet.place} names"):
        fleet.engine.forget(name)
    kept = {e.ref.rpartition(":")[2]: e.reasons for e in fleet.engine.report.of("keep")}
    why = ("no longer declared as a mirror, kept there",)
    assert kept == dict.fromkeys(fleet.wanted, why)
    fleet.engine.delete(f"{fleet.place} names")
    fleet.engine.delete(fleet.place)
    assert fleet.names == fleet.wanted
    assert "it is no longer declared as a mirror of" in fleet.engine.warnings[-1]


def test_where_the_image_leaves_its_pointers_leave_the_mirror_too(fleet: Fleet) -> None:
    fleet.engine.up(STALE, fleet.declared.place, fleet.own_stale())
    fleet.up()
    fleet.engine.restart()
    for name in (fleet.declared.place, f"{fleet.place} names"):
        fleet.engine.refresh(name)
        fleet.engine.delete(name)
    assert fleet.names == fleet.digests


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"repository": "nowhere"}, "repository"),
        ({"tags": {"a tag": ""}}, "tags.a tag"),
        ({"tags": {NEW: "sha256:1"}}, f"tags.{NEW}"),
        ({"onConflict": "ask"}, "onConflict"),
        ({"owner": ""}, "owner"),
    ],
)
def test_what_can_not_be_used_is_named(fleet: Fleet, overrides: dict[str, Any], named: str) -> None:
    with pytest.raises(CheckFailedError) as caught:
        fleet.engine.preview(MIRROR, fleet.place, fleet.inputs(**overrides))
    assert caught.value.failures.keys() == {named}


def test_every_platform_is_there(fleet: Fleet) -> None:
    fleet.up()
    index = json.loads(fleet.there.manifests[fleet.digests[NEW]][1])
    assert len(index["manifests"]) == len(PLATFORMS)
