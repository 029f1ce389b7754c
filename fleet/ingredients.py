"""What goes into a version tag, by name: what a preview compares to say why a tag is built."""

from collections.abc import Iterable, Mapping

from fleet.build import PlatformBuild, builder_base
from fleet.cell import Cell
from fleet.identity import digest_of
from fleet.inputs import Assets, Inputs
from fleet.lock import pinned_versions

_SETTINGS = ("TITLE", "MAINTAINER", "LICENSES", "SOURCE")
_SHORT = len("sha256:") + 12


def ingredients(cell: Cell, builds: Iterable[PlatformBuild], inputs: Inputs) -> dict[str, str]:
    """Return ``{"<kind> <name>": what}`` of everything that the identity of a tag is made of.

    Kinds are ``base``, ``builder`` and ``image`` (by platform), ``distribution`` (of all platforms,
    or with a platform behind the name where not all have the same), ``file``, ``setting``, and
    ``other`` for the hash of what has no name here.
    """
    known = tuple(builds)
    found: dict[str, str] = {}
    for build in known:
        found.update(_below(cell, build, inputs))
    found.update(_distributions(known))
    found.update(_files(inputs.assets[cell.image.name]))
    found.update({f"setting {name}": known[0].arguments[name] for name in _SETTINGS})
    found["other inputs"] = _rest(known)
    return found


def _below(cell: Cell, build: PlatformBuild, inputs: Inputs) -> dict[str, str]:
    name = build.arguments["BASE_NAME"].removeprefix("docker.io/library/")
    if build.below:
        short = name.rpartition("/")[2]
        start = {f"image {build.platform}": f"{short}@{build.below.identity}"}
    else:
        start = {f"base {build.platform}": f"{name}@{build.arguments['BASE_DIGEST']}"}
    compiles = builder_base(cell, inputs)
    native = build.arguments.get("BUILDER_PLATFORM", build.platform)
    named = compiles.name.removeprefix("docker.io/library/")
    return {**start, f"builder {build.platform}": f"{named}@{compiles.platforms[native]}"}


def _distributions(builds: tuple[PlatformBuild, ...]) -> dict[str, str]:
    own = {
        build.platform: pinned_versions([*build.contents.package, *build.contents.dependencies])
        for build in builds
    }
    found: dict[str, str] = {}
    for name in sorted({name for versions in own.values() for name in versions}):
        versions = {platform: pins.get(name, "") for platform, pins in own.items()}
        if len(set(versions.values())) == 1:
            found[f"distribution {name}"] = next(iter(versions.values()))
        else:
            found.update({f"distribution {name} {p}": v for p, v in versions.items() if v})
    return found


def _files(assets: Assets) -> dict[str, str]:
    return {f"file {path}": digest[:_SHORT] for path, digest in assets.files.items()}


def _rest(builds: tuple[PlatformBuild, ...]) -> str:
    """Return a hash of the arguments that have no name of their own here: revision, hashes, tools.

    Two tags of different identity must never look the same.
    """
    named = {*_SETTINGS, "BASE", "BASE_DIGEST", "BASE_NAME", "BUILDER"}
    rest: list[Mapping[str, str]] = [
        {key: value for key, value in build.arguments.items() if key not in named}
        for build in builds
    ]
    return digest_of(rest)[:_SHORT]
