"""The outside as functions, so that tests can stand in for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.version import Version

from fleet.advisories.door import Door
from fleet.advisories.package import pinned
from fleet.declaration.versions import is_final
from fleet.lock.model import Base, bare, name_of
from fleet.releases.lock.requirements import Resolution, Wanted
from fleet.releases.pypi.index import Cooldown, Release, releases_in
from fleet.releases.pypi.pypi import File
from fleet.sbom.base_moves import BaseMoves, MovedBase
from fleet.sbom.model import Contents


@dataclass(frozen=True, kw_only=True)
class Digests:
    """The digest of an ``index``, and by platform that of each manifest in it.

    ``created`` are by platform the days (``YYYY-MM-DD``) on which these were made, as far as the
    index says so.
    """

    index: str
    platforms: Mapping[str, str]
    created: Mapping[str, str] = field(default_factory=dict)


Resolver = Callable[[str], Digests]
"""Takes ``host/repository:tag``."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The sources of everything that a lock holds.

    ``distributions`` resolves requirements; ``yanked(package)`` names withdrawn versions;
    ``files(distribution)`` lists the files of all its releases; ``build_requires(file)`` tells what
    builds a source distribution; ``platforms(reference)`` gives a base's digests;
    ``stand_ins`` maps ``{python}-{base}`` to a reference on this machine; ``base_registry`` is the
    declared mirror of the official bases, or empty; ``base_contents`` reads what bases consist of
    on a platform, ``moves`` what moved inside of some; ``door`` knows the advisories; ``say`` shows
    progress, ``note`` what people ought to know.
    """

    distributions: Callable[[Wanted], Resolution]
    yanked: Callable[[str], tuple[str, ...]]
    files: Callable[[str], tuple[File, ...]]
    build_requires: Callable[[File], tuple[str, ...]]
    platforms: Resolver
    base_contents: Callable[[Mapping[str, tuple[Base, str]]], Mapping[str, Contents]]
    moves: Callable[[Sequence[MovedBase]], BaseMoves]
    stand_ins: Mapping[str, str]
    say: Callable[[str], None]
    note: Callable[[str], None]
    cooldown: Cooldown
    base_registry: str = ""
    door: Door = field(default_factory=Door)

    def releases(self, name: str) -> Mapping[str, Release]:
        """Return the releases of a distribution by version."""
        return releases_in(name, self.files(name))

    def takeable(self, name: str) -> dict[str, Release]:
        """Return those releases that are final, not yanked, and not too fresh."""
        return {
            version: release
            for version, release in self.releases(name).items()
            if is_final(Version(version))
            and not release.yanked
            and not self.cooldown.holds_back(release)
        }

    def is_yanked(self, pin: str) -> bool:
        """Tell whether the release that ``pin`` names was yanked (PEP 592)."""
        return bare(pin).partition("==")[2] in self.yanked(name_of(pin))

    def objection(self, pin: str) -> str:
        """Return which advisories keep the release that ``pin`` names outside, or nothing."""
        version = bare(pin).partition("==")[2]
        return self.door.objections(name_of(pin), [version]).get(version, "")

    def keepable(self, pins: tuple[str, ...]) -> tuple[str, ...]:
        """Return ``pins`` without what was yanked or is kept outside: a resolver keeps to these."""
        self.door.findings(pinned(pins))  # all in one request
        return tuple(pin for pin in pins if not self.is_yanked(pin) and not self.objection(pin))


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """The entries to ask for again although the lock holds them; ``newest`` names images."""

    bases: bool = False
    builders: bool = False
    installer: bool = False
    yanked: bool = False
    newest: frozenset[str] = frozenset()
