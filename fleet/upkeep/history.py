"""`make history`: which digest a tag had, since when, and why."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from fleet.console import TroubleError, printable
from fleet.declaration.model import Declaration
from fleet.registry.client import Client
from fleet.registry.history import Interval, Move, intervals
from fleet.registry.reference import Repository
from fleet.registry.undo_log import history
from fleet.reports.table import DIGEST_SHOWN, columns
from fleet.upkeep.parallel import each
from fleet.upkeep.records import beside, parse_place
from providers.ociregistry.tag.reasons import short_digests

Histories = Mapping[Repository, Sequence[Move]]
"""The moves of each repository, oldest first."""

_HEADINGS = ("tag", "digest", "from", "until", "commit", "by", "why")
_COMMIT = 12
_RUN = re.compile(r"https://\S+/actions/runs/")


def repositories(declaration: Declaration, image: str) -> tuple[Repository, ...]:
    """Return the public repositories of a stack, or that of one image, declared or not.

    A whole name (`host/namespace/name`) is that of a repository, perhaps at a mirror.
    """
    if "/" in image:
        return (parse_place(image),)
    names = [image] if image else [each.name for each in declaration.images]
    return tuple(Repository.parse(f"{declaration.registry}/{name}") for name in names)


async def read(
    registry: Client,
    places: Sequence[Repository],
    owner: str,
    mirrors: Mapping[Repository, Repository] = MappingProxyType({}),
) -> Histories:
    """Return the history of each repository; `mirrors` are those of others, with these.

    :raises fleet.registry.errors.OciError: when a record can't be read.
    """
    found = await each(
        lambda place: history(registry, *beside(place, owner, mirrors.get(place))), places
    )
    return dict(zip(places, found, strict=True))


def chosen(found: Histories, tag: str, at: str) -> dict[Repository, list[Interval]]:
    """Return the intervals of a tag, or of all, that cover the time `at` where that is given.

    :raises TroubleError: when there are none.
    """
    wanted = {
        place: [
            interval
            for name in sorted({move.tag for move in moves} if not tag else {tag})
            for interval in intervals(moves, name)
            if not at or interval.covers(at)
        ]
        for place, moves in found.items()
    }
    if there := {place: held for place, held in wanted.items() if held}:
        return there
    what = f"{tag or 'any tag'}{f' at {at}' if at else ''}"
    places = ", ".join(map(str, found))
    raise TroubleError(
        f"{places}: the history has no entry for {what}.\n"
        "It begins with the first `make up` that entered it; `make history` shows all of it"
    )


def report(found: Mapping[Repository, Sequence[Interval]], width: int = 0) -> str:
    """Return a table for each repository, the newest interval of each tag first.

    ``width`` is that of the terminal, 0 where there is none.
    """

    def table(held: Sequence[Interval]) -> str:
        return columns([_HEADINGS, *map(_row, _newest(held))], width)

    return "\n\n".join(
        f"history of {place} ({len(held)})\n{table(held)}" for place, held in found.items()
    )


def document(found: Mapping[Repository, Sequence[Interval]]) -> list[dict[str, Any]]:
    """Return the intervals as data for JSON: the fields of `Move`, `repository` and `until`."""
    return [
        {"repository": str(place), **asdict(interval.move), "until": interval.until}
        for place, held in found.items()
        for interval in _newest(held)
    ]


def _newest(held: Sequence[Interval]) -> list[Interval]:
    # By their order, for several may have been entered at the same time.
    newest = list(reversed(held))
    return sorted(newest, key=lambda interval: interval.move.tag)


def _row(interval: Interval) -> tuple[str, ...]:
    move = interval.move
    commit, dash, dirty = move.commit.partition("-")
    texts = (
        move.tag, move.after[:DIGEST_SHOWN] or "gone", move.at, interval.until or "now",
        f"{commit[:_COMMIT]}{dash}{dirty}", _RUN.sub("run ", move.by), short_digests(move.why),
    )  # fmt: skip
    return tuple(one_line(text) for text in texts)


def one_line(text: str) -> str:
    """Return a cell of a table: a reason in a declaration may have several lines."""
    return printable(" ".join(text.split())) or "-"
