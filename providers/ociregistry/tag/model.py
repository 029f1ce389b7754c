"""Tags, pure: what differs, what may be displaced, and what a preview can predict."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal

from fleet.http.text import one_line
from fleet.registry.errors import ConflictError, moved
from fleet.registry.reference import ManifestReference, TagReference
from providers.ociregistry.evidence.model import PROPERTIES, EvidenceInputs, EvidenceState

OnConflict = Literal["take-over", "refuse"]

# What no registry holds.
STATE_ONLY = frozenset({"identity", "onConflict"})
# What a preview keeps as it is when only these change: no name moves.
UNMOVED = STATE_ONLY | PROPERTIES


def _digests(sources: Iterable[ManifestReference]) -> tuple[str, ...]:
    return tuple(sorted(source.digest for source in sources))


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One platform of what a tag names; `size` is that of config and layers."""

    platform: Annotated[str, "os/architecture[/variant]"]
    digest: Annotated[str, "A sha256 digest."]
    size: Annotated[int, "Compressed bytes."]


@dataclass(frozen=True, kw_only=True)
class TagState:
    """The content of a tag. `assembled` is what the last create or update wrote or adopted.

    `signed` is what is signed of that, None where nothing is known to be. `unreadable` says in
    words why nothing more is known of what it was moved to; no state keeps it.
    """

    digest: str = ""
    assembled: str = ""
    platforms: tuple[Platform, ...] = ()
    previous: str = ""
    signed: EvidenceState | None = None
    unreadable: str = ""

    @property
    def size(self) -> int:
        """Compressed bytes over all platforms."""
        return sum(platform.size for platform in self.platforms)

    @property
    def is_drifted(self) -> bool:
        """True where the tag was moved since the last update, as this run's refresh found it."""
        return self.digest != self.assembled

    def missing(self, declared: Iterable[str]) -> tuple[str, ...]:
        """Return those of the declared platforms whose manifests are not there, sorted."""
        return tuple(sorted(set(declared) - {platform.platform for platform in self.platforms}))


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The state as the engine keeps it. None marks an input that an import could not know.

    `inputs` went into it, empty where the state kept none; `gone` tells that this run's refresh
    found the tag absent; `pinned` is the reason why it was held, empty where it was not.
    """

    ref: str
    state: TagState
    sources: tuple[ManifestReference, ...] = ()
    owner: str | None = None
    identity: str | None = None
    annotations: Mapping[str, str] | None = None
    on_conflict: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    gone: bool = False
    pinned: str = ""

    @property
    def digests(self) -> tuple[str, ...]:
        """The sources' digests, sorted."""
        return _digests(self.sources)

    def drift(self, live: TagState | None, platforms: Iterable[str] = ()) -> tuple[str, ...]:
        """Say in words how a tag and its evidence left what was recorded, or return nothing.

        `platforms` are those that it was declared to have.
        """
        was = self.state
        if live is None:
            return (f"{self.ref} is gone from the registry; it named {was.digest}",)
        found = []
        if live.digest != was.digest:
            what = f", {live.unreadable}" if live.unreadable else ""
            found.append(f"{self.ref} was moved from {was.digest} to {live.digest}{what}")
        # One that was moved was told of when that was found; what it names has other platforms.
        elif not live.is_drifted and (lost := live.missing(platforms)):
            found.append(f"{self.ref}: the registry lost the manifest of {', '.join(lost)}")
        if was.signed and live.signed:
            unsigned = sorted(was.signed.statements.keys() - live.signed.statements.keys())
            if unsigned:
                found.append(f"{self.ref}: its evidence was lost: {', '.join(unsigned)}")
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class TagInputs:
    """The declaration of a tag: one source, copied as it is, or several indexes to be joined.

    A source's digest is empty where it is still unknown. A tag that declares `platforms` is a
    version tag, and must have these; one without is a pointer.

    `identity` is None where a preview does not know it yet. `inputs` tells in words what the
    identity is a hash of; it explains a change and never is one. `pinned` is the reason why a tag
    is held, likewise: a pointer at the version that is its identity, a version tag at a digest.
    One that is `mirrored` names what its source's tag of the same name does.
    `evidence` is what is signed of the index before it is named, None where nothing is.
    """

    ref: TagReference
    owner: str
    sources: tuple[ManifestReference, ...]
    platforms: tuple[str, ...] = ()
    identity: str | None = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    on_conflict: OnConflict = "take-over"
    pinned: str = ""
    mirrored: bool = False
    evidence: EvidenceInputs | None = None

    @property
    def held(self) -> bool:
        """True for a version tag that is held at a digest."""
        return bool(self.pinned) and not self.identity

    @property
    def is_pointer(self) -> bool:
        """True for a name of another tag's digest, which is not a version tag."""
        return not self.platforms

    @property
    def joins(self) -> bool:
        """True where the index is made here; else it is the source's, byte for byte."""
        return len(self.sources) > 1

    @property
    def digests(self) -> tuple[str, ...]:
        """The sources' digests, sorted, for their order means nothing."""
        return _digests(self.sources)

    @property
    def complete(self) -> bool:
        """True where every digest is known, as it must be before anything is written."""
        return all(source.digest for source in self.sources)

    def diff(self, recorded: Recorded) -> tuple[str, ...]:
        """Return the properties that differ, those that a person should read first in front.

        `ref` alone means replacement; all others are updates in place. `digest` and `platforms`
        stand for drift: the tag was moved, or a platform's manifest is gone.
        """
        if recorded.ref != str(self.ref):
            return ("ref",)
        found = [*self._content_changes(recorded), *self._input_changes(recorded)]
        if self.evidence:
            found += self.evidence.differing(recorded.state.signed, self.platforms)
        return tuple(dict.fromkeys(found))

    def unsigned(self, recorded: Recorded | None) -> tuple[str, ...]:
        """Say in words why something is signed of an index whose build stays, if something is."""
        if not self.evidence:
            return ()
        known = recorded.state.signed if recorded else None
        return self.evidence.reasons(known, self.platforms)

    def standing(self, recorded: Recorded | None) -> EvidenceState | None:
        """Return what is signed of what the tag shall name; None where that is to be looked for."""
        if recorded is None or self.unsigned(recorded):
            return None
        same = self.predicted_digest(recorded) == recorded.state.assembled
        return recorded.state.signed if same else None

    def predicted_digest(self, recorded: Recorded | None) -> str:
        """Return the digest that an up would leave, or an empty string where only a build tells."""
        if not self.joins:
            return self.sources[0].digest
        if recorded is None or recorded.ref != str(self.ref):
            return ""
        changes = set(self.diff(recorded))
        return "" if changes & {"sources", "owner", "annotations"} else recorded.state.assembled

    def _content_changes(self, recorded: Recorded) -> list[str]:
        state, same = recorded.state, recorded.digests == self.digests
        stands = same and not state.is_drifted if self.joins else self.digests == (state.digest,)
        if not stands:
            return ["digest" if same else "sources" if self.joins else "source"]
        return ["platforms"] if state.missing(self.platforms) else []

    def _input_changes(self, recorded: Recorded) -> list[str]:
        pairs: dict[str, tuple[object, object]] = {
            "identity": (recorded.identity, self.identity),
            "onConflict": (recorded.on_conflict, self.on_conflict),
        }
        if self.joins:
            # A copy has the owner and the annotations of its source.
            pairs["owner"] = (recorded.owner, self.owner)
            pairs["annotations"] = (recorded.annotations, dict(self.annotations))
        return [name for name, (old, new) in pairs.items() if old is not None and old != new]


