"""The room that a run takes on each disk, about, said before it is taken."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fleet.checkout.planning import planned_builds
from fleet.console import say
from fleet.declaration.problems import DeclarationError
from fleet.local import build_times, disk_space
from fleet.local.base_images import bases
from fleet.local.base_images.bases import StandIn
from fleet.local.docker import record
from fleet.local.docker.engine import open_engine
from fleet.local.paths import Checkout
from fleet.local.place_daemons import Placed
from fleet.local.requirements import Needs
from fleet.local.toolchain import golang
from fleet.units import in_units

GO_CACHE: Final = 4 * 10**9
"""Bytes of either of Go's caches once all programs are built: of modules, and of what is built."""

PER_ARCHIVE: Final = 250 * 10**6
"""Bytes of one of the makers' archives once it is unpacked; the engine's is the largest."""

PER_PROGRAM: Final = 100 * 10**6
"""Bytes of a built program or an installed plugin: 54 to 128 MB, by ``du`` of the cache's tools."""

PER_BUILD: Final = 50 * 10**6
"""Bytes of a build per platform, in the registry and the builder together."""

CACHED: Final = {"slim": 40 * 10**6, "full": 130 * 10**6}
"""By base, bytes of a root file system in the user's cache.

By ``du`` of its ``rootfs``, 25 to 41 MB and 87 to 134 MB for one of Debian's architectures.
"""

STAND_IN: Final = {"slim": 150 * 10**6, "full": 640 * 10**6}
"""By base, bytes of a stand-in per platform: the copies of registry and builder, and unpacked.

On amd64, slim is 30 MB packed and 80 MB unpacked, full is 132 MB and 373 MB.
"""

OFFICIAL: Final = {"slim": 220 * 10**6, "full": 1_800 * 10**6}
"""By base, bytes of an official image per platform, kept just so; others count as slim.

Not measured here: slim is known for 45 MB packed and 125 MB unpacked, full for 0.4 GB and 1 GB.
"""

CONTAINERS: Final = 300 * 10**6
"""Bytes of the images of registry and BuildKit in a Docker engine; not measured."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that takes about ``size`` bytes, and is shown as ``name``.

    ``place`` is the folder that it will lie in, ``None`` where that is not on this machine: in a
    Docker engine of a virtual one.
    """

    size: int
    name: str
    place: Path | None


def show(
    checkout: Checkout,
    needs: Needs,
    placed: Placed,
    stand_ins: Sequence[StandIn],
    *,
    builds: bool,
) -> None:
    """Say what a run takes on each disk, where it is to make anything; ``builds``: it builds."""
    new = bases.undecided(checkout, stand_ins)
    kept = [
        *_of_daemons(checkout, needs, placed, official=not stand_ins, builds=builds),
        *_of_stand_ins(new),
    ]
    programs = _programs(checkout, placed)
    _say([*programs, *_cached(checkout, new), *_kept(checkout, placed.docker, kept)])


def show_stand_ins(checkout: Checkout, docker: str, stand_ins: Sequence[StandIn]) -> None:
    """Say what ``stand_ins`` take that are found to be needed later; ``docker`` is the engine."""
    new = bases.undecided(checkout, stand_ins)
    _say([*_cached(checkout, new), *_kept(checkout, docker, list(_of_stand_ins(new)))])


def _say(parts: Sequence[Part]) -> None:
    for line in report(parts):
        say(line)


def _programs(checkout: Checkout, placed: Placed) -> Iterator[Part]:
    """Yield what programs and plugins take: in Go's caches, the user's cache, and the engine's."""
    supply = placed.supply
    if names := [module.name for module in supply.builds]:
        built, fetched = golang.caches() or (Path.home(), Path.home())
        yield Part(size=GO_CACHE, name=f"Go's build cache ({', '.join(names)})", place=built)
        yield Part(size=GO_CACHE, name="Go's modules", place=fetched)
    archives = sum(not module.version for module in supply.downloads)
    for number, per, noun, place in (
        (len(names), PER_PROGRAM, "built tool", checkout.cache),
        (archives, PER_ARCHIVE, "downloaded archive", checkout.cache),
        (len(supply.plugins), PER_PROGRAM, "plugin", checkout.pulumi_home),
    ):
        if number:
            yield Part(size=per * number, name=_count(number, noun), place=place)


