"""What a build installs, as the text that the shared installer reads: a line per file.

A line is ``<where> <what>``. ``<where>`` is ``any`` for a pure wheel that all platforms of the tag
get, whose files they then share, or the platforms that get it, with commas. ``<what>`` is the
address of a wheel with ``#sha256=`` and its hash, or ``name==version`` of what was compiled. What
differs by platform is settled here: no build evaluates a marker. A build of some of the platforms
has the lines of ``any`` in common with the others, so that it has their layers too.
"""

from collections.abc import Iterable, Mapping, Sequence

from fleet.declaration.grouping import grouped
from fleet.lock.wheel_files import is_universal
from fleet.plan.installed import Contents

ANY = "any"


def requirements(
    pins: Mapping[str, Iterable[str]], found: Mapping[str, Contents], own: Iterable[str]
) -> str:
    """Return the text for the platforms ``own`` of a tag.

    ``pins`` are those of each platform of the tag, ``found`` is all that each holds.
    """
    here = tuple(own)
    places = grouped(
        ((pin, found[p].wheels.get(pin, pin)), p) for p, wanted in pins.items() for pin in wanted
    )
    return lines(
        (what, [ANY] if of == [*pins] and is_universal(what) else [p for p in here if p in of])
        for (_, what), of in sorted(places.items())
    )


def lines(places: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Return a line ``<where> <what>`` of each, without what is for nowhere."""
    return "".join(f"{','.join(where)} {what}\n" for what, where in places if where)
