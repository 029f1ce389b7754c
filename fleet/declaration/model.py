"""The declaration: what a stack's configuration says, as data.

The shapes are here; :mod:`fleet.declaration.parse` makes them from configuration, and finds every
problem.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NewType

from packaging.specifiers import SpecifierSet

from fleet.declaration.advisories import AdvisorySource
from fleet.declaration.builder_nodes import Node
from fleet.declaration.distributions import conditions
from fleet.declaration.github import GitHub
from fleet.declaration.logins import Login
from fleet.declaration.mirrors import Mirror
from fleet.declaration.release_policy import PythonReleases, Releases
from fleet.declaration.signing import Signing
from fleet.declaration.tags import PointerKind, is_embedded

StalePolicy = NewType("StalePolicy", str)
"""``remove``, ``keep`` or ``remove after N days``, checked by :mod:`fleet.declaration.parse`."""

STALE_DEFAULTS: Final[Mapping[PointerKind, StalePolicy]] = {
    "LATEST": StalePolicy("remove"),
    "X.Y": StalePolicy("keep"),
    "X": StalePolicy("keep"),
}
"""What becomes of a stale pointer where an image does not say, and the kinds made by default."""

PYPI: Final = "https://pypi.org/simple"
"""The package index where none is declared."""

OnConflict = Literal["take-over", "refuse"]
"""As the provider has it, which knows nothing of a declaration."""

EVERYWHERE: Final = "everywhere"
"""The ``whole_check`` that leaves out no platform."""


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """Tags that the matrix leaves out, and why; an empty coordinate covers all of its kind."""

    python: str = ""
    base: str = ""
    version: str = ""
    because: str

    def covers(self, python: str, base: str, version: str) -> bool:
        """Tell whether the tag of these coordinates is left out."""
        pairs = ((self.python, python), (self.base, base), (self.version, version))
        return all(mine in ("", theirs) for mine, theirs in pairs)


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A tag that is held: a pointer at a version, a version tag at a digest, both in ``to``.

    ``until`` is the day (RFC 3339 full-date) of its end, after which it is to be taken out.
    ``needs_evidence`` is false where what is pinned may be without evidence of ours.
    """

    to: str
    because: str
    until: str
    needs_evidence: bool = True

    def is_over(self, today: str) -> bool:
        """Tell whether its end is before ``today`` (RFC 3339 full-date)."""
        return self.until < today


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image of the fleet: a repository, and the matrix of tags in it.

    ``package`` names the tags by its ``versions``; ``requires`` come along at the newest release
    that the lock found for each Python, within a condition (``gunicorn<28``) where there is one.
    ``builds_on`` names another image of the fleet: each tag is built on that image's highest
    version of the same Python and base; it is empty where official Python images are the bases.
    ``exclude`` are tags that the matrix leaves out; ``lacks`` names, by ``{platform}`` or
    ``{platform} {base}``, distributions that can't be had there. ``pointers`` maps each declared
    kind to what happens to a live pointer of that kind which nothing declares any more.
    ``releases`` and ``python_releases`` say which versions and Pythons release discovery keeps;
    they are ``None`` where these are kept by hand. ``pins`` hold tags. Distributions in
    ``from_source`` need no wheel: what they require is found out of their source distributions.
    """

    name: str
    title: str
    maintainer: str = ""
    source: str = ""
    licenses: str = "MIT"
    package: str = ""
    extras: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    from_source: tuple[str, ...]
    builds_on: str = ""
    lacks: Mapping[str, tuple[str, ...]]
    exclude: tuple[Exclusion, ...]
    pins: Mapping[str, Pin]
    pythons: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    pointers: Mapping[PointerKind, StalePolicy]
    releases: Releases | None
    python_releases: PythonReleases | None

    @property
    def requirement(self) -> str:
        """The package with its extras, as pip spells it: ``uvicorn[standard]``."""
        return f"{self.package}[{','.join(self.extras)}]" if self.extras else self.package

    @property
    def required(self) -> Mapping[str, SpecifierSet]:
        """The condition on each distribution that ``requires`` names, by normalised names."""
        return conditions(self.requires)

    def lacking(self, platform: str, base: str) -> tuple[str, ...]:
        """Return the names of what can't be had on ``base`` for ``platform``, sorted."""
        keys = (platform, f"{platform} {base}")
        return tuple(sorted({name for key in keys for name in self.lacks.get(key, ())}))


@dataclass(frozen=True, kw_only=True)
class StackShare:
    """The share of a stack that manages some images of a fleet, and other stacks the rest.

    ``whole`` is the stack that holds the declaration, and after which lock and owner are named.
    ``fleet`` are the images of all stacks, as they are declared; ``stacks`` says which stack has
    those that an image here builds on.
    """

    whole: str
    fleet: tuple[Image, ...]
    stacks: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A whole stack: where the images go, who builds them, and which they are.

    ``registry`` is ``host[:port]/namespace``, and ``mirrors`` have the same images; the official
    bases are pulled from ``base_registry``,
    a mirror of docker.io/library, where that is not empty. ``builders`` maps a platform to the name
    of a buildx builder, and ``nodes`` says where those build that the declaration describes.
    ``logins`` names, by registry host, the variables that hold a login. ``signing`` says who signs
    the evidence. ``schedules`` maps a job to its cron line, ``secrets`` names the Actions secrets
    that the fleet's repository is given, ``variables`` are the Actions variables beside them;
    ``github`` is ``None`` where nothing on GitHub is managed. ``pointers_stay`` says that the
    pointers of an image that leaves stay, and all of them at a destroy. ``max_removals`` is the
    share (0 to 1) of a repository's live pointers above which a removal stops and asks. What is
    superseded is kept for ``retention_days`` before a sweep. Distributions come from ``index``, the
    address of a simple API; releases count once they are ``cooldown_days`` old, at once where that
    is 0. ``advisories`` is ``None`` where nobody is asked for any. ``whole_check`` is the platform
    on which a verification checks all, ``everywhere``, or empty: then the plan chooses one.
    """

    registry: str
    mirrors: tuple[Mirror, ...]
    base_registry: str
    builders: Mapping[str, str]
    nodes: Mapping[str, Node]
    logins: Mapping[str, Login]
    signing: Signing
    images: tuple[Image, ...]
    share: StackShare | None
    schedules: Mapping[str, str]
    secrets: tuple[str, ...]
    variables: Mapping[str, str]
    github: GitHub | None
    protected: bool
    version_conflict: OnConflict
    pointer_conflict: OnConflict
    pointers_stay: bool
    max_removals: float
    retention_days: int
    index: str
    cooldown_days: int
    advisories: AdvisorySource | None
    whole_check: str

    @property
    def by_name(self) -> Mapping[str, Image]:
        """The images of the whole fleet by their names, those of other stacks included."""
        return {image.name: image for image in (self.share.fleet if self.share else self.images)}

    def fleet_of(self, stack: str) -> str:
        """Return what the fleet of ``stack`` is called: the stack that holds its declaration."""
        return self.share.whole if self.share else stack

    @property
    def host(self) -> str:
        """The registry's host and port."""
        return self.registry.partition("/")[0]

    @property
    def is_local(self) -> bool:
        """Tell whether the registry is on this machine alone."""
        return is_embedded(self.host)

    def is_foreign(self, builder: str) -> bool:
        """Tell whether only a ``docker buildx`` on the machine drives ``builder``."""
        return builder in self.nodes and self.nodes[builder].foreign
