"""The outside as functions, so that tests can stand in for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fleet.releases.cooldown import Cooldown
from fleet.releases.lock.bases import Resolver
from fleet.releases.lock.requirements import Resolution, Wanted
from fleet.releases.pypi.pypi import File

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where everything comes from that a lock holds.

    ``distributions`` resolves requirements; ``yanked(package)`` names withdrawn versions;
    ``files(distribution)`` lists the files of all its releases; ``build_requires(file)`` tells what
    builds a source distribution; ``platforms(reference)`` gives a base's digests;
    ``stand_ins`` maps ``{python}-{base}`` to a reference on this machine; ``say`` shows progress,
    ``note`` what people ought to know.
    """

    distributions: Callable[[Wanted], Resolution]
    yanked: Callable[[str], tuple[str, ...]]
    files: Callable[[str], tuple[File, ...]]
    build_requires: Callable[[File], tuple[str, ...]]
    platforms: Resolver
    stand_ins: Mapping[str, str]
    say: Say
    note: Say
    cooldown: Cooldown


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """What is asked for again although the lock holds it; ``newest`` names images.

    Builders are apart from bases: what was compiled is copied, not made again, when a base moves.
    ``installer`` is what installs wheels, in every image.
    """

    bases: bool = False
    builders: bool = False
    installer: bool = False
    yanked: bool = False
    newest: frozenset[str] = frozenset()
