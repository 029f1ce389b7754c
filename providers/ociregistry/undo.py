"""The undo record: removed names with their digests, kept in the registry beside the images.

It lies in the workshop repository of platform builds under a tag of its own, so that it outlives
the resource that removed the names, and the state. An entry is there before its name goes.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from fleet.http.text import one_line
from providers.ociregistry.artifact import (
    Artifact,
    Document,
    MalformedArtifactError,
    OversizedArtifactError,
    OverwrittenArtifactError,
    tag_for,
)
from providers.ociregistry.errors import KEEPING, OciError, UndoRecordError
from providers.ociregistry.reference import Repository, TagReference, is_digest
from providers.ociregistry.registry import Registry
from providers.ociregistry.stale import Removal

PREFIX = "undo-"
"""What the tags of undo records begin with; no build tag does, for those begin with ``py``."""
_TYPE = "application/vnd.multi-py.fleet.undo.v1+json+gzip"


@dataclass(frozen=True, kw_only=True)
class UndoRecord:
    """The removals of one owner in one repository, oldest first, each name and digest once.

    An entry says that a name was about to be removed: one whose removal failed may still be there.
    `digest` is what the record was read from, empty where there was none.
    """

    owner: str
    removals: tuple[Removal, ...] = ()
    digest: str = ""

    def plus(self, removals: Iterable[Removal]) -> tuple[Removal, ...]:
        """Return what is on record together with `removals`; of two dates the later one counts."""
        found: dict[tuple[str, str], Removal] = {}
        for entry in (*self.removals, *removals):
            known = found.get((entry.tag, entry.digest), entry)
            # Dates of one form compare as text (RFC 3339, section 5.1).
            found[entry.tag, entry.digest] = max(known, entry, key=lambda one: one.removed_at)
        return tuple(sorted(found.values(), key=lambda one: (one.removed_at, one.tag)))


def workshop_of(public: Repository) -> Repository:
    """Return the repository of an image's platform builds, where its undo record lies."""
    return Repository(host=public.host, name=f"{public.name}/build")


def tag_of(owner: str) -> str:
    """Return the tag of the record of `owner`, `<pulumi project>/<stack>`."""
    return tag_for(PREFIX, owner)


async def load(registry: Registry, public: Repository, owner: str) -> UndoRecord:
    """Return the record of `owner` for a public repository, an empty one where none was written.

    :raises UndoRecordError: if what lies there is no record, or another owner's.
    :raises RegistryError: if the registry fails.
    """
    artifact = _artifact(registry, public, tag_of(owner))
    found = await _load(artifact)
    if found is None:
        return UndoRecord(owner=owner)
    if found.owner != owner:
        raise UndoRecordError(
            f"{artifact} is the undo record of {one_line(found.owner)}, and that of {owner} would "
            "have the same tag; name one of the two stacks otherwise"
        )
    return found


async def load_tagged(registry: Registry, public: Repository, tag: str) -> UndoRecord | None:
    """Return the record under a tag, whose ever it is; None where the tag is not there.

    :raises UndoRecordError: if what lies there is no record.
    :raises RegistryError: if the registry fails.
    """
    return await _load(_artifact(registry, public, tag))


class UndoWriter:
    """Writes records, and remembers what of them is written."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._noted: set[tuple[TagReference, str]] = set()

    def unnoted(self, repository: Repository, removals: Collection[Removal]) -> tuple[Removal, ...]:
        """Return those of `removals` that this process has not put on record."""
        return tuple(r for r in removals if _key(repository, r) not in self._noted)

    async def note(
        self,
        repository: Repository,
        owner: str,
        going: Collection[Removal],
        gone: Collection[Removal] = (),
    ) -> None:
        """Have `going` on record, and of `gone` what is not: all of it in one write.

        :raises UndoRecordError: if that can't be done; the record is as it was.
        """
        fresh, former = self.unnoted(repository, going), self.unnoted(repository, gone)
        if not fresh and not former:
            return
        try:
            await self._write(repository, owner, fresh, former)
        except OciError as error:
            place = f"{workshop_of(repository)}:{tag_of(owner)}"
            raise UndoRecordError(
                f"{repository}: nothing goes that is not in the undo record {place} before: "
                f"{error}{_remedy(error, workshop_of(repository))}"
            ) from error
        self._noted |= {_key(repository, removal) for removal in (*fresh, *former)}

    async def _write(
        self,
        repository: Repository,
        owner: str,
        fresh: Collection[Removal],
        former: Collection[Removal],
    ) -> None:
        record = await load(self._registry, repository, owner)
        known = {(entry.tag, entry.digest) for entry in record.removals}
        if not fresh and all((entry.tag, entry.digest) in known for entry in former):
            return
        artifact = _artifact(self._registry, repository, tag_of(owner))
        value = _value(owner, record.plus((*former, *fresh)))
        digest = await artifact.save(value, record.digest)
        live = await self._registry.head(artifact.repository, artifact.tag)
        if live != digest:
            raise UndoRecordError(f"{artifact} was written, yet names {live}")
        if record.digest not in ("", digest):
            await self._drop(artifact, record.digest)

    async def _drop(self, artifact: Artifact, displaced: str) -> None:
        """Delete what a write displaced; where that fails, a sweep takes it some day."""
        try:
            await artifact.drop(displaced)
        except OciError:
            return


def _remedy(error: OciError, workshop: Repository) -> str:
    if isinstance(error, UndoRecordError):
        return ""
    if isinstance(error, OverwrittenArtifactError):
        return "; run again"
    if isinstance(error, OversizedArtifactError):
        return (
            f"; give it another tag that begins with {PREFIX}, so that sweeps keep what it names, "
            "and delete this one: a new record begins"
        )
    return f". See to it that this run may push to {workshop}, or {KEEPING}"


def _artifact(registry: Registry, public: Repository, tag: str) -> Artifact:
    return Artifact(registry=registry, repository=workshop_of(public), tag=tag, media_type=_TYPE)


async def _load(artifact: Artifact) -> UndoRecord | None:
    try:
        found = await artifact.load()
        return None if found is None else _record(found)
    except (MalformedArtifactError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UndoRecordError(
            f"{artifact} is no undo record ({error}); tag it otherwise if it is of use, and "
            "delete that tag: what was removed before then stands in the stack's state alone"
        ) from error


def _record(found: Document) -> UndoRecord:
    owner = found.value["owner"]
    removals = [
        Removal(tag=entry["tag"], digest=entry["digest"], removed_at=entry["removedAt"])
        for entry in found.value["removed"]
    ]
    for one in removals:
        texts = (one.tag, one.digest, one.removed_at)
        if not all(isinstance(text, str) for text in texts) or not is_digest(one.digest):
            raise ValueError(f"{one} is no removal")
    if not isinstance(owner, str):
        raise TypeError(f"{one_line(repr(owner))} is not an owner")
    return UndoRecord(owner=owner, removals=tuple(removals), digest=found.digest)


def _value(owner: str, removals: Iterable[Removal]) -> dict[str, Any]:
    entries = [{"tag": r.tag, "digest": r.digest, "removedAt": r.removed_at} for r in removals]
    return {"owner": owner, "removed": entries}


def _key(repository: Repository, removal: Removal) -> tuple[TagReference, str]:
    return TagReference(repository=repository, tag=removal.tag), removal.digest
