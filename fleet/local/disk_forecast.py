"""The room that a run may take on the disk, said before it is taken."""

from collections.abc import Collection, Iterator, Sequence
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
from fleet.units import in_units

GO_CACHES: Final = 8 * 10**9
"""Bytes of Go's caches once all programs are built."""

PER_ARCHIVE: Final = 250 * 10**6
"""Bytes of one of the makers' archives once it is unpacked; the engine's is the largest."""

PER_BUILD: Final = 50 * 10**6
PER_BASE: Final = 300 * 10**6
"""Bytes per platform in the registry and the builder together."""

CONTAINERS: Final = 300 * 10**6
"""Bytes of the images of registry and BuildKit in a Docker engine."""


def show(checkout: Checkout, needs: Needs, placed: Placed, *, builds: bool) -> None:
    """Say what a run takes on the disk, where it is to make anything; ``builds`` says it builds."""
    if parts := list(_parts(checkout, needs, placed, builds=builds)):
        root = open_engine(checkout, placed.docker).info().root if placed.docker else checkout.state
        for line in report(parts, disk_space.free(root)):
            say(line)


def _parts(
    checkout: Checkout, needs: Needs, placed: Placed, *, builds: bool
) -> Iterator[tuple[int, str]]:
    """Yield the bytes of each part at most, and its name."""
    if programs := [module.name for module in placed.supply.builds]:
        yield GO_CACHES, f"Go's caches ({', '.join(programs)})"
    if archives := len(placed.supply.downloads):
        yield PER_ARCHIVE * archives, _count(archives, "downloaded archive")
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


def report(parts: Sequence[tuple[int, str]], free: int | None) -> list[str]:
    """Return lines that say what ``parts`` take, bytes and a name each.

    ``free`` are the bytes that are free, ``None`` where that can't be seen.
    """
    total = sum(size for size, _ in parts)
    listed = ", ".join(f"{in_units(size)} for {name}" for size, name in parts)
    seen = "what is free in Docker can't be seen" if free is None else f"{in_units(free)} are free"
    lines = [f"disk: this takes up to {in_units(total)}: {listed}; {seen}"]
    if free is not None and free < total:
        lines.append("warning: the disk may become full. Interrupt this to make room first.")
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
