"""What goes into a version tag, by name: what a preview compares to say why a tag is built."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from fleet.build import TagBuild, builder_base
from fleet.cell import Cell
from fleet.contents import Contents, target_of
from fleet.identity import digest_of
from fleet.inputs import Assets, Inputs
from fleet.lock import name_of

_SETTINGS = ("TITLE", "MAINTAINER", "LICENSES", "SOURCE")
_SHORT = len("sha256:") + 12
_COMMIT = 12

_Files = Mapping[str, Mapping[str, str]]
"""By platform and pin, what is installed there: the address of a wheel or of a source."""


def ingredients(cell: Cell, builds: Iterable[TagBuild], inputs: Inputs) -> dict[str, str]:
    """Return ``{"<kind> <name>": what}`` of what the identity of a tag is made of.

    Kinds by platform: ``base``, ``image``, ``node``; and ``builder``; ``distribution`` and
    ``backend`` (of all platforms, or with a platform behind the name where not all have the same),
    as ``version@hash`` with a hash over the files that this tag takes; ``file``; ``setting``;
    ``installer``; ``revision``, as ``commit@epoch``. The identity holds more: what has no name
    here moves it as well.

    ``node`` is the one that no identity is made of: the same comes out on every builder. But
    docker-build builds again on another one (0.0.22), and a preview has to say why.
    """
    known = tuple(builds)
    assets = inputs.assets[cell.image.name]
    found: dict[str, str] = {}
    for build in known:
        for platform in build.platforms:
            found.update(_below(cell, build, platform, inputs))
            found[f"node {platform}"] = build.builder
    compiles = builder_base(cell, inputs)
    found["builder"] = f"{_public(compiles.name)}@{compiles.digest}"
    held = {platform: own for build in known for platform, own in build.contents.items()}
    own = {p: (*found.package, *found.dependencies) for p, found in held.items()}
    found.update(_pinned("distribution", _files(cell, own, held, inputs)))
    backends = {p: found.backends for p, found in held.items()}
    found.update(_pinned("backend", _files(cell, backends, held, inputs)))
    files = {**assets.files, **(assets.compiling if any(build.wheels for build in known) else {})}
    found.update({f"file {path}": digest[:_SHORT] for path, digest in files.items()})
    found.update({f"setting {name}": known[0].arguments[name] for name in _SETTINGS})
    installer = inputs.lock.installer
    found["installer"] = _told(installer, (inputs.lock.files[installer][0],))
    found["revision"] = _revision(assets)
    return found


def _below(cell: Cell, build: TagBuild, platform: str, inputs: Inputs) -> dict[str, str]:
    name = _public(build.arguments["BASE_NAME"])
    if build.below:
        return {f"image {platform}": f"{name.rpartition('/')[2]}@{build.below.identity}"}
    return {f"base {platform}": f"{name}@{inputs.lock.bases[cell.base_key].platforms[platform]}"}


def _public(name: str) -> str:
    return name.removeprefix("docker.io/library/")


def _files(
    cell: Cell, pins: Mapping[str, Iterable[str]], held: Mapping[str, Contents], inputs: Inputs
) -> _Files:
    """Return what each platform takes of ``pins``; ``held`` is what it holds in the end."""
    found: dict[str, dict[str, str]] = {}
    for platform, own in pins.items():
        target, sources = target_of(platform, cell.base), held[platform].sources
        found[platform] = {
            pin: sources.get(pin) or inputs.lock.wheel(pin, cell.python, target) or ""
            for pin in own
        }
    return found


def _pinned(kind: str, files: _Files) -> dict[str, str]:
    own = {p: {name_of(pin): pin for pin in taken} for p, taken in files.items()}
    found: dict[str, str] = {}
    for name in sorted({name for pins in own.values() for name in pins}):
        pins = {p: held[name] for p, held in own.items() if name in held}
        one = next(iter(pins.values()))
        if pins == dict.fromkeys(own, one):
            found[f"{kind} {name}"] = _told(one, (files[p][one] for p in own))
        else:
            found.update({f"{kind} {name} {p}": _told(v, (files[p][v],)) for p, v in pins.items()})
    return found


def _told(pin: str, files: Iterable[str]) -> str:
    return f"{pin.partition('==')[2]}@{_digest_of(tuple(sorted(set(files))))}"


# The tags of a fleet install the same few.
@lru_cache(maxsize=4096)
def _digest_of(files: tuple[str, ...]) -> str:
    return digest_of(list(files))[:_SHORT]


def _revision(assets: Assets) -> str:
    commit, dash, dirty = assets.revision.partition("-")
    return f"{commit[:_COMMIT]}{dash}{dirty}@{assets.epoch}"
