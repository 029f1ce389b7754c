"""Reasons why a tag is built: two maps of its build inputs, compared and described in words."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

Inputs = Mapping[str, str]

_UNRECORDED = "its inputs changed"
_REWRITTEN = "the format of its recorded inputs changed"
_REVISION = "revision"
_SHOWN = 4
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]+")

# Kinds in the order in which a person asks for them.
_ORDER = (
    "base", "image", "builder", "node", "place", "distribution", "backend", "file", "setting",
    "revision",
)  # fmt: skip
# Kinds that have a version for all platforms, or one for each.
_VERSIONED = frozenset({"distribution", "backend"})

# Behind the value of a kind with a version that was compiled, and not installed from its own wheel.
_COMPILED = " compiled"

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
        if kind in _VERSIONED:
            project, _, platform = name.partition(" ")
            if _PLATFORM.fullmatch(platform):
                return cls(kind=kind, name=project, platform=platform)
        return cls(kind=kind, name=name)


# All platforms of a base, those that a tag lacks too.
_INDEX = BuildInput(kind="base")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that changed, in words; `platforms` are those it concerns, none meaning all.

    A `vague` one leaves open what changed, and even whether anything did.
    """

    words: str
    platforms: tuple[str, ...] = ()
    vague: bool = False


def shortened(inputs: Inputs) -> dict[str, str]:
    """Return `inputs` with digests of 12 hexadecimal digits: enough to tell two apart.

    A stack may have thousands of tags, and the state keeps a map for each.
    """
    return {key: short_digests(value) for key, value in inputs.items()}


def short_digests(text: str) -> str:
    """Return ``text`` with digests of 12 hexadecimal digits."""
    return _DIGEST.sub(r"\1", text)


def reasons(old: Inputs, new: Inputs) -> tuple[str, ...]:
    """Say how `new` differs from `old`; nothing for equal maps, something for any others.

    Keys are `<kind> <name>`: `base` and `image` with a platform as their name and
    `name:tag@digest` as value, `builder` without one; `base` alone with the index that the tag is
    built from, listed only where no platform of it moved; `node` with a platform and a builder's
    name; `place` with `base` or `builder` and the repository of the mirror that it is pulled from;
    `distribution` and `backend` with a name and perhaps a platform, `version@hash` as value,
    ` compiled` behind it where there was no wheel;
    `file <path>` with a hash; `setting <NAME>` with any text; `revision` with `commit@time`, which
    moves with every file and is listed only where none did. Any other kind is taken as it is.
    An empty map is that of a state which recorded none.
    """
    return in_words(differences(old, new))


def in_words(found: Iterable[Difference]) -> tuple[str, ...]:
    """Return differences as texts, without what is vague where the rest tells something."""
    listed = tuple(found)
    return tuple(
        f"{difference.words} for {', '.join(difference.platforms)}"
        if difference.platforms
        else difference.words
        for difference in [d for d in listed if not d.vague] or listed
    )


def shown(texts: tuple[str, ...]) -> str:
    """Join reasons for one line: four at most, and how many more there are."""
    if len(texts) <= _SHOWN + 1:
        return ", ".join(texts)
    return f"{', '.join(texts[:_SHOWN])} and {len(texts) - _SHOWN} more"


def differences(old: Inputs, new: Inputs) -> tuple[Difference, ...]:
    """Return what differs, equal changes of several platforms as one; see `reasons`."""
    if old == new:
        return ()
    if not old or not new:
        return (Difference(words=_UNRECORDED, vague=True),)
    before, after = _parsed(old), _parsed(new)
    lost, gained = _platforms(before), _platforms(after)
    shared = lost & gained
    found = [Difference(words="newly declared", platforms=(p,)) for p in sorted(gained - lost)]
    found += [Difference(words="no longer declared", platforms=(p,)) for p in sorted(lost - gained)]
    found += _grouped(_spread(before, shared), _spread(after, shared), shared, alone=not found)
    return tuple(found) or (Difference(words=_REWRITTEN, vague=True),)


def _parsed(inputs: Inputs) -> dict[BuildInput, str]:
    return {BuildInput.of(key): value for key, value in inputs.items()}


def _platforms(build_inputs: Iterable[BuildInput]) -> set[str]:
    return {build_input.platform for build_input in build_inputs if build_input.platform}


def _spread(build_inputs: Mapping[BuildInput, str], platforms: set[str]) -> dict[BuildInput, str]:
    """Give what has versions one for each platform, and drop platforms of one side.

    A version for all platforms and the same version for each of them are the same.
    """
    found = {}
    for build_input, value in build_inputs.items():
        if build_input.kind in _VERSIONED and not build_input.platform and platforms:
            for platform in platforms:
                each = replace(build_input, platform=platform)
                found[each] = build_inputs.get(each, value)
        elif not build_input.platform or build_input.platform in platforms:
            found[build_input] = value
    return found


def _grouped(
    before: Mapping[BuildInput, str],
    after: Mapping[BuildInput, str],
    platforms: set[str],
    *,
    alone: bool,
) -> list[Difference]:
    differing = [s for s in sorted({*before, *after}) if before.get(s) != after.get(s)]
    kinds = {build_input.kind for build_input in differing}
    based = [build_input for build_input in differing if build_input.kind == _INDEX.kind]
    groups: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    for build_input in differing:
        if build_input.kind == _REVISION and "file" in kinds:
            continue
        # An index moves with each of its platforms, and with one that comes or goes.
        if build_input == _INDEX and not (alone and based == [_INDEX]):
            continue
        rank = _ORDER.index(build_input.kind) if build_input.kind in _ORDER else len(_ORDER)
        only = alone and kinds == {build_input.kind}
        described = _words(build_input, before.get(build_input), after.get(build_input), alone=only)
        groups[rank, described].add(build_input.platform)
    return [
        Difference(
            words=described,
            platforms=() if "" in names or names == platforms else tuple(sorted(names)),
        )
        for (_, described), names in sorted(groups.items())
    ]


def _words(build_input: BuildInput, old: str | None, new: str | None, *, alone: bool) -> str:
    """Describe how the value of `build_input` changed; `alone` tells that nothing else did."""
    match build_input.kind:
        case "image" | "node":
            return (_of_image if build_input.kind == "image" else _of_node)(old, new)
        case "base" | "builder" | "place":
            return (_of_place if build_input.kind == "place" else _of_base)(build_input, old, new)
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
    whose = " for a platform that this tag lacks" if build_input == _INDEX else ""
    return f"{kind} {after} moved{whose}"


def _of_place(build_input: BuildInput, _old: str | None, new: str | None) -> str:
    where = f"from {new}" if new else "from a mirror no longer"
    return f"{build_input.name} pulled {where}"


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
    if old.endswith(_COMPILED) != new.endswith(_COMPILED):
        return f"{name} {'is compiled' if new.endswith(_COMPILED) else 'has a wheel'} now"
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
