"""The history that updates enter beside the undo record: what, when, why, and by which run."""

import asyncio
from typing import Any

import pytest

from fleet.registry.errors import OciError
from fleet.registry.history import BY_HAND, FOUND, Move, Sight, Sights
from fleet.registry.reference import Repository
from fleet.registry.undo_log import UndoRecord, artifact_of, history, load, tag_of, value_of
from fleet.registry.undo_writer import UndoWriter
from tests.engine.reading import Reading
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.declared import BUILD, NAME, OWNER, Declared
from tests.providers.ociregistry.engine_fake import STALE, TAG, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry, http_date
from tests.providers.ociregistry.stale_fleet import GRAMMAR

VERSION, LATEST, RECORD = "py3.12-0.34.0", "py3.12-LATEST", "undo-fleet-dev"
COMMIT = "c" * 40


class Followed:
    """A version tag, its pointer, and what waits for both."""

    def __init__(self, engine: Engine, registry: FakeRegistry, declared: Declared) -> None:
        self.engine, self.registry, self.declared = engine, registry, declared

    def tags(self, text: str) -> dict[str, str]:
        version = self.declared.version(VERSION, text)
        known = self.engine.up(TAG, "version", version).outputs["digest"]
        pointer = self.declared.pointer(LATEST, known, identity=VERSION)
        return {VERSION: known, LATEST: self.engine.up(TAG, "latest", pointer).outputs["digest"]}

    def inputs(self, digests: dict[str, str], **overrides: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "repository": f"{self.registry.host}/{NAME}",
            "owner": OWNER,
            "pointers": [LATEST],
            "grammar": GRAMMAR,
            "policy": {"LATEST": "remove"},
            "digests": digests,
            "commit": COMMIT,
        }
        return {**fields, **overrides}

    def up(self, text: str, **overrides: Any) -> dict[str, str]:
        digests = self.tags(text)
        self.engine.up(STALE, "s", self.inputs(digests, **overrides))
        return digests

    def moves(self, tag: str) -> list[dict[str, str]]:
        found = Reading(self.registry, NAME).record().get("moves", [])
        return [move for move in found if move["tag"] == tag]


@pytest.fixture
def followed(engine: Engine, registry: FakeRegistry, declared: Declared) -> Followed:
    return Followed(engine, registry, declared)


def test_an_update_enters_what_moved_with_date_reason_commit_and_run(followed: Followed) -> None:
    first = followed.up("one")[VERSION]
    followed.engine.restart()
    second = followed.up("two")[VERSION]
    new, moved = followed.moves(LATEST)
    assert (new["from"], new["to"]) == ("", first)
    assert (moved["from"], moved["to"]) == (first, second)
    assert moved["why"] == "its version has another image"
    assert (moved["commit"], moved["by"]) == (COMMIT, BY_HAND)
    assert moved["at"] == followed.engine.now


def test_one_that_changes_nothing_asks_and_writes_nothing_more(followed: Followed) -> None:
    digests = followed.up("one")
    followed.engine.restart()
    followed.registry.log.clear()
    another = followed.inputs(digests, commit="d" * 40)
    assert followed.engine.up(STALE, "s", another).kind == "same", "a commit alone moves nothing"
    asked = {line.rpartition("/")[2] for line in followed.registry.log}
    assert asked == {"list", LATEST}
    assert followed.registry.writes == []


def test_a_preview_shows_that_it_is_due_and_writes_nothing(followed: Followed) -> None:
    digests = followed.up("one")
    followed.registry.log.clear()
    step = followed.engine.preview(STALE, "s", followed.inputs({**digests, LATEST: "unknown"}))
    assert "history" in step.changed
    assert followed.registry.writes == []


def test_what_was_moved_outside_is_entered_as_found_and_then_as_put_back(
    followed: Followed,
) -> None:
    first = followed.up("one")[LATEST]
    other = followed.registry.push_index(NAME, LATEST)
    followed.engine.restart()
    followed.up("one")
    _, found, back = followed.moves(LATEST)
    assert (found["from"], found["to"], found["why"]) == (first, other, FOUND)
    assert (found["commit"], found["by"]) == ("", "")
    why = "it was moved since the last update"
    assert (back["from"], back["to"], back["why"]) == (other, first, why)
    assert len(followed.moves(VERSION)) == 1


