"""The room that a run may take on each disk, said before it is taken."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fleet.checkout.planning import planned_builds
from fleet.console import say
from fleet.declaration.problems import DeclarationError
from fleet.local import build_times, disk_space
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

PER_BUILD: Final = 50 * 10**6
PER_BASE: Final = 300 * 10**6
"""Bytes per platform in the registry and the builder together."""

CONTAINERS: Final = 300 * 10**6
"""Bytes of the images of registry and BuildKit in a Docker engine."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that takes ``size`` bytes at most, and is shown as ``name``.

    ``place`` is the folder that it will lie in, ``None`` where that is not on this machine: in a
    Docker engine of a virtual one.
    """

    size: int
    name: str
    place: Path | None


def show(checkout: Checkout, needs: Needs, placed: Placed, *, builds: bool) -> None:
    """Say what a run takes on each disk, where it is to make anything; ``builds``: it builds."""
    for line in report(list(_parts(checkout, needs, placed, builds=builds))):
        say(line)


def _parts(checkout: Checkout, needs: Needs, placed: Placed, *, builds: bool) -> Iterator[Part]:
    """Yield what a run takes; each part where it will lie."""
    yield from _programs(checkout, placed)
    daemons = list(_of_daemons(checkout, needs, placed, builds=builds))
    if daemons:
        docker = placed.docker
        data = open_engine(checkout, docker).info().root if docker else checkout.state
        yield from (Part(size=size, name=name, place=data) for size, name in daemons)


def _programs(checkout: Checkout, placed: Placed) -> Iterator[Part]:
    """Yield what programs and plugins take: in Go's caches, the user's cache, and the engine's."""
    if names := [module.name for module in placed.supply.builds]:
        built, fetched = golang.caches() or (Path.home(), Path.home())
        yield Part(size=GO_CACHE, name=f"Go's build cache ({', '.join(names)})", place=built)
        yield Part(size=GO_CACHE, name="Go's modules", place=fetched)
    downloads = placed.supply.downloads
    plugins = sum(bool(module.version) for module in downloads)
    for number, noun, place in (
        (len(downloads) - plugins, "downloaded archive", checkout.cache),
        (plugins, "downloaded plugin", checkout.pulumi_home),
    ):
        if number:
            yield Part(size=PER_ARCHIVE * number, name=_count(number, noun), place=place)


def _of_daemons(
    checkout: Checkout, needs: Needs, placed: Placed, *, builds: bool
) -> Iterator[tuple[int, str]]:
    """Yield the bytes and the name of what is kept beside the registry's and the builder's data."""
    if placed.docker and not record.endpoint(checkout):
        yield CONTAINERS, "the images of registry and BuildKit"
    made, platforms = build_times.read(checkout), len(needs.platforms)
    new = _new_builds(checkout, needs, made) if builds and needs.anything else 0
    for per, number, noun in (
        (PER_BUILD, new, "build"),
        (PER_BASE, len(needs.bases) if new and not made else 0, "base"),
    ):
        if number:
            each = f"{_count(number, noun)} on {_count(platforms, 'platform')}"
            yield per * number * platforms, each


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
    takes = f"this takes up to {in_units(total)}: {listed}"
    if place is None:
        yield f"disk of Docker: {takes}; what is free there can't be seen"
        return
    free, mounted = disk_space.free(place), disk_space.mounted_at(place)
    yield f"disk {mounted}: {takes}; {in_units(free)} are free"
    if free < total:
        yield f"warning: the disk {mounted} may become full. Interrupt this to make room first."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
