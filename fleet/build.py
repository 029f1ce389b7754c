"""One platform's build of one version tag: where it goes, and everything that goes into it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from fleet import names
from fleet.cell import Cell
from fleet.declaration import Declaration
from fleet.identity import digest_of
from fleet.inputs import Inputs
from fleet.lock import pinned_versions


@dataclass(frozen=True, kw_only=True)
class PlatformBuild:
    """What docker-build is asked to build, push and verify for one platform.

    ``name`` is the build's reference without the registry, by which its resources are named;
    ``expectation`` the JSON that the verification checks the container against.
    """

    name: str
    platform: str
    builder: str
    repository: str
    reference: str
    cache: str
    arguments: Mapping[str, str]
    expectation: str
    identity: str


def platform_build(
    cell: Cell, platform: str, declaration: Declaration, inputs: Inputs
) -> PlatformBuild:
    """Return the build of ``cell`` for ``platform``."""
    tag = f"{cell.tag}-{names.PLATFORMS[platform]}"
    public = f"{declaration.registry}/{cell.image.name}"
    arguments = _arguments(cell, platform, declaration, inputs)
    context = inputs.assets[cell.image.name].context_hash
    return PlatformBuild(
        name=f"{cell.image.name}/build:{tag}",
        platform=platform,
        builder=declaration.builders[platform],
        repository=f"{public}/build",
        reference=f"{public}/build:{tag}",
        cache=f"{public}/cache:{tag}",
        arguments=arguments,
        expectation=_expectation(cell, platform, inputs),
        identity=digest_of([platform, context, arguments]),
    )


def _arguments(
    cell: Cell, platform: str, declaration: Declaration, inputs: Inputs
) -> dict[str, str]:
    image = cell.image
    base = inputs.lock.bases[cell.base_key]
    assets = inputs.assets[image.name]
    return {
        "BASE": base.pinned(platform),
        "BASE_DIGEST": base.platforms[platform],
        "BASE_NAME": base.name,
        "DESCRIPTION": f"{cell.description} {platform}",
        "LICENSES": image.licenses,
        "MAINTAINER": image.maintainer,
        "PACKAGE": image.package,
        "PYTHON": cell.python,
        "REQUIREMENTS": inputs.lock.requirements(cell.pin_key),
        "REVISION": assets.revision,
        "SOURCE": image.source,
        "SOURCE_DATE_EPOCH": str(assets.epoch),
        "TITLE": image.title,
        "VERSION": cell.version,
        **_compiling(cell, platform, declaration, inputs),
    }


def _compiling(
    cell: Cell, platform: str, declaration: Declaration, inputs: Inputs
) -> dict[str, str]:
    """Return what the stage that installs the distributions runs on.

    Pure ones give the same files everywhere, so one installation serves every platform of a
    builder; it runs on the platform that the builder is declared for first, its native one.
    """
    base = inputs.lock.builders[cell.python]
    if not cell.image.pure:
        return {"BUILDER": base.pinned(platform), **emulation(platform)}
    own = declaration.builders[platform]
    native = next(p for p in cell.image.platforms if declaration.builders[p] == own)
    return {"BUILDER": base.pinned(native), "BUILDER_PLATFORM": native}


def emulation(platform: str) -> dict[str, str]:
    """Return what QEMU is told where it emulates ``platform``; a native run takes no notice.

    Pointer authentication by QEMU's default algorithm slows every call down: measured on QEMU 7.2,
    an import that takes 34 s took 7.5 s with an algorithm of QEMU's own.
    """
    return {"QEMU_CPU": "max,pauth-impdef=on"} if platform == "linux/arm64" else {}


def _expectation(cell: Cell, platform: str, inputs: Inputs) -> str:
    pins = inputs.lock.pins[cell.pin_key]
    expected = {"python": cell.python, "platform": platform, "packages": pinned_versions(pins)}
    return json.dumps(expected, sort_keys=True)
