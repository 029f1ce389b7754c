"""The undo record: removed names with their digests, kept in the registry beside the images.

It lies in the build repository under a tag of its own, so that it outlives the resource that
removed the names, and the state. An entry is there before its name goes.

It also says what each remover declares. Another process of this plugin, or the same one under
another name of the registry's host, reads there what it must leave. And it holds the history of
the repository's tags. What reads it raises `RegistryError` where the registry fails.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fleet.http.text import one_line
from fleet.registry.artifact import Artifact, Document, MalformedArtifactError, tag_for
from fleet.registry.client import Client
from fleet.registry.errors import UndoRecordError
from fleet.registry.history import Move, merged
from fleet.registry.reference import Repository, TagReference, is_digest

PREFIX = "undo-"
"""The prefix of the tags of undo records; no build tag does, for those begin with ``py``."""
_TYPE = "application/vnd.multi-py.fleet.undo.v1+json+gzip"

_MOVE = {
    **{name: name for name in ("at", "tag", "why", "commit", "by")},
    "before": "from",
    "after": "to",
}
"""The keys of a move in the artifact, by its fields."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """The record of a removed name; the undo is to point `tag` at `digest` again."""

    tag: str
    digest: str
    removed_at: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The declaration of a remover in a repository; `pointers` is None where the remover leaves."""

    remover: str
    pointers: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class UndoRecord:
    """The removals of one owner in one repository, oldest first, each name and digest once.

    An entry says that a name was about to be removed: one whose removal failed may still be there.
    `declared` are the pointers of each remover, see `remover_of`. `moves` are the moves of tags,
    oldest first. `digest` is what the record was read from, empty where there was none.
    """

    owner: str
    removals: tuple[Removal, ...] = ()
    moves: tuple[Move, ...] = ()
    declared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    digest: str = ""

    @cached_property
    def known(self) -> frozenset[tuple[str, str]]:
        """The tag and the digest of each removal."""
        return frozenset((entry.tag, entry.digest) for entry in self.removals)

    def plus(self, removals: Iterable[Removal]) -> tuple[Removal, ...]:
        """Return what is on record together with `removals`; of two dates the later one counts."""
        found: dict[tuple[str, str], Removal] = {}
        for entry in (*self.removals, *removals):
            known = found.get((entry.tag, entry.digest), entry)
            # Dates of one form compare as text (RFC 3339, section 5.1).
            found[entry.tag, entry.digest] = max(known, entry, key=lambda one: one.removed_at)
        return tuple(sorted(found.values(), key=lambda one: (one.removed_at, one.tag)))

    def claimed(self, claim: Claim) -> dict[str, tuple[str, ...]]:
        """Return what all removers declare once `claim` is on record."""
        found = self.others(claim.remover)
        return found if claim.pointers is None else {**found, claim.remover: claim.pointers}

    def others(self, *removers: str) -> dict[str, tuple[str, ...]]:
        """Return what all but `removers` declare."""
        return {name: tags for name, tags in self.declared.items() if name not in removers}


def remover_of(urn: str, repository: Repository) -> str:
    """Return what a record calls a remover: its repository as declared, and its URN.

    Its stack is left out, for a split of the fleet changes that.
    """
    return f"{repository} {urn.partition('::')[2]}"


def owner_at(owner: str, mirror: Repository) -> str:
    """Return the owner of the record of a mirror, which lies beside the mirror's source.

    Not every registry takes a repository below another one.
    """
    return f"{owner} {mirror}"


def is_at_mirror(owner: str) -> bool:
    """Tell whether the owner of a record is one by `owner_at`: neither part has a space."""
    return " " in owner


def build_repository_of(public: Repository) -> Repository:
    """Return the repository of an image's builds, where its undo record lies."""
    return Repository(host=public.host, name=f"{public.name}/build")


