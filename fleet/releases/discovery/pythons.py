"""Which Pythons a list keeps, by the release cycle and what is declared of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from packaging.version import Version

from fleet.declaration.model import Image
from fleet.declaration.problems import Problems
from fleet.declaration.release_policy import PythonReleases
from fleet.releases.discovery.change import Change, DiscoveryError, arranged
from fleet.releases.discovery.release_cycle import Cycle


@dataclass(frozen=True, kw_only=True)
class PythonList:
    """A list of Pythons, the keys that lead to it in the stack's file, the images that go by it."""

    path: tuple[str, ...]
    images: tuple[Image, ...]

    @property
    def place(self) -> str:
        """The list's path as maintainers know it: ``fleet:defaults.pythons``."""
        return ".".join(self.path[1:])

    @property
    def pythons(self) -> tuple[str, ...]:
        """The Pythons, which are the same for all images."""
        return self.images[0].pythons


def note_disagreements(lists: Iterable[PythonList], problems: Problems) -> None:
    """Note images that share a list and declare different things of it."""
    for one in lists:
        first = one.images[0]
        for other in one.images[1:]:
            if other.python_releases != first.python_releases:
                problems.add(
                    f"fleet:images.{other.name}.python-releases",
                    f"says otherwise than that of {first.name}, and both go by {one.place}",
                    f"Give {other.name} a list of pythons of its own",
                )


def kept(
    one: PythonList, cycles: Mapping[str, Cycle], today: date, missing: Callable[[str], str]
) -> tuple[tuple[str, ...], list[Change]]:
    """Return the Pythons that ``one`` keeps on ``today`` (UTC), what that changes, and warnings.

    ``missing`` returns what is not there yet for a Python, or nothing.

    :raises DiscoveryError: when the feed does not know a declared Python, or none would be left.
    """
    # That of all its images: `note_disagreements` refused others.
    policy = one.images[0].python_releases
    if policy is None:
        return one.pythons, []
    unknown = [python for python in one.pythons if python not in cycles]
    if unknown:
        raise DiscoveryError(
            f"{one.place}: Python's release cycle does not list {', '.join(unknown)}.\n"
            "Correct the list, or maintain it by hand"
        )
    retired = [p for p in one.pythons if cycles[p].over and _last_day(cycles[p], policy) < today]
    if len(retired) == len(one.pythons):
        raise DiscoveryError(
            f"{one.place}: all of its Pythons have reached their end of life.\nDeclare one that "
            "is maintained"
        )
    changes = [Change(one.place, f"Python {p}", "leaves", _ended(cycles[p])) for p in retired]
    added: list[str] = []
    highest = max(map(Version, one.pythons))
    newer = (p for p, cycle in cycles.items() if cycle.released and Version(p) > highest)
    for python in sorted(newer, key=Version) if policy.add else ():
        lacking = missing(python)
        how = "waits" if lacking else "comes"
        changes.append(Change(one.place, f"Python {python}", how, lacking or "it was released"))
        added += [] if lacking else [python]
    stay = [python for python in one.pythons if python not in retired]
    for python in stay:
        if cycles[python].over:
            last = _last_day(cycles[python], policy)
            then = "no policy retires it" if last == date.max else f"it leaves after {last}"
            changes.append(
                Change(one.place, f"Python {python}", "stays", f"{_ended(cycles[python])}; {then}")
            )
    return arranged(one.pythons, sorted((*stay, *added), key=Version)), changes


def _last_day(cycle: Cycle, policy: PythonReleases) -> date:
    """Return the last day on which a Python that reached its end of life is kept."""
    if policy.retire_after is None:
        return date.max
    return cycle.end_of_life + timedelta(days=policy.retire_after)


def _ended(cycle: Cycle) -> str:
    return f"its end of life was on {cycle.end_of_life}"
