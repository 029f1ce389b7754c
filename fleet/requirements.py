"""What a build installs, as the text that the shared installer reads: a line a file.

A line is ``<where> <what>``. ``<where>`` is ``any`` for a pure wheel that all platforms of the tag
get, whose files they then share, or the platforms that get it, with commas. ``<what>`` is the
address of a wheel with ``#sha256=`` and its hash, or ``name==version`` of what was compiled. What
differs by platform is settled here: no build evaluates a marker.
"""

from collections.abc import Iterable, Mapping

from fleet.cell import Cell
from fleet.contents import Contents, target_of
from fleet.lock import Lock
from fleet.wheel_files import is_universal

ANY = "any"


def requirements(
    cell: Cell,
    pins: Mapping[str, Iterable[str]],
    found: Mapping[str, Contents],
    lock: Lock,
) -> str:
    """Return the text for ``pins`` of ``cell`` by platform; ``found`` is all that each holds."""
    places: dict[tuple[str, str], list[str]] = {}
    for platform, own in pins.items():
        compiled = found[platform].compiled
        target = target_of(platform, cell.base)
        for pin in own:
            what = pin if pin in compiled else lock.wheel(pin, cell.python, target)
            # A plan is made only of a lock that has them all (fleet.coverage).
            places.setdefault((pin, what or pin), []).append(platform)
    return "".join(
        f"{where(what, platforms, tuple(pins))} {what}\n"
        for (_, what), platforms in sorted(places.items())
    )


def where(what: str, platforms: Iterable[str], every: tuple[str, ...]) -> str:
    """Return who gets ``what``: ``any``, or ``platforms`` with commas."""
    named = tuple(platforms)
    return ANY if named == every and is_universal(what) else ",".join(named)
