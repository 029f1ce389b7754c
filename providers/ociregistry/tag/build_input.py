"""A build input of a tag: what its key is about, and how a change of it is described."""

import re
from dataclasses import dataclass

# Kinds in the order in which a person asks for them.
ORDER = (
    "base", "image", "builder", "node", "distribution", "backend", "file", "setting", "revision",
)  # fmt: skip
# Kinds that have a version for all platforms, or one for each.
VERSIONED = frozenset({"distribution", "backend"})

# Behind the value of a kind with a version that was compiled, and not installed from its own wheel.
COMPILED = " compiled"

_OF_A_PLATFORM = frozenset({"base", "image", "node"})
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9]+(/[a-z0-9.]+)?")
_COMMIT = re.compile(r"([0-9a-f]{7})[0-9a-f]*(-dirty)?")


@dataclass(frozen=True, kw_only=True, order=True)
class BuildInput:
    """A build input by its key: a kind, a name within it, and the platform where it has one."""

    kind: str
    name: str = ""
    platform: str = ""

    @classmethod
    def of(cls, key: str) -> "BuildInput":
        """Return what `key` is about: `<kind> [<name>] [<platform>]`."""
        kind, _, name = key.partition(" ")
        if kind in _OF_A_PLATFORM:
            return cls(kind=kind, platform=name)
        if kind in VERSIONED:
            project, _, platform = name.partition(" ")
            if _PLATFORM.fullmatch(platform):
                return cls(kind=kind, name=project, platform=platform)
        return cls(kind=kind, name=name)


# All platforms of a base, those that a tag lacks too.
INDEX = BuildInput(kind="base")


def words(build_input: BuildInput, old: str | None, new: str | None, *, alone: bool) -> str:
    """Describe how the value of `build_input` changed; `alone` tells that nothing else did."""
    match build_input.kind:
        case "image" | "node":
            return (_of_image if build_input.kind == "image" else _of_node)(old, new)
        case "base" | "builder":
            return _of_base(build_input, old, new)
        case "distribution":
            return _of_version(build_input.name, old, new)
        case "backend":
            return _of_version(f"build backend {build_input.name}", old, new)
        case "revision" if old is not None and new is not None:
            return _of_revision(old, new, alone=alone)
    fate = "added" if old is None else "removed" if new is None else "changed"
    return f"{_name(build_input)} {fate}"


def _name(build_input: BuildInput) -> str:
    match build_input.kind:
        case "file":
            return build_input.name
        case "setting":
            return build_input.name.lower()
    return f"{build_input.kind} {build_input.name}".strip()


def _of_base(build_input: BuildInput, old: str | None, new: str | None) -> str:
    kind, before, after = build_input.kind, _head(old), _head(new)
    if old is None or new is None:
        return f"{kind} {before or after} {'added' if old is None else 'removed'}"
    if before != after:
        return f"{kind} {before} -> {after}"
    whose = " for a platform that this tag lacks" if build_input == INDEX else ""
    return f"{kind} {after} moved{whose}"


def _of_node(old: str | None, new: str | None) -> str:
    if old is None or new is None:
        return f"built by {new} now" if old is None else f"no longer built by {old}"
    return f"built by {new}, no longer by {old}"


def _of_image(old: str | None, new: str | None) -> str:
    before, after = _head(old), _head(new)
    if old is None or new is None:
        built_on = (before or after).replace(":", " ")
        return f"built on {built_on} now" if old is None else f"no longer built on {built_on}"
    image, _, tag = after.rpartition(":")
    if before == after:
        return f"{image} {tag} is built anew"
    return f"{before.replace(':', ' ')} -> {tag if before.startswith(f'{image}:') else after}"


def _of_version(name: str, old: str | None, new: str | None) -> str:
    before, after = _head(old), _head(new)
    if old is None:
        return f"{name} {after} added"
    if new is None:
        return f"{name} removed"
    if before != after:
        return f"{name} {before} -> {after}"
    if old.endswith(COMPILED) != new.endswith(COMPILED):
        return f"{name} {'is compiled' if new.endswith(COMPILED) else 'has a wheel'} now"
    return f"hashes of {name} changed"


def _of_revision(old: str, new: str, *, alone: bool) -> str:
    before, after = (_COMMIT.match(value) for value in (old, new))
    if after is None:
        return "its files are in no commit now"
    if after[2]:
        return f"uncommitted changes since commit {after[1]}"
    if before is None or before[2]:
        return f"its files were committed, as {after[1]}"
    what = "only the commit in its labels moved" if alone else "the commit in its labels moved"
    return f"{what}, to {after[1]}" if alone else f"{what} to {after[1]}"


def _head(value: str | None) -> str:
    return (value or "").partition("@")[0]
