"""Reasons why a tag is built: two maps of its build inputs, compared and described in words."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

Inputs = Mapping[str, str]

_UNRECORDED = "its inputs changed"
_REWRITTEN = "the format of its recorded inputs changed"
_SHOWN = 4
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]+")
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9]+(/[a-z0-9.]+)?")
# A commit, and whether files differ from it; behind that comes a hash of what differs.
_COMMIT = re.compile(r"([0-9a-f]{7})[0-9a-f]*(-dirty)?.*")
_OF_A_PLATFORM = frozenset({"base", "image", "node"})
# Kinds that have a version for all platforms, or one for each.
_VERSIONED = frozenset({"distribution", "backend"})
# Behind the value of such a kind where it was compiled, and not installed from its own wheel.
_COMPILED = " compiled"


class _Texts(NamedTuple):
    """Texts for an input that came, that went, that has another value, or only another digest."""

    added: str
    removed: str
    changed: str
    moved: str = ""


_PLAIN = _Texts("{name} added", "{name} removed", "{name} changed")
_PULLED = _Texts(
    "{name} {new} added", "{name} {old} removed", "{name} {old} -> {new}", "{name} {new} moved"
)
_VERSION = _Texts(
    "{name} {new} added", "{name} removed", "{name} {old} -> {new}", "hashes of {name} changed"
)

# By kind, in the order in which a person asks for them; `old` and `new` have no digest.
_TEXTS = {
    "base": _PULLED,
    "image": _Texts(
        "built on {new} now", "no longer built on {old}", "{old} -> {new}", "{new} is built again"
    ),
    "builder": _PULLED,
    "node": _Texts(
        "built by {new} now", "no longer built by {old}", "built by {new}, no longer by {old}"
    ),
    "place": _Texts(
        "{name} pulled from {new}",
        "{name} pulled from a mirror no longer",
        "{name} pulled from {new}",
    ),
    "distribution": _VERSION,
    "backend": _VERSION,
    "file": _PLAIN,
    "setting": _PLAIN,
    "revision": _Texts(
        "{name} added", "{name} removed", "the commit in its labels moved, to {new}"
    ),
}
_RANK = {kind: rank for rank, kind in enumerate(_TEXTS)}


class BuildInput(NamedTuple):
    """A build input by its key: a kind, a name within it, and the platform where it has one."""

    kind: str
    name: str = ""
    platform: str = ""

    @classmethod
    def of(cls, key: str) -> "BuildInput":
        """Return what `key` is about: `<kind> [<name>] [<platform>]`."""
        kind, _, name = key.partition(" ")
        if kind in _OF_A_PLATFORM:
            return cls(kind, platform=name)
        project, _, platform = name.partition(" ")
        if kind in _VERSIONED and _PLATFORM.fullmatch(platform):
            return cls(kind, project, platform)
        return cls(kind, name)

    @property
    def shown(self) -> str:
        """The input as a person calls it."""
        match self.kind:
            case "distribution" | "file" | "place":
                return self.name
            case "setting":
                return self.name.lower()
            case "backend":
                return f"build backend {self.name}"
        return f"{self.kind} {self.name}".strip()


# All platforms of a base, those that a tag lacks too.
_INDEX = BuildInput("base")


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
    """Return how `new` differs from `old`, equal changes of several platforms as one.

    Nothing for equal maps, something for any others; an empty map is that of a state which recorded
    none. Keys are `<kind> <name>`: `base` and `image` with a platform as their name and
    `name:tag@digest` as value, `builder` without one; `base` alone with the index that the tag is
    built from, listed only where no platform of it moved; `node` with a platform and a builder's
    name; `place` with `base` or `builder` and the repository of the mirror that it is pulled from;
    `distribution` and `backend` with a name and perhaps a platform, `version@hash` as value,
    ` compiled` behind it where there was no wheel;
    `file <path>` with a hash; `setting <NAME>` with any text; `revision` with `commit@time`, which
    moves with every file and is listed only where none did. Any other kind is taken as it is.
    """
    if old == new:
        return ()
    if not old or not new:
        return (Difference(words=_UNRECORDED, vague=True),)
    before, after = ({BuildInput.of(key): text for key, text in m.items()} for m in (old, new))
    lost, gained = ({key.platform for key in m if key.platform} for m in (before, after))
    shared = lost & gained
    found = [Difference(words="newly declared", platforms=(p,)) for p in sorted(gained - lost)]
    found += [Difference(words="no longer declared", platforms=(p,)) for p in sorted(lost - gained)]
    found += _grouped(_spread(before, shared), _spread(after, shared), shared, alone=not found)
    return tuple(found) or (Difference(words=_REWRITTEN, vague=True),)


def _spread(build_inputs: Mapping[BuildInput, str], platforms: set[str]) -> dict[BuildInput, str]:
    """Give what has versions one for each platform, and drop platforms of one side.

    A version for all platforms and the same version for each of them are the same.
    """
    found = {}
    for key, value in build_inputs.items():
        if key.kind in _VERSIONED and not key.platform and platforms:
            for platform in platforms:
                each = key._replace(platform=platform)
                found[each] = build_inputs.get(each, value)
        elif not key.platform or key.platform in platforms:
            found[key] = value
    return found


def _grouped(
    before: Mapping[BuildInput, str],
    after: Mapping[BuildInput, str],
    platforms: set[str],
    *,
    alone: bool,
) -> list[Difference]:
    differing = [s for s in sorted({*before, *after}) if before.get(s) != after.get(s)]
    kinds = {key.kind for key in differing}
    based = [key for key in differing if key.kind == _INDEX.kind]
    groups: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    for key in differing:
        if key.kind == "revision" and "file" in kinds:
            continue
        # An index moves with each of its platforms, and with one that comes or goes.
        if key == _INDEX and not (alone and based == [_INDEX]):
            continue
        described = _words(key, before.get(key), after.get(key))
        groups[_RANK.get(key.kind, len(_RANK)), described].add(key.platform)
    return [
        Difference(
            words=described,
            platforms=() if "" in names or names == platforms else tuple(sorted(names)),
        )
        for (_, described), names in sorted(groups.items())
    ]


def _words(key: BuildInput, old: str | None, new: str | None) -> str:
    """Describe how the value of an input changed."""
    texts = _TEXTS.get(key.kind, _PLAIN)
    before, after = ((value or "").partition("@")[0] for value in (old, new))
    if key.kind == "revision":
        after = _COMMIT.sub(r"\1\2", after)
    if old is None:
        text = texts.added
    elif new is None:
        text = texts.removed
    elif before != after or not texts.moved:
        text = texts.changed
    elif key.kind in _VERSIONED and old.endswith(_COMPILED) != new.endswith(_COMPILED):
        text = "{name} is compiled now" if new.endswith(_COMPILED) else "{name} has a wheel now"
    else:
        text = f"{texts.moved} for a platform that this tag lacks" if key == _INDEX else texts.moved
    return text.format(name=key.shown, old=before, new=after)