def test_what_was_removed_outside_is_entered(followed: Followed) -> None:
    first = followed.up("one")[LATEST]
    del followed.declared.tags[LATEST]
    followed.engine.restart()
    followed.engine.refresh("latest")
    followed.up("one")
    _, gone, back = followed.moves(LATEST)
    assert (gone["from"], gone["to"]) == (first, "")
    assert (back["from"], back["to"], back["why"]) == ("", first, "gone from the registry")


def test_what_a_killed_update_moved_is_entered_by_the_next(followed: Followed) -> None:
    first = followed.up("one")[LATEST]
    second = followed.tags("two")[LATEST]
    followed.engine.restart()
    followed.up("two")
    assert [(m["from"], m["to"], m["why"]) for m in followed.moves(LATEST)][1:] == [
        (first, second, FOUND)
    ]


def test_what_moved_is_entered_also_where_removals_are_refused(followed: Followed) -> None:
    first = followed.up("one")[LATEST]
    followed.registry.push_index(NAME, "py3.8-LATEST")
    second = followed.tags("two")[LATEST]
    with pytest.raises(OciError, match="more than the share"):
        followed.engine.up(STALE, "s", followed.inputs({LATEST: second}, maxRemovals=0.0))
    assert followed.moves(LATEST)[1]["from"] == first


def test_a_workflow_s_run_is_named_and_no_person(
    followed: Followed, environment: dict[str, str]
) -> None:
    environment |= {
        "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "7",
        "GITHUB_ACTOR": "somebody",
    }  # fmt: skip
    followed.up("one")
    (move,) = followed.moves(LATEST)
    assert move["by"] == "https://github.com/o/r/actions/runs/7"
    assert "somebody" not in str(move)


def remove_pointer(followed: Followed, call: Caller, digests: dict[str, str]) -> None:
    """Remove the one pointer, which an update made, and check that its history ends with that."""
    followed.engine.up(
        STALE, "s", followed.inputs({VERSION: digests[VERSION]}, pointers=[], maxRemovals=1.0)
    )
    place = Repository(host=followed.registry.host, name=NAME)

    async def work(client: Any) -> None:
        moves = [move for move in await history(client, place, OWNER) if move.tag == LATEST]
        assert [move.after for move in moves] == [digests[LATEST], ""]

    call(work)


def test_a_removal_ends_what_a_pointer_named(followed: Followed, call: Caller) -> None:
    digests = followed.up("one")
    followed.engine.restart()
    remove_pointer(followed, call, digests)


def test_two_at_once_lose_no_entry(call: Caller, registry: FakeRegistry) -> None:
    place = Repository(host=registry.host, name=NAME)
    digest = f"sha256:{'a' * 64}"

    def of(tag: str) -> Sights:
        sight = {tag: Sight(digest=digest, why="new")}
        return Sights(tags=sight, commit=COMMIT, by=BY_HAND, now="")

    async def work(client: Any) -> None:
        writers = [UndoWriter(client), UndoWriter(client)]
        await writers[0].add(place, OWNER, [], sights=of("t0"))
        await asyncio.gather(
            *(writers[0].add(place, OWNER, [], sights=of(f"t{n}")) for n in range(1, 4))
        )
        await writers[1].add(place, OWNER, [], sights=of("t4"))

    call(work)
    moves = Reading(registry, NAME).record()["moves"]
    assert sorted(move["tag"] for move in moves) == [f"t{n}" for n in range(5)]


