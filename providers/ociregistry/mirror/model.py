"""Mirrors, pure: which names differ from the source's, and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Annotated

from fleet.registry.reference import ManifestReference, Repository, TagReference, is_digest
from providers.ociregistry.tag.model import OnConflict, TagInputs, TagState
from providers.ociregistry.tag.reasons import shown

FAILED = "it failed at its source"
_NEW = "new there"
_GONE = "gone there"
_MOVED = "moved there"
_ANOTHER = "another image there"
_FOLLOWS = "follows its source"
_EVIDENCE = "its evidence changed"
_LOST = "platforms or evidence were lost there"


@dataclass(frozen=True, kw_only=True)
class MirrorInputs:
    """The declared tags of one repository at another registry.

    `tags` are the source's digests by tag: empty where one failed, and none where a preview does
    not know it yet. Those in `pointers` are no version tags. `evidence` are the fingerprints of the
    statements about each of these, in one text.
    """

    repository: Repository
    source: Repository
    owner: str
    tags: Mapping[str, str]
    pointers: frozenset[str] = frozenset()
    evidence: Mapping[str, str] = field(default_factory=dict)
    on_conflict: OnConflict = "refuse"
    pointer_conflict: OnConflict = "take-over"

    @property
    def ordered(self) -> tuple[str, ...]:
        """The tags, sorted, pointers after version tags."""
        return tuple(sorted(self.tags, key=lambda tag: (tag in self.pointers, tag)))

    def ref(self, tag: str) -> TagReference:
        """Return a tag at the mirror."""
        return TagReference(repository=self.repository, tag=tag)

    def tag(self, tag: str) -> TagInputs:
        """Return what a tag at the mirror shall name: what it names at the source."""
        digest = self.tags[tag]
        return TagInputs(
            ref=self.ref(tag),
            owner=self.owner,
            sources=(
                ManifestReference(
                    repository=self.source, digest=digest if is_digest(digest) else ""
                ),
            ),
            on_conflict=self.pointer_conflict if tag in self.pointers else self.on_conflict,
            mirrored=True,
        )


@dataclass(frozen=True, kw_only=True)
class Copied:
    """A name that the last update wrote at the mirror, or brought evidence for."""

    tag: Annotated[str, "The name."]
    previous: Annotated[str, "The digest that it named before, or empty."]
    reason: Annotated[str, "Why."]


@dataclass(frozen=True, kw_only=True)
class Mirrored:
    """The digests that the `tags` of a mirror name, and fingerprints of the `evidence` there.

    `left` is what the last update left, for tags that a refresh found otherwise or gone, `lost` are
    those of which a whole verification did not find all.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    evidence: Mapping[str, str] = field(default_factory=dict)
    left: Mapping[str, str] = field(default_factory=dict)
    lost: tuple[str, ...] = ()

    def recorded(self, tag: str) -> TagState | None:
        """Return what the state knows of a tag, None where it is not there by that."""
        live = self.tags.get(tag)
        return TagState(digest=live, assembled=self.left.get(tag, live)) if live else None

    def seen(
        self, found: Mapping[str, str | None], inputs: MirrorInputs, lost: Iterable[str]
    ) -> "Mirrored":
        """Return the state after a refresh that `found` what each tag names, None for nothing.

        What no update wrote or adopted stays unknown: it may be another's. What is as declared was
        not moved by others, though an update that was killed has not told of it.
        """
        held = {**self.tags, **self.left}
        before = {tag: held[tag] for tag in found if tag in held}
        live = {tag: digest for tag in before if (digest := found[tag])}
        return Mirrored(
            tags=live,
            evidence={tag: marks for tag, marks in self.evidence.items() if tag in before},
            left={
                tag: held
                for tag, held in before.items()
                if live.get(tag) not in {held, inputs.tags[tag]}
            },
            lost=tuple(lost),
        )

    def after(self, inputs: MirrorInputs, written: Mapping[str, str]) -> "Mirrored":
        """Return the state after an update of what is declared that has `written` tags."""
        marks = {tag: mark for tag, mark in inputs.evidence.items() if tag in written}
        tags = {tag: d for tag, d in {**self.tags, **written}.items() if tag in inputs.tags}
        return Mirrored(
            tags=tags,
            evidence={t: m for t, m in {**self.evidence, **marks}.items() if t in inputs.tags},
            left={t: d for t, d in self.left.items() if t not in written and t in inputs.tags},
            lost=tuple(tag for tag in self.lost if tag not in written and tag in inputs.tags),
        )

    def predicted(self, inputs: MirrorInputs) -> "Mirrored":
        """Return what an update would leave."""
        wanted = {tag: digest for tag, digest in inputs.tags.items() if digest}
        return Mirrored(tags={**self.tags, **wanted}, evidence=inputs.evidence)

    def due(self, inputs: MirrorInputs, *, known: bool = True) -> tuple[Copied, ...]:
        """Return what an update is to write: version tags first, then pointers.

        `known` is false where no state has the mirror, and this is what was found there.
        """
        found = ((tag, self._why(tag, inputs, known=known)) for tag in inputs.ordered)
        return tuple(
            Copied(tag=tag, previous=self.tags.get(tag, ""), reason=reason)
            for tag, reason in found
            if reason
        )

    def _why(self, tag: str, inputs: MirrorInputs, *, known: bool) -> str:
        """Return why a tag is written, empty where it is as declared."""
        live, wanted = self.tags.get(tag), inputs.tags[tag]
        if not wanted:
            return FAILED
        if live is None:
            return _GONE if tag in self.left else _NEW
        if live != wanted:
            if not known:
                return _ANOTHER
            return _MOVED if tag in self.left else _FOLLOWS
        if tag in self.lost:
            return _LOST
        stated = inputs.evidence.get(tag, "") if known else ""
        return _EVIDENCE if stated and stated != self.evidence.get(tag) else ""


def in_words(copied: tuple[Copied, ...]) -> str:
    """Return what is to be written in one line, by reasons: `new there: a, b and 3 more`."""
    by_reason = sorted(copied, key=lambda each: each.reason)
    groups = groupby(by_reason, key=lambda each: each.reason)
    return "; ".join(
        f"{reason}: {shown(tuple(each.tag for each in group))}" for reason, group in groups
    )
