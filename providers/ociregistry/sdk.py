"""The resources of the `ociregistry` provider, as a Pulumi program declares them.

This is the one table of their fields, see `fields.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from typing import Annotated, Any, Generic, TypeVar

import pulumi

from fleet.registry.undo_log import Removal
from providers.ociregistry.evidence.model import EvidenceState
from providers.ociregistry.fields import PACKAGE, Field, encoded, fields_of, token
from providers.ociregistry.mirror.model import Copied
from providers.ociregistry.stale_pointers.model import Kept, PointerPattern
from providers.ociregistry.tag.model import OnConflict, Platform

__all__ = [
    "Evidence", "Login", "Mirror", "MirrorArgs", "PointerPattern", "Provider", "ProviderArgs",
    "StalePointers", "StalePointersArgs", "Tag", "TagArgs",
]  # fmt: skip

_T = TypeVar("_T")
Rows = list[dict[str, Any]]


class Out(Generic[_T]):
    """An output of a resource: its type in the schema, and what it is."""

    def __init__(self, kind: Any, description: str, *, required: bool = True) -> None:
        self.field = Field(attribute="", kind=kind, description=description, required=required)

    def __set_name__(self, _owner: type, attribute: str) -> None:
        self.field = replace(self.field, attribute=attribute)

    def __get__(self, resource: pulumi.Resource, _owner: type | None = None) -> pulumi.Output[_T]:
        found: pulumi.Output[_T] = vars(resource)[self.field.name]
        return found


def outputs_of(resource: type) -> tuple[Field, ...]:
    """Return the outputs of a resource."""
    found = {**vars(resource), **vars(_Resource)}
    return tuple(each.field for each in found.values() if isinstance(each, Out))


class _Resource(pulumi.CustomResource, Generic[_T]):
    unread = Out[str | None](
        str, "Why the last refresh could not read it; absent if it could.", required=False
    )

    def __init__(
        self, resource_name: str, args: _T, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        outputs = dict.fromkeys(output.name for output in outputs_of(type(self)))
        super().__init__(token(type(self)), resource_name, {**outputs, **_declared(args)}, opts)


def _declared(args: Any) -> dict[str, Any]:
    """Return arguments as properties, without optional ones that declare nothing."""
    found = {}
    for each in fields_of(type(args)):
        value = getattr(args, each.attribute)
        value = _declared(value) if is_dataclass(value) else encoded(value)
        if each.required or value not in (None, [], {}):
            found[each.name] = value
    return found


@dataclass(frozen=True, kw_only=True)
class Login:
    """The names of the environment variables that hold a registry's login."""

    username: Annotated[str, "The name of the environment variable that holds the user name."]
    password: Annotated[str, "The name of the environment variable that holds the password."]
    realm: Annotated[
        str | None,
        "The host of its token server, if that is on another domain than the registry.",
    ] = None


@dataclass(frozen=True, kw_only=True)
class ProviderArgs:
    """The settings of a stack: names of variables, never their values."""

    logins: Annotated[
        Mapping[str, Login],
        "Registry host (host[:port]) to the variables that hold its login. Other hosts, and those "
        "whose variables are not both set, use Docker's configuration.",
    ] = field(default_factory=dict)


