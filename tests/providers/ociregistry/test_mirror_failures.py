"""A mirror that fails, lost something or lags behind: what is said, and what is left alone."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from fleet.registry.client import Client
from fleet.registry.errors import OciError
from fleet.registry.history import Move
from fleet.registry.manifest import OWNER_ANNOTATION
from fleet.registry.reference import Repository
from fleet.registry.transport import Transport
from fleet.upkeep import history
from providers.ociregistry.context import PartialFailureError
from tests.fleet.evidence.examples import P256
from tests.providers.ociregistry.declared import NAME, OWNER
from tests.providers.ociregistry.engine_fake import MIRROR, STALE, Engine
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
from tests.providers.ociregistry.registry_fake import FakeRegistry, serving


@pytest.fixture
def other() -> Iterator[FakeRegistry]:
    with serving() as fake:
        yield fake


@pytest.fixture
def environment(environment: dict[str, str], other: FakeRegistry) -> dict[str, str]:
    hosts = f"{environment['FLEET_PLAIN_HTTP']},{other.host}"
    return {**environment, "FLEET_PLAIN_HTTP": hosts, "FLEET_SIGNING_KEY": P256}


@pytest.fixture
def fleet(engine: Engine, registry: FakeRegistry, other: FakeRegistry) -> Fleet:
    other.clock = registry.clock
    return Fleet(engine, registry, other)


def names_of(fleet: Fleet) -> str:
    """The name of the resource that removes stale pointers at the mirror."""
    return f"{fleet.place} names"


def test_a_preview_goes_on_past_a_mirror_that_does_not_answer(fleet: Fleet) -> None:
    fleet.up()
    fleet.engine.restart()
    fleet.engine.warnings.clear()
    fleet.memory.fault(".*", status=401, times=999)
    fleet.engine.preview(MIRROR, fleet.place, fleet.inputs())
    fleet.engine.preview(STALE, names_of(fleet), fleet.stale())
    failed = fleet.engine.report.of("fail")
    assert {(entry.ref, entry.kind) for entry in failed} == {
        (fleet.place, "mirror"),
        (fleet.place, "repository"),
    }
    assert all("answered 401" in entry.reasons[0] for entry in failed)
    assert len(fleet.engine.warnings) == 2
    with pytest.raises(OciError, match="so nothing is changed"):
        fleet.engine.up(MIRROR, fleet.place, fleet.inputs())


def test_a_first_preview_goes_on_past_a_mirror_that_wants_a_login(fleet: Fleet) -> None:
    fleet.memory.fault(".*", status=401, times=999)
    fleet.engine.preview(MIRROR, fleet.place, fleet.inputs())
    (entry,) = fleet.engine.report.of("fail")
    assert (entry.ref, entry.kind) == (fleet.place, "mirror")
    assert "an update would fail: " in fleet.engine.warnings[-1]


def test_a_preview_names_what_failed_at_the_source(fleet: Fleet) -> None:
    fleet.up()
    fleet.engine.restart()
    fleet.engine.preview(MIRROR, fleet.place, fleet.inputs(tags={**fleet.wanted, NEW: ""}))
    (entry,) = fleet.engine.report.of("fail")
    assert (entry.ref, entry.reasons) == (f"{fleet.place}:{NEW}", ("it failed at its source",))


def test_no_name_is_written_whose_evidence_the_source_does_not_list(fleet: Fleet) -> None:
    digest = fleet.digests[NEW]
    listed = fleet.source.repositories[NAME].tags.pop(digest.replace(":", "-"))
    with pytest.raises(PartialFailureError, match="does not list 5 of the 5 statements"):
        fleet.up()
    assert fleet.names == {OLD: fleet.digests[OLD]}
    fleet.source.repositories[NAME].tags[digest.replace(":", "-")] = listed
    fleet.engine.restart()
    fleet.up()
    assert fleet.names == fleet.wanted
    assert signed(fleet, digest) == STATEMENTS


def test_a_pointer_is_not_written_before_its_version_tag(fleet: Fleet) -> None:
    fleet.memory.fault(f"PUT .*/manifests/{NEW}$", status=403, times=99)
    with pytest.raises(PartialFailureError, match=f"- {LINE}, {LATEST}: not written before {NEW}"):
        fleet.up()
    assert fleet.names == {OLD: fleet.digests[OLD]}


def test_one_reason_is_said_once_with_its_tags(fleet: Fleet) -> None:
    fleet.memory.fault("POST .*", status=403, times=999)
    with pytest.raises(PartialFailureError, match="4 of 4 tags") as caught:
        fleet.up()
    assert str(caught.value).count("answered 403") == 1
    assert f"- {OLD}, {NEW}: POST " in str(caught.value)


def test_a_registry_that_fails_as_a_whole_is_not_asked_by_every_tag(fleet: Fleet) -> None:
    for number in range(12):
        tag = f"py3.13-slim-0.{40 + number}.0"
        fleet.digests[tag] = fleet.publish(tag)
    fleet.memory.fault("(POST|PUT) .*", status=503, times=10**6)
    fleet.memory.log.clear()
    with pytest.raises(PartialFailureError, match="16 of 16 tags not copied") as caught:
        fleet.engine.up(MIRROR, fleet.place, fleet.inputs())
    assert str(caught.value).endswith("not tried, because the registry failed before")
    begun = {line for line in fleet.memory.log if line.startswith("HEAD ") and "0.5" in line}
    reads = {f"HEAD /v2/{THERE}/manifests/py3.13-slim-0.{number}.0" for number in (50, 51)}
    assert begun == reads, "they were looked for, and no more"
    assert len([line for line in fleet.memory.log if line.startswith("POST ")]) < 60


@pytest.mark.parametrize("lost", ["evidence", "list", "platform"])
def test_what_a_mirror_lost_is_found_by_a_whole_verification_and_brought_again(
    fleet: Fleet, environment: dict[str, str], lost: str
) -> None:
    fleet.up()
    digest, held = fleet.digests[NEW], fleet.there.manifests
    if lost == "evidence":
        for each in [each for each, (_, body) in held.items() if refers(body, digest)]:
            del held[each]
    elif lost == "list":
        del fleet.there.tags[digest.replace(":", "-")]
    else:
        del held[json.loads(held[digest][1])["manifests"][0]["digest"]]
    fleet.engine.restart()
    assert fleet.up().kind == "same"
    environment["FLEET_VERIFY_CHILDREN"] = "all"
    fleet.engine.restart()
    step = fleet.up()
    assert [(each["tag"], each["reason"]) for each in step.outputs["copied"]] == [
        (NEW, "platforms or evidence were lost there")
    ]
    assert signed(fleet, digest) == STATEMENTS
    assert fleet.memory.pullable(THERE, digest)
    assert fleet.up().kind == "same"


def test_what_an_update_that_was_killed_wrote_is_not_told_as_moved_for_good(fleet: Fleet) -> None:
    fleet.up()
    before = dict(fleet.engine.resources)
    fleet.digests[NEW] = fleet.publish(NEW, "another build")
    fleet.point()
    fleet.up()
    fleet.engine.resources |= {
        name: held for name, held in before.items() if name.startswith(fleet.place)
    }
    for _ in range(2):
        fleet.engine.restart()
        fleet.engine.messages.clear()
        fleet.up()
    assert fleet.engine.resources[fleet.place].outputs["left"] == {}
    assert not [text for text in fleet.engine.messages if "moved" in text]


def test_where_nothing_can_be_removed_an_image_leaves_and_its_pointers_stay(fleet: Fleet) -> None:
    fleet.memory.tag_delete = fleet.memory.digest_delete = False
    stay = fleet.stale(policy={"LATEST": "keep", "X.Y": "keep"}, keepOnDestroy=True)
    fleet.engine.up(STALE, fleet.declared.place, fleet.own_stale())
    fleet.engine.up(MIRROR, fleet.place, fleet.inputs())
    fleet.engine.up(STALE, names_of(fleet), stay)
    fleet.engine.restart()
    leaving = (names_of(fleet), fleet.declared.place)
    for name in leaving:
        fleet.engine.refresh(name)
        fleet.engine.forget(name)
    rows = {(e.ref, e.action) for e in fleet.engine.report.entries}
    assert rows == {
        (f"{place}:{tag}", action)
        for place, action in ((fleet.place, "keep"), (fleet.declared.place, "remove"))
        for tag in (LATEST, LINE)
    }
    for name in leaving:
        fleet.engine.delete(name)
    assert fleet.names == fleet.wanted
    assert LATEST not in fleet.source.repositories[NAME].tags


def test_what_stays_at_one_mirror_keeps_no_pointers_elsewhere(fleet: Fleet) -> None:
    fleet.engine.up(STALE, fleet.declared.place, fleet.own_stale())
    fleet.engine.restart()
    fleet.engine.refresh(fleet.declared.place)
    fleet.engine.up(STALE, names_of(fleet), fleet.stale(keepOnDestroy=True))
    fleet.engine.delete(fleet.declared.place)
    assert LATEST not in fleet.source.repositories[NAME].tags


def test_where_the_image_leaves_its_version_tags_are_not_said_to_leave_the_mirror(
    fleet: Fleet,
) -> None:
    fleet.engine.up(STALE, fleet.declared.place, fleet.own_stale())
    fleet.up()
    fleet.engine.restart()
    for name in (fleet.declared.place, fleet.place, names_of(fleet)):
        fleet.engine.refresh(name)
        fleet.engine.forget(name)
    kept = {entry.ref: entry.reasons for entry in fleet.engine.report.of("keep")}
    assert kept == {
        f"{fleet.place}:{tag}": ("no longer declared, kept in the registry",) for tag in (OLD, NEW)
    }


def test_a_pointer_at_an_image_without_an_owner_leaves_with_its_image(fleet: Fleet) -> None:
    held = "py3.13-slim-0.32.0"
    fleet.digests[held] = fleet.source.push_index(NAME, held, {})
    fleet.pointers[LATEST] = held
    fleet.point()
    fleet.up()
    assert OWNER_ANNOTATION.encode() not in fleet.there.manifests[fleet.names[LATEST]][1]
    fleet.engine.restart()
    for name in (fleet.place, names_of(fleet)):
        fleet.engine.refresh(name)
    fleet.engine.delete(names_of(fleet))
    assert LATEST not in fleet.names
    assert not fleet.engine.warnings


def test_a_source_that_is_down_is_not_said_to_be_the_mirrors_fault(fleet: Fleet) -> None:
    fleet.up()
    del fleet.pointers[LINE]
    fleet.engine.restart()
    fleet.engine.refresh(names_of(fleet))
    fleet.source.fault(".*", reset=True, times=999)
    pointers = sorted(fleet.pointers)
    fleet.engine.preview(STALE, names_of(fleet), fleet.stale(pointers=pointers))
    (entry,) = fleet.engine.report.of("fail")
    assert fleet.source.host in entry.reasons[0]
    fleet.source.faults.clear()
    fleet.engine.preview(
        MIRROR,
        fleet.place,
        fleet.inputs(),
    )
    assert not [text for text in fleet.engine.warnings if f"{fleet.other.host} could not" in text]


def test_what_was_written_before_a_failure_is_in_the_history_of_that_run(fleet: Fleet) -> None:
    fleet.memory.fault(f"PUT .*/manifests/{OLD}$", status=403, times=9)
    with pytest.raises(PartialFailureError):
        fleet.engine.up(MIRROR, fleet.place, fleet.inputs())
    # As the program declares it, which gets no digest of a resource that failed.
    unknown = fleet.stale(digests=dict.fromkeys(fleet.wanted, ""), commit="c0ffee")
    fleet.engine.up(STALE, names_of(fleet), unknown)
    assert moves(fleet) == dict.fromkeys((NEW, LATEST, LINE), "c0ffee")
    fleet.memory.faults.clear()
    fleet.engine.restart()
    fleet.engine.up(MIRROR, fleet.place, fleet.inputs())
    fleet.engine.up(STALE, names_of(fleet), fleet.stale(commit="facade"))
    assert moves(fleet) == {**dict.fromkeys((NEW, LATEST, LINE), "c0ffee"), OLD: "facade"}


def moves(fleet: Fleet) -> dict[str, str]:
    """The tags that moved at the mirror by its history, each once, with the commit of that."""
    place, source = map(Repository.parse, (fleet.place, fleet.declared.place))

    async def read() -> tuple[Move, ...]:
        environment = {"FLEET_PLAIN_HTTP": fleet.source.host}
        async with Transport(environment=environment) as transport:
            found = await history.read(Client(transport), (place,), OWNER, {place: source})
            return tuple(found[place])

    found = asyncio.run(read())
    assert len({move.tag for move in found}) == len(found)
    return {move.tag: move.commit for move in found}
