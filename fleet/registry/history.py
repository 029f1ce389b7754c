"""The history of a repository's tags: which digest each one had, since when, and why.

It lies in the same artifact of the build repository as the undo record, so that it outlives the
state. The resource that waits for all tags enters what moved; a preview enters nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fleet.registry.undo_log import Removal

BY_HAND: Final = "by hand"
"""Who moved a tag outside of a workflow; who that was is not recorded."""
FOUND: Final = "found so: moved outside of an update, or by one that did not end"
REMOVED: Final = "removed: nothing declared it"

TAG_LIMIT: Final = 100
LIMIT: Final = 10_000
"""How many moves of a tag, and of a repository, are kept: the newest, and each tag's last one."""
_DAY: Final = len("2026-11-03")


@dataclass(frozen=True, kw_only=True)
class Move:
    """A tag that came to name another digest.

    `at` is the registry's time (RFC 3339, UTC): that of the entry, right after an update's moves;
    for what was moved outside, when an update found that. `before` is empty where the tag was not
    there or nothing was known of it, `after` where it was gone. `commit` is that of the checkout,
    ending in `-dirty` where its files differed; `by` the address of a workflow's run, or `by hand`.
    Both are empty where the move was found, and of a removal.
    """

    at: str
    tag: str
    before: str
    after: str
    why: str
    commit: str = ""
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A tag as an update leaves it: `digest` is empty where its resource failed.

    `why` says why this update moved it, empty where it did not. `outside` is what it had been moved
    to meanwhile (empty: it was gone), None where it had not been moved.
    """

    digest: str
    why: str = ""
    outside: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sights:
    """All tags as an update leaves them, with the `commit` it is of and who runs it.

    `now` is this machine's time (RFC 3339, UTC), for a registry that tells none.
    """

    tags: Mapping[str, Sight]
    commit: str
    by: str
    now: str

    def moves(self, known: Iterable[Move], removed: "Iterable[Removal]") -> tuple[Move, ...]:
        """Return what moved since the `known` moves and removals; the moves have no date yet."""
        last = {move.tag: move.after for move in merged(known, removed)}
        found = []
        for tag, sight in sorted(self.tags.items()):
            before = last.get(tag, "")
            if sight.outside is not None and sight.outside != before:
                found.append(Move(at="", tag=tag, before=before, after=sight.outside, why=FOUND))
                before = sight.outside
            if sight.digest not in {"", before}:
                why = sight.why or FOUND
                move = Move(at="", tag=tag, before=before, after=sight.digest, why=why)
                own = replace(move, commit=self.commit, by=self.by)
                found.append(own if sight.why else move)
        return tuple(found)


def merged(moves: Iterable[Move], removed: "Iterable[Removal]") -> tuple[Move, ...]:
    """Return moves and removals, oldest first."""
    gone = (
        Move(at=r.removed_at, tag=r.tag, before=r.digest, after="", why=REMOVED) for r in removed
    )
    # Dates of one form compare as text (RFC 3339, section 5.1). Equal ones stay in their order.
    return tuple(sorted((*moves, *gone), key=lambda move: move.at))


def bounded(moves: Iterable[Move]) -> tuple[Move, ...]:
    """Return the newest moves, oldest first, by `TAG_LIMIT` and `LIMIT`."""
    counted: dict[str, int] = {}
    kept: list[Move] = []
    for move in reversed(tuple(moves)):
        number = counted[move.tag] = counted.get(move.tag, 0) + 1
        if number == 1 or (number <= TAG_LIMIT and len(kept) < LIMIT):
            kept.append(move)
    return tuple(reversed(kept))


@dataclass(frozen=True, kw_only=True)
class Interval:
    """The time in which a tag named a digest; `until` is empty where it still does.

    `move` is how it came to that; its `after` is empty where the tag was gone.
    """

    move: Move
    until: str

    def covers(self, at: str) -> bool:
        """Tell whether a day or a time (RFC 3339, UTC) is in it, a day also in part."""
        first, last = (f"{at}T00:00:00Z", f"{at}T23:59:59Z") if len(at) == _DAY else (at, at)
        return self.move.at <= last and (not self.until or self.until > first)


def intervals(moves: Iterable[Move], tag: str) -> tuple[Interval, ...]:
    """Return the intervals of a tag, oldest first."""
    own = [move for move in moves if move.tag == tag]
    ends = [*(move.at for move in own[1:]), ""]
    return tuple(Interval(move=move, until=end) for move, end in zip(own, ends, strict=False))