def tag_of(owner: str) -> str:
    """Return the tag of the record of `owner`, `<pulumi project>/<stack>`."""
    return tag_for(PREFIX, owner)


def place_of(public: Repository, owner: str) -> TagReference:
    """Return where the record of `owner` for a public repository lies."""
    return TagReference(repository=build_repository_of(public), tag=tag_of(owner))


async def load(registry: Client, public: Repository, owner: str) -> UndoRecord:
    """Return the record of `owner` for a public repository, an empty one where none was written.

    :raises UndoRecordError: if what lies there is not a record, or another owner's.
    """
    found = await load_tagged(registry, public, tag_of(owner))
    if found is None:
        return UndoRecord(owner=owner)
    if found.owner != owner:
        raise UndoRecordError(
            f"{place_of(public, owner)} is the undo record of {one_line(found.owner)}, and that of "
            f"{owner} would have the same tag.\nRename one of the two stacks"
        )
    return found


async def history(registry: Client, public: Repository, owner: str) -> tuple[Move, ...]:
    """Return the moves of all tags of a public repository, removals among them, oldest first.

    `owner` is `<pulumi project>/<stack>` (`Plan.owner`). Nothing where none was entered yet. The
    last move of a tag says what it names by what is on record; `history.intervals` gives those of
    one tag.

    :raises UndoRecordError: if what lies there is not a record, or another owner's.
    """
    record = await load(registry, public, owner)
    return merged(record.moves, record.removals)


async def load_tagged(registry: Client, public: Repository, tag: str) -> UndoRecord | None:
    """Return the record under a tag, whoever its owner is; None where the tag is not there.

    :raises UndoRecordError: if what lies there is not a record.
    """
    artifact = artifact_of(registry, public, tag)
    try:
        found = await artifact.load()
        return None if found is None else _record(found)
    except (MalformedArtifactError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UndoRecordError(
            f"{artifact} is not an undo record ({error}).\nDelete that tag, after giving its "
            "manifest another tag if you need it. Earlier removals are then on record only in the "
            "stack's state"
        ) from error


def artifact_of(registry: Client, public: Repository, tag: str) -> Artifact:
    """Return the place of the record under a tag."""
    return Artifact(
        registry=registry, repository=build_repository_of(public), tag=tag, media_type=_TYPE
    )


def _record(found: Document) -> UndoRecord:
    removals = tuple(
        Removal(tag=_text(e["tag"]), digest=_text(e["digest"]), removed_at=_text(e["removedAt"]))
        for e in found.value["removed"]
    )
    if not all(is_digest(one.digest) for one in removals):
        raise ValueError("a removal names no digest")
    declared = found.value["declared"]
    # A text is a sequence of texts as well, though none of pointers.
    if not all(isinstance(tags, list) for tags in declared.values()):
        raise ValueError(f"{one_line(repr(declared))} are not pointers")
    return UndoRecord(
        owner=_text(found.value["owner"]),
        removals=removals,
        moves=tuple(map(_move, found.value.get("moves", []))),
        declared={name: tuple(map(_text, tags)) for name, tags in declared.items()},
        digest=found.digest,
    )


def _move(entry: Any) -> Move:
    texts = {name: _text(entry[key]) for name, key in _MOVE.items()}
    if not all(is_digest(texts[name]) for name in ("before", "after") if texts[name]):
        raise ValueError("a move names no digest")
    return Move(**texts)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{one_line(repr(value))} is not a text")
    return value


def value_of(record: UndoRecord) -> dict[str, Any]:
    """Return the record as the artifact holds it."""
    entries = [
        {"tag": r.tag, "digest": r.digest, "removedAt": r.removed_at} for r in record.removals
    ]
    declared = {name: list(tags) for name, tags in record.declared.items()}
    moves = [{key: getattr(move, name) for name, key in _MOVE.items()} for move in record.moves]
    return {"owner": record.owner, "removed": entries, "declared": declared, "moves": moves}
