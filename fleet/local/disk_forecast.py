"""The room that a run may take on the disk, said before it is taken."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a run has to make: ``programs`` by Go, ``builds`` and ``bases`` for ``platforms`` each.

    ``archives`` are downloaded and unpacked; ``containers`` says that the images of registry and
    builder are to be pulled.
    """

    programs: Sequence[str] = ()
    archives: int = 0
    builds: int = 0
    bases: int = 0
    platforms: int = 1
    containers: bool = False

    @property
    def parts(self) -> list[tuple[int, str]]:
        """The bytes of each part at most, and its name; a part of nothing is left out."""
        each = f"on {self.platforms} platforms" if self.platforms > 1 else "on 1 platform"
        listed = [
            (GO_CACHES * bool(self.programs), f"Go's caches ({', '.join(self.programs)})"),
            (PER_ARCHIVE * self.archives, _count(self.archives, "downloaded archive")),
            (CONTAINERS * self.containers, "the images of registry and BuildKit"),
            (PER_BUILD * self.builds * self.platforms, f"{_count(self.builds, 'build')} {each}"),
            (PER_BASE * self.bases * self.platforms, f"{_count(self.bases, 'base')} {each}"),
        ]
        return [(size, name) for size, name in listed if size]


def show(checkout: Checkout, needs: Needs, placed: Placed, *, builds: bool) -> None:
    """Say what a run takes on the disk, where it is to make anything; ``builds`` says it builds."""
    made = build_times.read(checkout)
    new = _new_builds(checkout, needs, made) if builds and needs.anything else 0
    work = Work(
        programs=[module.name for module in placed.supply.builds],
        archives=len(placed.supply.downloads),
        builds=new,
        bases=len(needs.bases) if new and not made else 0,
        platforms=len(needs.platforms),
        containers=bool(placed.docker) and not record.endpoint(checkout),
    )
    if work.parts:
        root = open_engine(checkout, placed.docker).info().root if placed.docker else checkout.state
        for line in report(work, disk_space.free(root)):
            say(line)


def _new_builds(checkout: Checkout, needs: Needs, made: Collection[str]) -> int:
    """Return how many builds are planned besides those that were ``made`` here."""
    try:
        return len(planned_builds(checkout.root, needs.stack) - set(made))
    except DeclarationError:
        # Without a lock there is no plan yet; one build per tag is the rule.
        return max(0, needs.tags - len(made))


def report(work: Work, free: int | None) -> list[str]:
    """Return lines that say what ``work`` takes; none where it takes nothing.

    ``free`` are the bytes that are free, ``None`` where that can't be seen.
    """
    if not work.parts:
        return []
    total = sum(size for size, _ in work.parts)
    listed = ", ".join(f"{in_units(size)} for {name}" for size, name in work.parts)
    seen = "what is free in Docker can't be seen" if free is None else f"{in_units(free)} are free"
    lines = [f"disk: this takes up to {in_units(total)}: {listed}; {seen}"]
    if free is not None and free < total:
        lines.append("warning: the disk may become full. Interrupt this to make room first.")
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
