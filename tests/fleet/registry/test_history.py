"""The history, pure: what moved since it was last entered, how much is kept, what held when."""

import pytest

from fleet.registry.history import (
    BY_HAND,
    FOUND,
    LIMIT,
    REMOVED,
    TAG_LIMIT,
    Move,
    Sight,
    Sights,
    bounded,
    intervals,
    merged,
)
from fleet.registry.undo_log import Removal

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")
LATEST = "py3.12-LATEST"


def move(at: str, after: str, tag: str = LATEST, before: str = "") -> Move:
    return Move(at=at, tag=tag, before=before, after=after, why="new")


def sights(**tags: Sight) -> Sights:
    named = {tag.replace("_", "-"): sight for tag, sight in tags.items()}
    return Sights(tags=named, commit="c0ffee", by=BY_HAND, now="2026-01-01T00:00:00Z")


def ends(*moves: Move) -> list[tuple[str, str, str]]:
    return [(each.before, each.after, each.why) for each in moves]


class TestWhatMoved:
    def test_by_an_update_has_its_reason_commit_and_run(self) -> None:
        (found,) = sights(x=Sight(digest=B, why="base moved")).moves([move("1", A, "x")], [])
        assert found == Move(
            at="", tag="x", before=A, after=B, why="base moved", commit="c0ffee", by=BY_HAND
        )

    def test_by_nobody_known_is_entered_as_found_without_commit_and_run(self) -> None:
        (found,) = sights(x=Sight(digest=B)).moves([move("1", A, "x")], [])
        assert found == Move(at="", tag="x", before=A, after=B, why=FOUND)

    def test_outside_and_back_is_two_moves(self) -> None:
        moved = Sight(digest=A, why="it was moved since the last update", outside=C)
        found = sights(x=moved).moves([move("1", A, "x")], [])
        assert ends(*found) == [(A, C, FOUND), (C, A, "it was moved since the last update")]

    def test_that_went_and_came_back_is_two_moves(self) -> None:
        found = sights(x=Sight(digest=A, why="gone", outside="")).moves([move("1", A, "x")], [])
        assert ends(*found) == [(A, "", FOUND), ("", A, "gone")]

    @pytest.mark.parametrize("digest", [A, ""])
    def test_is_nothing_where_a_tag_stays_or_failed(self, digest: str) -> None:
        assert sights(x=Sight(digest=digest)).moves([move("1", A, "x")], []) == ()

    def test_after_a_removal_begins_at_nothing(self) -> None:
        gone = Removal(tag="x", digest=A, removed_at="2")
        found = sights(x=Sight(digest=A, why="new")).moves([move("1", A, "x")], [gone])
        assert ends(*found) == [("", A, "new")]


class TestWhatIsKept:
    def test_is_the_newest_of_a_tag(self) -> None:
        moves = [move(f"{number:05}", A) for number in range(TAG_LIMIT + 5)]
        assert bounded(moves) == tuple(moves[5:])

    def test_is_the_newest_of_all_and_the_last_of_each_tag(self) -> None:
        old = [move("0", A, "idle"), move("1", B, "idle")]
        tags = [f"t{number}" for number in range(LIMIT // TAG_LIMIT)]
        busy = [move("2", A, tag) for _ in range(TAG_LIMIT) for tag in tags]
        assert bounded([*old, *busy]) == (old[1], *busy)


class TestIntervals:
    MOVES = (
        move("2026-11-01T10:00:00Z", A),
        move("2026-11-03T12:00:00Z", B, before=A),
        move("2026-11-05T00:00:00Z", C, before=B),
    )

    @pytest.mark.parametrize(
        ("at", "digests"),
        [
            ("2026-10-31", []),
            ("2026-11-02", [A]),
            ("2026-11-03", [A, B]),
            ("2026-11-03T11:59:59Z", [A]),
            ("2026-11-03T12:00:00Z", [B]),
            ("2026-11-04", [B]),
            ("2027-01-01", [C]),
        ],
    )
    def test_say_what_a_tag_named_on_a_day_and_at_a_time(self, at: str, digests: list[str]) -> None:
        found = [one.move.after for one in intervals(self.MOVES, LATEST) if one.covers(at)]
        assert found == digests

    def test_end_with_a_removal(self) -> None:
        gone = Removal(tag=LATEST, digest=C, removed_at="2026-11-06T00:00:00Z")
        last = intervals(merged(self.MOVES, [gone]), LATEST)[-1]
        assert (last.move.after, last.move.why, last.until) == ("", REMOVED, "")
        assert intervals(merged(self.MOVES, [gone]), "another") == ()
