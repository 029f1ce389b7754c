"""What goes into a version tag, by name: what a preview compares to say why a tag is built."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from fleet.declaration.matrix import MatrixEntry
from fleet.lock.model import Base, name_of
from fleet.lock.official_bases import short
from fleet.plan.identity import digest_of
from fleet.plan.installed import Contents
from fleet.plan.plan_inputs import Inputs
from fleet.plan.platform_build import TagBuild

_SETTINGS = ("TITLE", "MAINTAINER", "LICENSES", "SOURCE")
_SHORT = len("sha256:") + 12
_COMMIT = 12


def build_inputs(entry: MatrixEntry, builds: Iterable[TagBuild], inputs: Inputs) -> dict[str, str]:
    """Return ``{"<kind> <name>": what}`` of what the identity of a tag is made of.

    Kinds by platform: ``base``, ``image``, ``node``; ``base`` alone, which is the index that it is
    pinned by; ``builder``; ``distribution`` and ``backend`` (with a platform behind the name where
    not all take the same file), as ``version@hash``, with `` compiled`` behind it where that is a
    source; ``file``; ``setting``; ``installer``; ``revision``, as ``commit@epoch``.

    ``node``, and ``place`` of what is pulled from a mirror, are in no identity, but docker-build
    builds again when they change (0.0.22), and a preview has to say why.
    """
    known = tuple(builds)
    assets, lock = inputs.assets[entry.image.name], inputs.lock
    found: dict[str, str] = {}
    for build in known:
        for platform in build.platforms:
            found.update(_below(entry, build, platform, inputs))
            found[f"node {platform}"] = build.builder
    compiler = lock.builders[entry.builder_key]
    found["builder"] = f"{short(compiler.name)}@{compiler.digest}"
    found.update(_place("builder", compiler))
    held = {platform: own for build in known for platform, own in build.contents.items()}
    own = {p: _told_of((*c.package, *c.dependencies), c) for p, c in held.items()}
    found.update(_named("distribution", own))
    found.update(_named("backend", {p: _told_of(c.backends, c) for p, c in held.items()}))
    files = {**assets.files, **(assets.compiling if any(build.wheels for build in known) else {})}
    found.update({f"file {path}": digest[:_SHORT] for path, digest in files.items()})
    found.update({f"setting {name}": known[0].arguments[name] for name in _SETTINGS})
    found["installer"] = _told(lock.installer, lock.files[lock.installer][0])
    commit, dash, dirty = assets.revision.partition("-")
    found["revision"] = f"{commit[:_COMMIT]}{dash}{dirty}@{assets.epoch}"
    return found


def _below(entry: MatrixEntry, build: TagBuild, platform: str, inputs: Inputs) -> dict[str, str]:
    name = short(build.arguments["BASE_NAME"])
    if build.below:
        return {f"image {platform}": f"{name.rpartition('/')[2]}@{build.below.identity}"}
    base = inputs.lock.bases[entry.base_key]
    return {
        "base": f"{name}@{base.digest}",
        f"base {platform}": f"{name}@{base.platforms[platform]}",
        **_place("base", base),
    }


def _place(kind: str, base: Base) -> dict[str, str]:
    return {} if base.comes_from(base.name, "") else {f"place {kind}": base.repository}


def _told_of(pins: Iterable[str], held: Contents) -> dict[str, str]:
    """Return which files are taken of ``pins``, by distribution; ``held`` is what there is."""
    return {
        name_of(pin): f"{_told(pin, held.sources[pin])} compiled"
        if pin in held.sources
        else _told(pin, held.wheels[pin])
        for pin in pins
    }


def _named(kind: str, told: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return what is told by platform and distribution, once where all platforms take the same."""
    found: dict[str, str] = {}
    for name in sorted({name for own in told.values() for name in own}):
        values = {p: own[name] for p, own in told.items() if name in own}
        if len(values) == len(told) and len({*values.values()}) == 1:
            found[f"{kind} {name}"] = next(iter(values.values()))
        else:
            found.update({f"{kind} {name} {p}": value for p, value in values.items()})
    return found


def _told(pin: str, file: str) -> str:
    return f"{pin.partition('==')[2]}@{_digest_of(file)}"


# The tags of a fleet install the same few.
@lru_cache(maxsize=4096)
def _digest_of(file: str) -> str:
    return digest_of(file)[:_SHORT]
