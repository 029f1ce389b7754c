"""What discovery changes in a declaration, for people to read."""

from typing import NamedTuple

from fleet.console import TroubleError


class Change(NamedTuple):
    """``what`` comes, leaves or stays, and ``why``; ``place`` is an image's name or a list's path.

    ``what`` and ``place`` may be text of others; ``how`` and ``why`` are the program's own words.
    """

    place: str
    what: str
    how: str
    why: str


class DiscoveryError(TroubleError):
    """The outside says what no declaration may follow; the text names whose and the remedy."""


def arranged(declared: tuple[str, ...], wanted: list[str]) -> tuple[str, ...]:
    """Return ``wanted``, given rising, in the order of ``declared``: rising, falling or by hand."""
    kept = [text for text in declared if text in wanted]
    rising = [text for text in wanted if text in kept]
    if kept == rising:
        return tuple(wanted)
    if kept == rising[::-1]:
        return tuple(wanted[::-1])
    return (*kept, *(text for text in wanted if text not in kept))
