"""The plan: every tag, build and pointer that a declaration asks for, as data."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.declaration.base_graph import in_order
from fleet.declaration.logins import variables
from fleet.declaration.matrix import MatrixEntry, matrix_entries
from fleet.declaration.model import STALE_DEFAULTS, Declaration, Image, Pin, StalePolicy
from fleet.declaration.problems import Problems
from fleet.declaration.signing import Keyless
from fleet.declaration.split import FleetStack
from fleet.declaration.tags import PointerKind, Tag
from fleet.lock.advisories import Findings
from fleet.lock.model import Lifetime
from fleet.plan.build_inputs import build_inputs
from fleet.plan.expectation import whole
from fleet.plan.identity import digest_of
from fleet.plan.lock_completeness import note_bases_elsewhere, note_missing
from fleet.plan.plan_inputs import Assets, Inputs
from fleet.plan.platform_build import TagBuild, tag_builds
from fleet.plan.pointers import Pointer, pointers
from fleet.plan.wheel_builds import Build


@dataclass(frozen=True, kw_only=True)
class VersionTag:
    """One version tag: a build for each builder of its platforms, under the name ``tag``.

    ``identity`` is the hash of the identities of its builds, and ``build_inputs`` name what it is a
    hash of. ``annotations`` are those of an index that joins several builds. All of it is checked
    on the platforms in ``whole``, what depends on the platform on each. One with a ``pin`` is not
    built: it names the digest that it is held at.
    """

    image: str
    tag: Tag
    python: str
    base: str
    version: str
    identity: str
    build_inputs: Mapping[str, str]
    annotations: Mapping[str, str]
    whole: tuple[str, ...]
    builds: tuple[TagBuild, ...]
    pin: Pin | None

    @property
    def platforms(self) -> tuple[str, ...]:
        """All platforms of the tag, sorted."""
        return tuple(sorted(platform for build in self.builds for platform in build.platforms))


@dataclass(frozen=True, kw_only=True)
class ImageMirror:
    """A repository that has the same tags; without ``removable``, stale ones stay there."""

    repository: str
    removable: bool


@dataclass(frozen=True, kw_only=True)
class ImagePlan:
    """All of one repository: its version tags, its pointers, and how stale ones are treated.

    ``mirrors`` have the same at other registries.
    """

    name: str
    repository: str
    mirrors: tuple[ImageMirror, ...]
    assets: Assets
    tags: tuple[VersionTag, ...]
    pointers: tuple[Pointer, ...]
    policy: Mapping[PointerKind, StalePolicy]

    @property
    def built(self) -> tuple[VersionTag, ...]:
        """The version tags that are built: none that is held at a digest."""
        return tuple(tag for tag in self.tags if tag.pin is None)

    @property
    def compiling(self) -> tuple[Build, ...]:
        """Each set of wheels that a build takes."""
        builds = (build for tag in self.built for build in tag.builds)
        found = {wheels.name: wheels for build in builds for wheels in build.wheels.values()}
        return tuple(found.values())


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All of one stack. ``owner`` is ``<pulumi project>/<stack>``, written into every index.

    Of ``images``, each comes after the one that it is built on. ``stacks`` says which other stack
    has the images below those here; ``shared`` names the images here that other stacks build on.
    ``logins`` are the names of the variables that hold the login of each registry host. ``keys``
    are the public ones that evidence is signed by, the one to sign with first; ``keyless`` is who
    signs without one. With neither, tags have no evidence.
    ``advisories`` are what the lock knows of, ``pythons`` are lifetimes by ``X.Y``, and ``made_on``
    the days of bases by digest, as far as the lock knows them: pages show them, and no build
    depends on them.
    """

    declaration: Declaration
    owner: str
    images: tuple[ImagePlan, ...]
    stacks: Mapping[str, str]
    shared: frozenset[str | None]
    logins: Mapping[str, Mapping[str, str]]
    keys: tuple[str, ...]
    advisories: Findings | None
    pythons: Mapping[str, Lifetime]
    made_on: Mapping[str, str]

    @property
    def keyless(self) -> Keyless | None:
        """The identity that signs without a key."""
        return self.declaration.signing.keyless

    @property
    def signed(self) -> bool:
        """True where version tags have evidence."""
        return bool(self.keys or self.keyless)


@dataclass(frozen=True, kw_only=True)
class WholeFleet:
    """All images of a fleet, and its stacks in their turn, where it was split.

    ``name`` is the stack that holds the declaration.
    """

    name: str
    declaration: Declaration
    plan: Plan
    stacks: tuple[FleetStack, ...]


def make_plan(declaration: Declaration, inputs: Inputs, owner: str) -> Plan:
    """Return the plan of ``declaration`` with what ``inputs`` holds.

    :raises DeclarationError: naming everything declared that the lock or the assets lack.
    """
    problems = Problems()
    for image in declaration.by_name.values():
        note_missing(image, declaration.by_name, inputs, problems)
    note_bases_elsewhere(declaration.base_registry, inputs, problems)
    problems.raise_if_any(inputs.source)
    images = in_order(declaration.images)
    others = (image for image in declaration.by_name.values() if image not in images)
    return Plan(
        declaration=declaration,
        owner=owner,
        images=tuple(_image_plan(image, declaration, inputs, owner) for image in images),
        stacks=declaration.share.stacks if declaration.share else {},
        shared=frozenset(image.builds_on for image in others),
        logins=variables(declaration.logins),
        keys=keys_of(declaration, inputs.own_key),
        advisories=inputs.lock.advisories,
        pythons=inputs.lock.pythons,
        made_on={base.digest: base.created for base in inputs.lock.bases.values() if base.created},
    )


def keys_of(declaration: Declaration, own_key: str) -> tuple[str, ...]:
    """Return the declared keys; else, for a registry on this machine, this machine's own."""
    return declaration.signing.keys or ((own_key,) if own_key and declaration.is_local else ())


def _image_plan(image: Image, declaration: Declaration, inputs: Inputs, owner: str) -> ImagePlan:
    yanked = inputs.lock.yanked.get(image.package, ())
    return ImagePlan(
        name=image.name,
        repository=f"{declaration.registry}/{image.name}",
        mirrors=tuple(
            ImageMirror(repository=f"{mirror.place}/{image.name}", removable=mirror.removable)
            for mirror in declaration.mirrors
        ),
        assets=inputs.assets[image.name],
        tags=tuple(
            _version_tag(entry, declaration, inputs, owner) for entry in matrix_entries(image)
        ),
        pointers=tuple(
            pointer
            for python in image.pythons
            for base in image.bases
            for pointer in pointers(image, python, base, yanked)
        ),
        # Kinds that are declared no more had pointers once: those are stale too.
        policy={**STALE_DEFAULTS, **image.pointers},
    )


def _version_tag(
    entry: MatrixEntry, declaration: Declaration, inputs: Inputs, owner: str
) -> VersionTag:
    builds = tag_builds(entry, declaration, inputs, owner)
    return VersionTag(
        image=entry.image.name,
        tag=entry.tag,
        python=entry.python,
        base=entry.base,
        version=entry.version,
        identity=digest_of([build.identity for build in builds]),
        build_inputs=build_inputs(entry, builds, inputs),
        annotations=builds[0].annotations,
        whole=whole(entry, declaration, inputs.native),
        builds=builds,
        pin=entry.image.pins.get(entry.tag),
    )
