"""What goes into a version tag, by name: what a preview compares to say why a tag is built."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from fleet.build import TagBuild, builder_base
from fleet.cell import Cell
from fleet.identity import digest_of
from fleet.inputs import Assets, Inputs
from fleet.lock import Lock, bare, name_of

_SETTINGS = ("TITLE", "MAINTAINER", "LICENSES", "SOURCE")
_SHORT = len("sha256:") + 12
_COMMIT = 12


def ingredients(cell: Cell, builds: Iterable[TagBuild], inputs: Inputs) -> dict[str, str]:
    """Return ``{"<kind> <name>": what}`` of everything that the identity of a tag is made of.

    Kinds by platform: ``base``, ``builder``, ``image``, ``node``; and ``distribution`` and
    ``backend`` (of all platforms, or with a platform behind the name where not all have the same),
    as ``version@hash`` with a hash over its files; ``file``; ``setting``; ``installer``;
    ``compilers``; ``revision``, as ``commit@epoch``. ``other <platform>`` stands for all of that
    platform's build, so that what has no name here is seen as well: two tags of different identity
    never look the same.

    ``node`` is the one that no identity is made of: the same comes out on every builder. But
    docker-build builds anew on another one (0.0.22), and a preview has to say why.
    """
    known = tuple(builds)
    assets = inputs.assets[cell.image.name]
    found: dict[str, str] = {}
    for build in known:
        for platform in build.platforms:
            found.update(_below(cell, build, platform, inputs))
            found[f"node {platform}"] = build.builder
            found[f"other {platform}"] = build.identity[:_SHORT]
    held = {platform: own for build in known for platform, own in build.contents.items()}
    own = {p: (*found.package, *found.dependencies) for p, found in held.items()}
    found.update(_pinned("distribution", own, inputs.lock))
    found.update(_pinned("backend", {p: f.backends for p, f in held.items()}, inputs.lock))
    found.update(_files(assets))
    found.update({f"setting {name}": known[0].arguments[name] for name in _SETTINGS})
    found["installer"] = _told(inputs.lock.installer, inputs.lock)
    found["revision"] = _revision(assets)
    return found


def _below(cell: Cell, build: TagBuild, platform: str, inputs: Inputs) -> dict[str, str]:
    name = build.arguments["BASE_NAME"].removeprefix("docker.io/library/")
    if build.below:
        short = name.rpartition("/")[2]
        start = {f"image {platform}": f"{short}@{build.below.identity}"}
    else:
        digest = inputs.lock.bases[cell.base_key].platforms[platform]
        start = {f"base {platform}": f"{name}@{digest}"}
    compiles = builder_base(cell, inputs)
    named = compiles.name.removeprefix("docker.io/library/")
    return {**start, f"builder {platform}": f"{named}@{compiles.platforms[platform]}"}


def _pinned(kind: str, pins: Mapping[str, tuple[str, ...]], lock: Lock) -> dict[str, str]:
    own = {p: {name_of(pin): _told(pin, lock) for pin in found} for p, found in pins.items()}
    found: dict[str, str] = {}
    for name in sorted({name for versions in own.values() for name in versions}):
        versions = {platform: held.get(name, "") for platform, held in own.items()}
        if len(set(versions.values())) == 1:
            found[f"{kind} {name}"] = next(iter(versions.values()))
        else:
            found.update({f"{kind} {name} {p}": v for p, v in versions.items() if v})
    return found


def _told(pin: str, lock: Lock) -> str:
    return f"{bare(pin).partition('==')[2]}@{_digest_of(lock.files.get(pin, ()))}"


# Every platform of every tag asks for the same few.
@lru_cache(maxsize=4096)
def _digest_of(files: tuple[str, ...]) -> str:
    return digest_of(list(files))[:_SHORT]


def _files(assets: Assets) -> dict[str, str]:
    return {f"file {path}": digest[:_SHORT] for path, digest in assets.files.items()}


def _revision(assets: Assets) -> str:
    commit, dash, dirty = assets.revision.partition("-")
    return f"{commit[:_COMMIT]}{dash}{dirty}@{assets.epoch}"
