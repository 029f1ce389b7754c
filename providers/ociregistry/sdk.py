"""The resources of the `ociregistry` provider, as a Pulumi program declares them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi

OnConflict = Literal["take-over", "refuse"]


@dataclass(frozen=True, kw_only=True)
class Login:
    """The names of the environment variables that hold a registry's login."""

    username: str
    password: str


@dataclass(frozen=True, kw_only=True)
class ProviderArgs:
    """The settings of a stack; `logins` are by registry host (`host[:port]`)."""

    logins: Mapping[str, Login] = field(default_factory=dict)


class Provider(pulumi.ProviderResource):
    """The provider's configuration, for the resources that are given it."""

    def __init__(
        self,
        resource_name: str,
        args: ProviderArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        logins = {
            host: {"username": login.username, "password": login.password}
            for host, login in args.logins.items()
        }
        super().__init__("ociregistry", resource_name, {"logins": logins}, opts)


@dataclass(frozen=True, kw_only=True)
class TagArgs:
    """What a tag shall name: one `source` to copy byte for byte, or indexes (`sources`) to join.

    A source is `host/repository@sha256:…`, on the tag's host. `platforms` are those that a version
    tag must have (`os/architecture[/variant]`); a tag without them is a pointer.

    `ref` is `host[:port]/repository:tag` and becomes the resource's id. `owner` is
    `<pulumi project>/<stack>`. `identity` is a hash of the inputs, kept in the state only; of a
    pointer, it is the version tag that it names. `inputs` says in words what the hash was made of,
    so that a preview can say why a tag is built; `providers.ociregistry.tag.reasons.reasons` has
    its form. A change of `inputs` alone changes nothing.
    """

    ref: str
    owner: str
    source: pulumi.Input[str] | None = None
    sources: Sequence[pulumi.Input[str]] | None = None
    platforms: Sequence[str] = ()
    identity: pulumi.Input[str] = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    on_conflict: OnConflict = "take-over"


class Tag(pulumi.CustomResource):
    """A tag of a registry. Deleting the resource leaves the tag where it is."""

    def __init__(
        self, resource_name: str, args: TagArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("ociregistry:index:Tag", resource_name, _tag_properties(args), opts)

    @property
    @pulumi.getter
    def ref(self) -> pulumi.Output[str]:
        """The reference, `host[:port]/repository:tag`."""
        return pulumi.get(self, "ref")  # type: ignore[no-any-return]

    @property
    @pulumi.getter
    def digest(self) -> pulumi.Output[str]:
        """The digest that the tag names."""
        return pulumi.get(self, "digest")  # type: ignore[no-any-return]

    @property
    @pulumi.getter
    def assembled(self) -> pulumi.Output[str]:
        """The digest that the last update wrote or adopted."""
        return pulumi.get(self, "assembled")  # type: ignore[no-any-return]

    @property
    @pulumi.getter(name="mediaType")
    def media_type(self) -> pulumi.Output[str]:
        """The media type of what the tag names."""
        return pulumi.get(self, "mediaType")  # type: ignore[no-any-return]

    @property
    @pulumi.getter
    def size(self) -> pulumi.Output[int]:
        """Compressed bytes: configuration and layers, summed over the platforms."""
        return pulumi.get(self, "size")  # type: ignore[no-any-return]

    @property
    @pulumi.getter
    def platforms(self) -> pulumi.Output[list[dict[str, Any]]]:
        """`{platform, digest, size}` of each platform, sorted by platform."""
        return pulumi.get(self, "platforms")  # type: ignore[no-any-return]

    @property
    @pulumi.getter
    def previous(self) -> pulumi.Output[str]:
        """The digest that the last write displaced, or an empty string."""
        return pulumi.get(self, "previous")  # type: ignore[no-any-return]


@dataclass(frozen=True, kw_only=True)
class PointerPattern:
    """One kind of pointer: its name, and the regular expression that its tags match in full."""

    kind: str
    pattern: str


@dataclass(frozen=True, kw_only=True)
class StalePointersArgs:
    """Which names of a repository are pointers, which of them are declared, and what to do.

    `policy` maps a kind to `keep`, `remove` or `remove after N days`. `max_removals` is the share
    (0 to 1) of live pointers above which removal stops, unless `allow_mass`. `wait_for` takes
    digests of tags that must be in place before a name goes.
    """

    repository: str
    owner: str
    pointers: Sequence[str]
    grammar: Sequence[PointerPattern]
    policy: Mapping[str, str]
    max_removals: float = 0.5
    allow_mass: bool = False
    keep_on_destroy: bool = False
    wait_for: Sequence[pulumi.Input[str]] = ()


class StalePointers(pulumi.CustomResource):
    """The one remover of a repository: the pointers that nothing declares any more."""

    def __init__(
        self,
        resource_name: str,
        args: StalePointersArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "ociregistry:index:StalePointers", resource_name, _stale_properties(args), opts
        )

    @property
    @pulumi.getter
    def live(self) -> pulumi.Output[dict[str, str]]:
        """Tag to digest of every live pointer."""
        return pulumi.get(self, "live")  # type: ignore[no-any-return]

    @property
    @pulumi.getter
    def stale(self) -> pulumi.Output[dict[str, str]]:
        """Tag to digest of what an update removes; what is left after one was not allowed to go."""
        return pulumi.get(self, "stale")  # type: ignore[no-any-return]

    @property
    @pulumi.getter(name="staleSince")
    def stale_since(self) -> pulumi.Output[dict[str, str]]:
        """Tag to the date (RFC 3339, UTC) on which it was first seen stale, under grace."""
        return pulumi.get(self, "staleSince")  # type: ignore[no-any-return]

    @property
    @pulumi.getter
    def kept(self) -> pulumi.Output[list[dict[str, str]]]:
        """`{tag, digest, reason}` of undeclared pointers that stay."""
        return pulumi.get(self, "kept")  # type: ignore[no-any-return]

    @property
    @pulumi.getter
    def removed(self) -> pulumi.Output[list[dict[str, str]]]:
        """`{tag, digest, removedAt}` of every name ever removed, oldest first.

        The registry has the same beside the images, see `fleet.registry.undo_log`.
        """
        return pulumi.get(self, "removed")  # type: ignore[no-any-return]


def _tag_properties(args: TagArgs) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "ref": args.ref,
        "owner": args.owner,
        "identity": args.identity,
        "annotations": dict(args.annotations),
        "onConflict": args.on_conflict,
        **dict.fromkeys(("digest", "assembled", "mediaType", "size", "platforms", "previous")),
    }
    if args.inputs:
        properties["inputs"] = dict(args.inputs)
    if args.platforms:
        properties["platforms"] = list(args.platforms)
    if args.sources is not None:
        properties["sources"] = list(args.sources)
    if args.source is not None:
        properties["source"] = args.source
    return properties


def _stale_properties(args: StalePointersArgs) -> dict[str, Any]:
    return {
        "repository": args.repository,
        "owner": args.owner,
        "pointers": sorted(args.pointers),
        "grammar": [{"kind": p.kind, "pattern": p.pattern} for p in args.grammar],
        "policy": dict(args.policy),
        "maxRemovals": args.max_removals,
        "allowMass": args.allow_mass,
        "keepOnDestroy": args.keep_on_destroy,
        "waitFor": list(args.wait_for),
        **dict.fromkeys(("live", "stale", "staleSince", "kept", "removed")),
    }