class Provider(pulumi.ProviderResource):
    """The provider's configuration, for the resources that are given it."""

    def __init__(
        self, resource_name: str, args: ProviderArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        logins = {
            host: {name: value for name, value in encoded(login).items() if value is not None}
            for host, login in args.logins.items()
        }
        super().__init__(PACKAGE, resource_name, {"logins": logins}, opts)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is signed of what a version tag shall name, and by whom.

    The state keeps fingerprints in the place of the texts `provenance` and `tests`.
    """

    provenance: Annotated[
        pulumi.Input[str],
        "The predicate of the provenance, as JSON; the state has its fingerprint.",
    ]
    tests: Annotated[
        pulumi.Input[str], "The predicate of the verification's result, in the same form."
    ]
    keys: Annotated[
        Sequence[str],
        "Public keys (SubjectPublicKeyInfo in base64): the one to sign with, then others that "
        "are trusted.",
    ] = ()
    keyless: Annotated[
        Mapping[str, str],
        "Who signs without a key: `identity` and `issuer`; `transparency` public signs in the "
        "public log also for a private repository.",
    ] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TagArgs:
    """What a tag shall name: one `source` to copy byte for byte, or indexes (`sources`) to join.

    Of a pointer, `identity` is the version tag that it names. A change of `inputs` alone changes
    nothing: a preview says by them why a tag is built (`tag.reasons.differences` has their form).
    """

    ref: Annotated[str, "host[:port]/repository:tag; the id."]
    owner: Annotated[str, "`<pulumi project>/<stack>`, written into joined indexes."]
    source: Annotated[
        pulumi.Input[str] | None, "host/repository@sha256:… on the same host: copied byte for byte."
    ] = None
    sources: Annotated[
        Sequence[pulumi.Input[str]] | None,
        "Several indexes to join into one, in place of `source`.",
    ] = None
    platforms: Annotated[
        Sequence[str],
        "os/architecture[/variant] that a version tag must have; a tag without any is a pointer.",
    ] = ()
    identity: Annotated[pulumi.Input[str], "A hash of the inputs, kept only in the state."] = ""
    inputs: Annotated[
        Mapping[str, str],
        "The inputs of the identity, for the reasons of a preview: `<kind> <name>` to text.",
    ] = field(default_factory=dict)
    annotations: Annotated[Mapping[str, str], "Annotations of a joined index."] = field(
        default_factory=dict
    )
    on_conflict: Annotated[
        OnConflict, "take-over (default) or refuse, for a tag of another owner."
    ] = "take-over"
    pinned: Annotated[
        str | None,
        "The reason of its pin; absent if it has none. A change of it alone changes nothing.",
    ] = None
    evidence: Annotated[
        Evidence | None, "What is signed before the tag is written; absent if nothing is."
    ] = None


class Tag(_Resource[TagArgs]):
    """A tag; its deletion writes nothing."""

    ref: pulumi.Output[str]
    digest = Out[str](str, "What the tag names.")
    assembled = Out[str](str, "What the last update wrote or adopted.")
    size = Out[int](int, "Compressed bytes over all platforms.")
    platforms = Out[Rows](Sequence[Platform], "The platforms whose manifests are there.")
    previous = Out[str](str, "The digest that the last write displaced, or empty.")
    signed = Out[dict[str, Any] | None](
        EvidenceState, "What is signed; absent if nothing is.", required=False
    )


@dataclass(frozen=True, kw_only=True)
class StalePointersArgs:
    """Which tags of a repository are pointers, which of them are declared, and what to do."""

    repository: Annotated[str, "host[:port]/repository; the id."]
    owner: Annotated[str, "`<pulumi project>/<stack>`."]
    pointers: Annotated[Sequence[str], "The declared pointers."]
    grammar: Annotated[Sequence[PointerPattern], "Which tags are pointers."]
    policy: Annotated[
        Mapping[str, str], "Kind to remove, keep, or remove after N days; keep by default."
    ]
    max_removals: Annotated[float, "Share of live pointers, 0 to 1."] = 0.5
    keep_on_destroy: Annotated[bool, "Remove nothing on deletion."] = False
    digests: Annotated[
        pulumi.Input[Mapping[str, pulumi.Input[str]]],
        "Every declared tag to its digest, empty if the tag failed: waited for, and compared with "
        "the history.",
    ] = field(default_factory=dict)
    commit: Annotated[
        str, "The commit of the checkout, for the history. A change of it alone changes nothing."
    ] = ""
    source: Annotated[
        str | None, "Of a mirror: the repository that it copies, which also has its undo log."
    ] = None


class StalePointers(_Resource[StalePointersArgs]):
    """The only remover of a repository's pointers."""

    live = Out[dict[str, str]](Mapping[str, str], "Every live pointer: tag to digest.")
    objections = Out[dict[str, str]](
        Mapping[str, str], "Tag to the reason why it must stay, although nothing declares it."
    )
    interrupted = Out[dict[str, str]](
        Mapping[str, str], "Tag whose removal was interrupted, to the digest that it named."
    )
    stale_since = Out[dict[str, str]](
        Mapping[str, str], "Tag to the date (UTC) on which it was first seen stale."
    )
    read_on = Out[str](
        str, "The date (UTC) by the registry, of the last refresh with which our clock agreed."
    )
    ended = Out[dict[str, str]](
        Mapping[str, str],
        "Version tag that left the declaration, to the day (UTC) in its notice of the end of life.",
    )
    history_due = Out[bool](
        bool,
        "The last update could not record in the history what moved: the next one tries again.",
    )
    stale = Out[dict[str, str]](Mapping[str, str], "What an update removes: tag to digest.")
    kept = Out[Rows](Sequence[Kept], "Undeclared pointers that stay.")
    removed = Out[Rows](
        Sequence[Removal], "Every removed tag, oldest first, and when (RFC 3339, UTC)."
    )


@dataclass(frozen=True, kw_only=True)
class MirrorArgs:
    """What a repository at another registry shall name: the same digests under the same tags."""

    repository: Annotated[str, "host[:port]/repository at the other registry; the id."]
    source: Annotated[str, "host[:port]/repository that the images are copied from."]
    owner: Annotated[str, "`<pulumi project>/<stack>`, whose evidence is copied."]
    tags: Annotated[
        Mapping[str, pulumi.Input[str]], "Tag to the digest that it names at the source."
    ]
    pointers: Annotated[Sequence[str], "Those of the tags that are pointers."] = ()
    evidence: Annotated[
        Mapping[str, pulumi.Input[str]],
        "Version tag to the fingerprints of its statements, in one text: no tag goes without.",
    ] = field(default_factory=dict)
    on_conflict: Annotated[
        OnConflict, "refuse (default) or take-over, for a version tag of another owner."
    ] = "refuse"
    pointer_conflict: Annotated[
        OnConflict, "take-over (default) or refuse, for a pointer of another owner."
    ] = "take-over"


class Mirror(_Resource[MirrorArgs]):
    """The tags of a repository at another registry; its deletion writes nothing."""

    tags = Out[dict[str, str]](Mapping[str, str], "What each tag names there.")
    evidence = Out[dict[str, str]](
        Mapping[str, str], "Version tag to the fingerprints of the evidence that was copied."
    )
    left = Out[dict[str, str]](
        Mapping[str, str],
        "Tags that a refresh found moved or gone, to the digest of the last update.",
    )
    lost = Out[list[str]](
        Sequence[str],
        "Version tags of which a whole verification found platforms or evidence missing.",
    )
    copied = Out[Rows](Sequence[Copied], "What the last update wrote.")


ARGUMENTS: Mapping[type, type] = {
    Tag: TagArgs,
    StalePointers: StalePointersArgs,
    Mirror: MirrorArgs,
}
"""The arguments of each resource."""