def test_one_that_was_written_meanwhile_is_read_again(call: Caller, registry: FakeRegistry) -> None:
    """Another process writes between the read and the write of this one."""
    place = Repository(host=registry.host, name=NAME)
    digest = f"sha256:{'a' * 64}"

    async def work(client: Any) -> None:
        own, other = UndoWriter(client), UndoWriter(client)
        names = Sights(tags={"a": Sight(digest=digest, why="new")}, commit="", by="", now="")
        theirs = Sights(tags={"b": Sight(digest=digest, why="new")}, commit="", by="", now="")
        listing, begun = client.tags, False

        async def tags(repository: Repository) -> Any:
            nonlocal begun
            if not begun:
                begun = True
                await other.add(place, OWNER, [], sights=theirs)
            return await listing(repository)

        client.tags = tags
        await own.add(place, OWNER, [], sights=names)

    call(work)
    moves = Reading(registry, NAME).record()["moves"]
    assert sorted(move["tag"] for move in moves) == ["a", "b"]


def test_a_damaged_one_is_told_and_not_written_over_and_stops_no_tag(followed: Followed) -> None:
    first = followed.up("one")
    tags = followed.registry.repositories[BUILD].tags
    tags[RECORD] = damaged = followed.registry.push_index(BUILD, "damaged")
    followed.engine.restart()
    due = followed.inputs({**first, LATEST: "unknown"})
    assert "history" in followed.engine.preview(STALE, "s", due).changed
    second = followed.up("two")
    (warning,) = followed.engine.warnings
    assert f"{RECORD} is not an undo record" in warning
    assert "the next update tries again" in warning
    assert tags[RECORD] == damaged

    del tags[RECORD]
    followed.engine.restart()
    followed.up("two")
    assert [move["to"] for move in followed.moves(LATEST)] == [second[LATEST]]


def test_where_the_record_can_t_be_written_the_entry_is_due_until_it_is(
    followed: Followed,
) -> None:
    first = followed.up("one")
    followed.engine.restart()
    followed.registry.fault(f"PUT .*/{BUILD}/manifests/{RECORD}", status=403, times=1)
    second = followed.up("two")
    assert followed.engine.warnings
    assert [move["to"] for move in followed.moves(LATEST)] == [first[LATEST]]
    followed.engine.restart()
    followed.up("two")
    assert [move["to"] for move in followed.moves(LATEST)] == [first[LATEST], second[LATEST]]


def test_a_preview_says_in_one_line_why_the_repository_is_updated(followed: Followed) -> None:
    digests = followed.up("one")
    followed.engine.messages.clear()
    followed.engine.preview(STALE, "s", followed.inputs({**digests, LATEST: "unknown"}))
    assert followed.engine.messages == ["its tags move, which an update enters in the history"]


def test_a_clock_that_is_put_back_changes_no_order(followed: Followed) -> None:
    registry, engine = followed.registry, followed.engine
    registry.clock = lambda: http_date("2026-11-05T10:00:00Z")
    first = followed.up("one")[LATEST]
    engine.restart()
    registry.clock = lambda: http_date("2026-11-04T10:00:00Z")
    second = followed.up("two")[LATEST]
    engine.restart()
    third = followed.up("three")[LATEST]
    assert [move["to"] for move in followed.moves(LATEST)] == [first, second, third]


def test_a_removal_is_dated_by_the_clock_of_the_moves(followed: Followed, call: Caller) -> None:
    """The machine's clock is far behind: by it the pointer was removed before it came."""
    date = "2099-11-05T10:00:00Z"
    followed.registry.clock = lambda: http_date(date)
    digests = followed.up("one")
    followed.engine.restart()
    followed.engine.refresh("s")
    remove_pointer(followed, call, digests)


def test_a_move_without_digests_is_no_record(call: Caller, registry: FakeRegistry) -> None:
    place = Repository(host=registry.host, name=NAME)
    wrong = Move(at="2026", tag="t", before="", after="latest", why="")

    async def work(client: Any) -> None:
        value = value_of(UndoRecord(owner=OWNER, moves=(wrong,)))
        await artifact_of(client, place, tag_of(OWNER)).save(value, "")
        await load(client, place, OWNER)

    with pytest.raises(OciError, match="a move names no digest"):
        call(work)