def _cached(checkout: Checkout, stand_ins: Sequence[StandIn]) -> Iterator[Part]:
    """Yield what the user's cache takes of the root file systems that it lacks."""
    if recipes := bases.recipes_to_make(checkout, stand_ins):
        size = sum(CACHED[recipe.base] for recipe in recipes)
        yield Part(size=size, name=_count(len(recipes), "root file system"), place=checkout.cache)


def _kept(checkout: Checkout, docker: str, kept: Sequence[tuple[int, str]]) -> Iterator[Part]:
    """Yield what registry and builder keep, where their data lies: in ``docker``, if it is given.

    :raises TroubleError: when that engine does not say where.
    """
    if kept:
        place = open_engine(checkout, docker).info().root if docker else checkout.state
        yield from (Part(size=size, name=name, place=place) for size, name in kept)


def _of_daemons(
    checkout: Checkout, needs: Needs, placed: Placed, *, official: bool, builds: bool
) -> Iterator[tuple[int, str]]:
    """Yield the bytes and the name of what is kept beside the registry's and the builder's data.

    ``official`` says that builds start from the official bases.
    """
    if placed.docker and not record.endpoint(checkout):
        yield CONTAINERS, "the images of registry and BuildKit"
    made, platforms = build_times.read(checkout), len(needs.platforms)
    new = _new_builds(checkout, needs, made) if builds and needs.anything else 0
    if new:
        what = f"{_count(new, 'build')} on {_count(platforms, 'platform')}"
        yield PER_BUILD * new * platforms, what
    if new and official and not made:
        yield from _of_bases(OFFICIAL, [(base, platforms) for _, base in needs.bases])


def _of_stand_ins(stand_ins: Iterable[StandIn]) -> Iterator[tuple[int, str]]:
    """Yield the bytes and the name of the stand-ins that registry and builder are to keep."""
    return _of_bases(STAND_IN, [(each.base, len(each.recipes)) for each in stand_ins])


def _of_bases(
    sizes: Mapping[str, int], found: Sequence[tuple[str, int]]
) -> Iterator[tuple[int, str]]:
    """Yield the bytes and the name of each kind of base; ``found`` has kind and platforms."""
    for base, platforms in dict.fromkeys(found):
        number = found.count((base, platforms))
        what = f"{_count(number, f'{base} base')} on {_count(platforms, 'platform')}"
        yield sizes.get(base, sizes["slim"]) * number * platforms, what


def _new_builds(checkout: Checkout, needs: Needs, made: Collection[str]) -> int:
    """Return how many builds are planned besides those that were ``made`` here."""
    try:
        return len(planned_builds(checkout.root, needs.stack) - set(made))
    except DeclarationError:
        # Without a lock there is no plan yet; one build per tag is the rule.
        return max(0, needs.tags - len(made))


def report(parts: Sequence[Part]) -> list[str]:
    """Return lines that say what ``parts`` take, for each disk that they will lie on, and its room.

    A disk is known by the folder that it is mounted at.
    """
    disks: dict[int | None, list[Part]] = {}
    for part in parts:
        device = disk_space.device(part.place) if part.place else None
        disks.setdefault(device, []).append(part)
    return [line for found in disks.values() for line in _of_disk(found)]


def _of_disk(parts: Sequence[Part]) -> Iterator[str]:
    """Yield lines of one disk; ``parts`` are all that will lie there."""
    total, place = sum(part.size for part in parts), parts[0].place
    listed = ", ".join(f"{in_units(part.size)} for {part.name}" for part in parts)
    takes = f"this takes about {in_units(total)}: {listed}"
    if place is None:
        yield f"disk of Docker: {takes}; what is free there can't be seen"
        return
    free, mounted = disk_space.free(place), disk_space.mounted_at(place)
    yield f"disk {mounted}: {takes}; {in_units(free)} are free"
    if free < total:
        yield f"warning: the disk {mounted} may become full. Interrupt this to make room first."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