@dataclass(frozen=True, kw_only=True)
class Live:
    """The manifest that a tag names just now; `owner` is its annotation, empty if it has none.

    A leftover of an interrupted removal is never seen as live.
    """

    digest: str
    owner: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The decision to write a tag or not, and the digest that this displaces."""

    write: bool
    previous: str = ""


def decide(
    inputs: TagInputs, desired: str, live: Live | None, recorded: TagState | None = None
) -> Decision:
    """Decide what becomes of a tag, by what was read just now; `recorded` is what a state knows.

    Absent: written. Equal: adopted without a write. Another's: displaced, or refused, as declared
    by `onConflict`. Where no state knows the tag, that is what our annotation is not on. Where it
    was moved since the last update, that is an index which another owner has annotated; what
    nobody's annotation is on is drift then, to be mended.

    :raises ConflictError: if the tag names neither what this run's refresh recorded nor what is
        declared: someone else moved it meanwhile. And if another's is to be refused.
    """
    if live is None or live.digest == desired:
        previous = recorded.previous if recorded is not None else ""
        return Decision(write=live is None, previous=previous)
    if recorded is None:
        another_s = live.owner != inputs.owner
        imported = f"pulumi import ociregistry:index:Tag NAME {inputs.ref}"
        remedy = f"take it into the state with `{imported}`"
        if inputs.mirrored:
            remedy = "find out who publishes it there"
    elif live.digest != recorded.digest:
        expected = f"recorded {recorded.digest}, declared {desired or 'a new build'}"
        raise moved(str(inputs.ref), live.digest, expected)
    else:
        another_s = recorded.is_drifted and live.owner not in {"", inputs.owner}
        remedy = "find out which of the two shall publish it and have the other not declare it"
    if another_s and inputs.on_conflict != "take-over":
        owner = f"owned by {one_line(live.owner)}" if live.owner else "of no declared owner"
        raise ConflictError(
            f"{inputs.ref} names {live.digest} ({owner}), and would name "
            f"{desired or 'a new build'}; {remedy}, or declare fleet:on-conflict "
            "(onConflict: take-over)"
        )
    return Decision(write=True, previous=live.digest)


def due_on(day: str, ref: TagReference, platforms: tuple[Platform, ...]) -> tuple[Platform, ...]:
    """Return the platform of an unmoved tag that a refresh asks for on a day (RFC 3339, UTC).

    Each has its turn within as many days as there are platforms.
    """
    turn = date.fromisoformat(day[: len("2026-11-23")]).toordinal()
    # The reference spreads the tags of one day over the platforms; `hash` differs by process.
    first = (turn + zlib.crc32(str(ref).encode())) % max(len(platforms), 1)
    return platforms[first : first + 1]
