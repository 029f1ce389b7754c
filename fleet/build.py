"""One platform's build of one version tag: where it goes, and everything that goes into it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fleet import names
from fleet.ancestry import parent_of
from fleet.cell import Cell
from fleet.contents import Contents, contents
from fleet.declaration import PYPI, Declaration
from fleet.identity import digest_of
from fleet.inputs import Inputs
from fleet.lock import Base, Lock, pinned_versions
from fleet.wheels import Wheels, wheels_of

_ALPINE_COMPILERS = "build-base libffi-dev linux-headers"
"""What the official alpine image lacks and the full one has."""


@dataclass(frozen=True, kw_only=True)
class PlatformBuild:
    """What docker-build is asked to build, push and verify for one platform.

    ``name`` is the build's reference without the registry, by which its resources are named;
    ``foreign`` says that only a ``docker buildx`` on the machine drives the builder;
    ``expectation`` the JSON that the verification checks the container against. ``below`` names the
    build of another image that this one starts from: its digest is known only once it was built,
    so the arguments ``BASE`` and ``BASE_DIGEST`` are then left to the components. ``wheels`` are
    what it installs of things that have none.
    """

    name: str
    platform: str
    builder: str
    foreign: bool
    repository: str
    reference: str
    arguments: Mapping[str, str]
    contents: Contents
    expectation: str
    identity: str
    below: "PlatformBuild | None"
    wheels: Wheels | None


def platform_build(
    cell: Cell, platform: str, declaration: Declaration, inputs: Inputs
) -> PlatformBuild:
    """Return the build of ``cell`` for ``platform``."""
    tag = f"{cell.tag}-{names.PLATFORMS[platform]}"
    public = f"{declaration.registry}/{cell.image.name}"
    parent = parent_of(cell, declaration.by_name, inputs.lock.yanked)
    below = platform_build(parent, platform, declaration, inputs) if parent else None
    found = contents(cell, platform, declaration.by_name, inputs.lock)
    arguments = {
        **({"INDEX": declaration.index} if declaration.index != PYPI else {}),
        **_described(cell, platform, inputs),
        **_based(cell, platform, parent, declaration, inputs),
        **_installed(found, inputs),
        **_compiling(cell, platform, found, declaration, inputs),
    }
    assets = inputs.assets[cell.image.name]
    # A Dockerfile that does without the shared files has stages of its own.
    own = arguments if assets.shared_context else {}
    return PlatformBuild(
        name=f"{cell.image.name}/build:{tag}",
        platform=platform,
        builder=declaration.builders[platform],
        foreign=_is_foreign(declaration, platform),
        repository=f"{public}/build",
        reference=f"{public}/build:{tag}",
        arguments=arguments,
        contents=found,
        expectation=_expectation(cell, platform, found),
        identity=digest_of(
            [platform, assets.context_hash, arguments, below.identity if below else ""]
        ),
        below=below,
        wheels=wheels_of(cell, platform, public, own),
    )


def _is_foreign(declaration: Declaration, platform: str) -> bool:
    node = declaration.nodes.get(declaration.builders[platform])
    return node is not None and node.foreign


def builder_base(cell: Cell, inputs: Inputs) -> Base:
    """Return the image that installs and compiles for ``cell``."""
    return inputs.lock.builders[cell.builder_key]


def _described(cell: Cell, platform: str, inputs: Inputs) -> dict[str, str]:
    image = cell.image
    assets = inputs.assets[image.name]
    return {
        "DESCRIPTION": f"{cell.description} {platform}",
        "LICENSES": image.licenses,
        "MAINTAINER": image.maintainer,
        "PACKAGE": image.package,
        "PYTHON": cell.python,
        "REVISION": assets.revision,
        "SOURCE": image.source,
        "SOURCE_DATE_EPOCH": str(assets.epoch),
        "TITLE": image.title,
        "VERSION": cell.version,
    }


def _based(
    cell: Cell, platform: str, parent: Cell | None, declaration: Declaration, inputs: Inputs
) -> dict[str, str]:
    if parent:
        return {"BASE_NAME": f"{declaration.registry}/{parent.image.name}:{parent.tag}"}
    base = inputs.lock.bases[cell.base_key]
    return {
        "BASE": base.pinned(platform),
        "BASE_DIGEST": base.platforms[platform],
        "BASE_NAME": base.name,
    }


def _installed(found: Contents, inputs: Inputs) -> dict[str, str]:
    """Return the requirements: the package apart, for versions of it share all the others.

    What is compiled for the others is named once more, in their order: images that compile the same
    give the same text, and so share what comes of it.
    """
    lock = inputs.lock
    compiled = {
        "BUILD_REQUIREMENTS": _built_by(found, lock),
        "COMPILED": _sources(found, found.dependencies),
        "PACKAGE_COMPILED": _sources(found, found.package),
    }
    return {
        "DEPENDENCIES": lock.requirements(found.dependencies),
        "REQUIREMENT": lock.requirements(found.package),
        **{name: text for name, text in compiled.items() if text},
    }


def _sources(found: Contents, pins: Iterable[str]) -> str:
    """Return requirements with the sources of those of ``pins`` that have no wheel."""
    listed = ((pin, found.sources[pin]) for pin in pins if pin in found.sources)
    return "".join(f"{pin.partition('==')[0]} @ {source}\n" for pin, source in listed)


def _built_by(found: Contents, lock: Lock) -> str:
    """Return the requirements of what builds, in their order: wheels first, then sources."""
    wheels = [pin for pin in found.backends if pin not in found.sources]
    return lock.requirements(wheels) + _sources(found, found.backends)


def _compiling(
    cell: Cell, platform: str, found: Contents, declaration: Declaration, inputs: Inputs
) -> dict[str, str]:
    """Return what the stage that installs the distributions runs on.

    Pure ones give the same files everywhere, so one installation serves every platform of a
    builder; it runs on the platform that the builder is declared for first, its native one.
    """
    base = builder_base(cell, inputs)
    if cell.image.pure:
        own = declaration.builders[platform]
        native = next(p for p in cell.image.platforms if declaration.builders[p] == own)
        return {"BUILDER": base.pinned(native), "BUILDER_PLATFORM": native}
    alpine = {"COMPILERS": _ALPINE_COMPILERS} if found.compiled and cell.base == "alpine" else {}
    return {"BUILDER": base.pinned(platform), **alpine, **emulation(platform)}


def emulation(platform: str) -> dict[str, str]:
    """Return what QEMU is told where it emulates ``platform``; a native run takes no notice.

    Pointer authentication by QEMU's default algorithm slows every call down: measured on QEMU 7.2,
    an import that takes 34 s took 7.5 s with an algorithm of QEMU's own.
    """
    return {"QEMU_CPU": "max,pauth-impdef=on"} if platform == "linux/arm64" else {}


def _expectation(cell: Cell, platform: str, found: Contents) -> str:
    expected = {
        "python": cell.python,
        "platform": platform,
        "packages": pinned_versions(found.everything),
        "absent": cell.image.lacking(platform, cell.base),
    }
    return json.dumps(expected, sort_keys=True)
