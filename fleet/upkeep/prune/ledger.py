"""The ledger of a repository: digests and names that were seen, and unreferenced ones with dates.

It lies in the registry beside what it describes, as an OCI artifact under a tag of the build
repository: machines that run once and vanish share it, and no state backend has to keep it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fleet.console import TroubleError
from fleet.registry.artifact import (
    Artifact,
    MalformedArtifactError,
    OversizedArtifactError,
    OverwrittenArtifactError,
    tag_for,
)
from fleet.registry.client import Client
from fleet.registry.reference import Repository, is_digest

PREFIX = "ledger-"
"""The prefix of the tags of ledgers; no build tag does, for those begin with ``py``."""
_TYPE = "application/vnd.multi-py.fleet.ledger.v1+json+gzip"

Names = Mapping[str, tuple[str, ...]]
"""Tag to digests."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Digests and tags that runs saw in the repositories of an image, by their names.

    ``entries`` map a digest to the RFC 3339 time since which it is unreferenced, empty while it is
    needed. ``tags`` map a tag to the digests that it was seen to name, the last first, as far as
    those are still there. ``digest`` is what it was read from, empty where there was none.
    """

    entries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tags: Mapping[str, Names] = field(default_factory=dict)
    digest: str = ""

    def of(self, repository: Repository) -> Mapping[str, str]:
        """Return the entries of one repository."""
        return self.entries.get(repository.name, {})

    def names(self, repository: Repository) -> Names:
        """Return the names that were ever seen of digests of one repository."""
        return self.tags.get(repository.name, {})

    def recorded(self, repository: Repository) -> bool:
        """Tell whether a run has recorded the names of a repository before."""
        return repository.name in self.tags

    def observe(
        self,
        repository: Repository,
        seen: Iterable[str],
        unreferenced: Iterable[str],
        now: str,
        tags: Mapping[str, str],
    ) -> "Ledger":
        """Return the ledger after a look at ``repository``.

        ``seen`` are all digests that are there. A newly unreferenced one is dated ``now``, one that
        was unreferenced before keeps its date, one that is needed again loses it, and one that is
        no longer there loses its entry. ``tags`` are the names that are there; a name that is not
        stays recorded as long as a digest that it named is there.
        """
        known, free, there = self.of(repository), frozenset(unreferenced), frozenset(seen)
        fresh = {d: (known.get(d) or now) if d in free else "" for d in sorted(there)}
        before = self.names(repository)
        named = {
            tag: tuple(dict.fromkeys((*([tags[tag]] if tag in tags else []), *before.get(tag, ()))))
            for tag in sorted({*before, *tags})
        }
        return self._with(repository, fresh, named)

    def without(self, repository: Repository, digests: Iterable[str]) -> "Ledger":
        """Return the ledger without ``digests`` of ``repository``."""
        gone = frozenset(digests)
        rest = {d: since for d, since in self.of(repository).items() if d not in gone}
        return self._with(repository, rest, self.names(repository))

    def _with(self, repository: Repository, entries: Mapping[str, str], names: Names) -> "Ledger":
        """Return the ledger with other ``entries``, and of ``names`` those that named one."""
        left = {tag: tuple(d for d in held if d in entries) for tag, held in names.items()}
        kept = {tag: held for tag, held in left.items() if held}
        return replace(
            self,
            entries={**self.entries, repository.name: entries},
            tags={**self.tags, repository.name: kept},
        )


def tag_of(owner: str) -> str:
    """Return the tag of the ledger of ``owner``, ``<pulumi project>/<stack>``."""
    return tag_for(PREFIX, owner)


async def load(registry: Client, build_repository: Repository, owner: str) -> Ledger:
    """Return the ledger in ``build_repository``, an empty one where none was written.

    :raises TroubleError: when what lies there is no ledger.
    """
    artifact = _artifact(registry, build_repository, owner)
    try:
        found = await artifact.load()
        if found is None:
            return Ledger()
        return _parsed(found.value, found.digest)
    except (MalformedArtifactError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise TroubleError(
            f"{artifact} is not a valid ledger ({error}).\n"
            "Delete the tag; retention periods restart"
        ) from error


async def save(
    registry: Client, build_repository: Repository, owner: str, ledger: Ledger
) -> Ledger:
    """Write the ledger, and delete the manifest that it displaces; return it as written.

    :raises TroubleError: when another ledger is there than it was read from, or when it has
        outgrown what can be read back; nothing was written.
    """
    artifact = _artifact(registry, build_repository, owner)
    # The owner is in it, for another stack's ledger must not have the same digest.
    held = {"owner": owner, "entries": ledger.entries, "tags": ledger.tags}
    try:
        digest = await artifact.save(held, ledger.digest)
    except OverwrittenArtifactError as error:
        raise TroubleError(f"{error}.\nRun again") from error
    except OversizedArtifactError as error:
        raise TroubleError(f"{error}.\nDelete the tag; retention periods restart") from error
    if ledger.digest not in ("", digest):
        await artifact.drop(ledger.digest)
    return replace(ledger, digest=digest)


def _artifact(registry: Client, build_repository: Repository, owner: str) -> Artifact:
    return Artifact(
        registry=registry, repository=build_repository, tag=tag_of(owner), media_type=_TYPE
    )


def _parsed(found: Any, digest: str) -> Ledger:
    entries, tags = found["entries"], found["tags"]
    dated = [pair for held in entries.values() for pair in held.items()]
    named = [each for names in tags.values() for held in names.values() for each in held]
    if not all(map(is_digest, [*(each for each, _ in dated), *named])):
        raise ValueError("it names what is not a digest")
    if not all(isinstance(since, str) for _, since in dated):
        raise ValueError("it has a date that is not a text")
    known = {p: {tag: tuple(held) for tag, held in names.items()} for p, names in tags.items()}
    return Ledger(entries=entries, tags=known, digest=digest)
