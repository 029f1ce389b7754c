"""What a build installs, as the text that the shared installer reads: a line a file.

A line is ``<where> <what>``. ``<where>`` is ``any`` for a pure wheel that all platforms of the tag
get, whose files they then share, or the platforms that get it, with commas. ``<what>`` is the
address of a wheel with ``#sha256=`` and its hash, or ``name==version`` of what was compiled. What
differs by platform is settled here: no build evaluates a marker. A build of some of the platforms
has the lines of ``any`` in common with the others, so that it has their layers too.
"""

from collections.abc import Iterable, Mapping, Sequence

from fleet.declaration.grouping import grouped
from fleet.declaration.matrix import MatrixEntry
from fleet.lock.model import Lock
from fleet.lock.wheel_files import is_universal
from fleet.plan.installed import Contents, target_of

ANY = "any"


def requirements(
    entry: MatrixEntry,
    pins: Mapping[str, Iterable[str]],
    found: Mapping[str, Contents],
    lock: Lock,
    own: Iterable[str],
) -> str:
    """Return the text for the platforms ``own`` of ``entry``.

    ``pins`` are those of each platform of the tag, ``found`` is all that each holds.
    """
    here = tuple(own)

    def file(pin: str, platform: str) -> str:
        if pin in found[platform].compiled:
            return pin
        # A plan is made only of a lock that has them all (fleet.plan.lock_completeness).
        return lock.wheel(pin, entry.python, target_of(platform, entry.base)) or pin

    places = grouped(((pin, file(pin, p)), p) for p, wanted in pins.items() for pin in wanted)
    return lines(
        (what, [ANY] if of == [*pins] and is_universal(what) else [p for p in here if p in of])
        for (_, what), of in sorted(places.items())
    )


def lines(places: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Return a line ``<where> <what>`` of each, without what is for nowhere."""
    return "".join(f"{','.join(where)} {what}\n" for what, where in places if where)
