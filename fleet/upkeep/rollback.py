"""`make rollback`: what a tag named before, and the pin that puts it back."""

from collections.abc import Sequence
from dataclasses import dataclass

from fleet.console import TroubleError
from fleet.declaration.model import Pin
from fleet.plan.plan import ImagePlan, Plan
from fleet.registry.client import Client
from fleet.registry.history import Interval, Move, intervals
from fleet.registry.reference import Repository
from fleet.registry.undo_log import history
from fleet.reports.table import DIGEST_SHOWN, columns
from fleet.upkeep.history import one_line
from fleet.upkeep.parallel import each
from providers.ociregistry.tag.reasons import short_digests

_HEADINGS = ("TO=", "digest", "from", "until", "registry", "why")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A digest that a tag once named: ``to`` is what a pin of it says, empty where none can.

    ``there`` tells whether the registry still has it. Of a pointer, ``version_tag`` is the tag of
    the version ``to``, and ``now`` what that names by the history: another build, perhaps.
    """

    to: str
    interval: Interval
    there: bool
    version_tag: str = ""
    now: str = ""


@dataclass(frozen=True, kw_only=True)
class Past:
    """A declared tag with the candidates for its rollback, the newest first."""

    image: ImagePlan
    tag: str
    is_pointer: bool
    candidates: tuple[Candidate, ...]


async def read(registry: Client, plan: Plan, image: ImagePlan, tag: str) -> Past:
    """Return what a tag named before by its history, and what of that the registry still has.

    :raises fleet.registry.errors.OciError: when the registry fails, or has no sound record.
    """
    place = Repository.parse(image.repository)
    moves = await history(registry, place, plan.owner)
    is_pointer = tag in {pointer.tag for pointer in image.pointers}

    async def candidate(interval: Interval) -> Candidate:
        digest = interval.move.after
        there = await registry.head(place, digest) is not None
        if not is_pointer:
            return Candidate(to=digest, interval=interval, there=there)
        version, version_tag = _version(image, tag, digest, interval, moves)
        now = next((move.after for move in moves[::-1] if move.tag == version_tag), "")
        return Candidate(
            to=version, interval=interval, there=there, version_tag=version_tag, now=now
        )

    past = [one for one in intervals(moves, tag)[::-1] if one.move.after]
    found = tuple(await each(candidate, past))
    return Past(image=image, tag=tag, is_pointer=is_pointer, candidates=found)


def _version(
    image: ImagePlan, tag: str, digest: str, interval: Interval, moves: Sequence[Move]
) -> tuple[str, str]:
    """Return the declared version, and its tag, that had ``digest`` when ``tag`` came to it."""
    named = tag.rpartition("-")[0]
    for planned in image.tags:
        if planned.tag.rpartition("-")[0] != named:
            continue
        held = intervals(moves, planned.tag)
        if any(one.move.after == digest and one.covers(interval.move.at) for one in held):
            return planned.version, planned.tag
    return "", ""


def report(past: Past, width: int = 0) -> str:
    """Return what a tag named before, the newest first, as a table for a terminal's ``width``.

    :raises TroubleError: if nothing is on record.
    """
    if not past.candidates:
        raise TroubleError(
            f"{past.image.repository}:{past.tag}: the history has no entry for it.\n"
            "It begins with the first `make up` that entered it"
        )
    rows = [_HEADINGS, *map(_row, past.candidates)]
    title = f"{past.image.repository}:{past.tag} ({len(past.candidates)})"
    return f"{title}\n{columns(rows, width)}"


def _row(candidate: Candidate) -> tuple[str, ...]:
    move = candidate.interval.move
    until = candidate.interval.until or "now"
    there = "there" if candidate.there else "gone"
    to = short_digests(candidate.to)
    texts = (to, move.after[:DIGEST_SHOWN], move.at, until, there, short_digests(move.why))
    return tuple(one_line(text) for text in texts)


def pinned(past: Past, to: str, because: str, until: str) -> Pin:
    """Return the pin of a tag to one of its candidates.

    A digest may be as short as a table shows it.

    :raises TroubleError: if ``to`` is none of them, can't be pinned, or is gone.
    """
    if past.is_pointer and to in {c.to for c in past.candidates} - {""}:
        # It follows the version's tag, whatever became of the digest that this had then.
        return Pin(to=to, because=because, until=until)
    short = len(to) >= DIGEST_SHOWN
    found = [
        c
        for c in past.candidates
        if to == c.interval.move.after or (short and c.interval.move.after.startswith(to))
    ]
    if not found:
        raise TroubleError(
            f"{past.tag} never named {to}, by its history.\n`make rollback TAG={past.tag}` lists "
            "what it named"
        )
    candidate = next((c for c in found if c.there and c.to), found[0])
    if not candidate.there:
        raise TroubleError(
            f"{past.image.repository} does not have {candidate.interval.move.after} any more, "
            f"which {past.tag} named.\nPin it to another one"
        )
    if not candidate.to:
        raise TroubleError(
            f"{past.tag} is a pointer, which can only be pinned to a version, and no declared "
            f"version names {to}.\nDeclare that version, or roll the version's own tag back to "
            "this digest: the pointer follows it"
        )
    if past.is_pointer and candidate.now != candidate.interval.move.after:
        raise TroubleError(
            f"{past.tag} is a pointer, which can only be pinned to a version, and "
            f"{candidate.version_tag} names {candidate.now or 'nothing'} by now.\nRoll that tag "
            f"back; the pointer follows it: make rollback TAG={candidate.version_tag} "
            f"TO={candidate.interval.move.after}"
        )
    return Pin(to=candidate.to, because=because, until=until)


def outlook(past: Past, pin: Pin) -> str:
    """Return what `make up` will do about a pin."""
    if past.is_pointer:
        return f"`make up` points {past.tag} at version {pin.to}, until the pin is taken out"
    return (
        f"`make up` points {past.tag} at {pin.to}, and every pointer to it; nothing is built, "
        "checked or signed. Once the pin is taken out, the tag is built again"
    )
