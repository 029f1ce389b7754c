"""Why a tag is built: two maps of what went into it, compared and said in words."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

Inputs = Mapping[str, str]

_UNRECORDED = "its inputs changed"
_REWRITTEN = "its inputs are listed in another way"
_SHOWN = 4
# Kinds in the order in which a person asks for them.
_ORDER = ("base", "image", "builder", "distribution", "file", "setting")
# The kind of what has no name of its own; it changes along with most of what has one.
_REST = "other"
_OF_A_PLATFORM = frozenset({"base", "builder", "image"})
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]+")
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9]+(/[a-z0-9.]+)?")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that changed, in words; `platforms` are those it concerns, none meaning all.

    A `vague` one leaves open what changed, and even whether anything did.
    """

    words: str
    platforms: tuple[str, ...] = ()
    vague: bool = False


@dataclass(frozen=True, kw_only=True, order=True)
class _Subject:
    """What a key is about: a kind, a name within it, and the platform where it has one."""

    kind: str
    name: str = ""
    platform: str = ""


def shortened(inputs: Inputs) -> dict[str, str]:
    """Return `inputs` with digests of 12 hexadecimal digits: enough to tell two apart.

    A stack may have thousands of tags, and the state keeps a map for each.
    """
    return {key: _DIGEST.sub(r"\1", value) for key, value in inputs.items()}


def reasons(old: Inputs, new: Inputs) -> tuple[str, ...]:
    """Say how `new` differs from `old`; nothing for equal maps, something for any others.

    Keys are `<kind> <name>`: `base`, `builder` and `image` with a platform as their name and
    `name:tag@digest` as value; `distribution <name> [<platform>]` with a version;
    `file <path>` with a hash; `setting <NAME>` with any text; `other <name>` with a hash of what
    has no name, which is told only where nothing else is. Any other kind is taken as it is.
    An empty map is that of a state which recorded none.
    """
    found = differences(old, new)
    return in_words(tuple(d for d in found if not d.vague) or found)


def telling(found: tuple[Difference, ...], platforms: tuple[str, ...]) -> tuple[Difference, ...]:
    """Leave out what is vague, if the rest tells enough for all of `platforms`."""
    named = tuple(difference for difference in found if not difference.vague)
    enough = bool(named) and concerned(named, platforms) == platforms
    return named if enough else found


def in_words(found: Iterable[Difference], understood: Collection[str] = ()) -> tuple[str, ...]:
    """Return differences as texts; the platforms that are `understood` are not spelt out."""
    return tuple(
        difference.words
        if not difference.platforms or set(difference.platforms) == set(understood)
        else f"{difference.words} for {', '.join(difference.platforms)}"
        for difference in found
    )


def shown(texts: tuple[str, ...]) -> str:
    """Join reasons for one line: four at most, and how many more there are."""
    if len(texts) <= _SHOWN + 1:
        return ", ".join(texts)
    return f"{', '.join(texts[:_SHOWN])} and {len(texts) - _SHOWN} more"


def concerned(found: Iterable[Difference], platforms: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of `platforms` that at least one difference concerns."""
    differing = tuple(found)
    if any(not difference.platforms for difference in differing):
        return platforms
    named = {platform for difference in differing for platform in difference.platforms}
    return tuple(platform for platform in platforms if platform in named)


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
    found += _grouped(_spread(before, shared), _spread(after, shared), shared)
    return tuple(found) or (Difference(words=_REWRITTEN, vague=True),)


def _parsed(inputs: Inputs) -> dict[_Subject, str]:
    return {_subject(key): value for key, value in inputs.items()}


def _subject(key: str) -> _Subject:
    kind, _, name = key.partition(" ")
    if kind in _OF_A_PLATFORM:
        return _Subject(kind=kind, platform=name)
    if kind == "distribution":
        project, _, platform = name.partition(" ")
        if _PLATFORM.fullmatch(platform):
            return _Subject(kind=kind, name=project, platform=platform)
    return _Subject(kind=kind, name=name)


def _platforms(subjects: Iterable[_Subject]) -> set[str]:
    return {subject.platform for subject in subjects if subject.platform}


def _spread(subjects: Mapping[_Subject, str], platforms: set[str]) -> dict[_Subject, str]:
    """Give every distribution a version for each platform, and drop platforms of one side.

    A version for all platforms and the same version for each of them are the same.
    """
    found = {}
    for subject, value in subjects.items():
        if subject.kind == "distribution" and not subject.platform and platforms:
            for platform in platforms:
                each = _Subject(kind=subject.kind, name=subject.name, platform=platform)
                found[each] = subjects.get(each, value)
        elif not subject.platform or subject.platform in platforms:
            found[subject] = value
    return found


def _grouped(
    before: Mapping[_Subject, str], after: Mapping[_Subject, str], platforms: set[str]
) -> list[Difference]:
    groups: defaultdict[tuple[bool, int, str], list[str]] = defaultdict(list)
    for subject in sorted({*before, *after}):
        old, new = before.get(subject), after.get(subject)
        if old != new:
            rank = _ORDER.index(subject.kind) if subject.kind in _ORDER else len(_ORDER)
            key = subject.kind == _REST, rank, _words(subject, old, new)
            groups[key].append(subject.platform)
    return [
        Difference(
            words=words,
            platforms=() if set(names) in ({""}, platforms) else tuple(names),
            vague=vague,
        )
        for (vague, _, words), names in sorted(groups.items())
    ]


def _words(subject: _Subject, old: str | None, new: str | None) -> str:
    if subject.kind == "image":
        return _of_image(old, new)
    if subject.kind in _OF_A_PLATFORM:
        return _of_base(subject.kind, old, new)
    if subject.kind == "distribution":
        return _of_distribution(subject.name, old, new)
    fate = "added" if old is None else "removed" if new is None else "changed"
    name = subject.name.lower() if subject.kind == "setting" else subject.name
    return f"{name if subject.kind in _ORDER else f'{subject.kind} {name}'.strip()} {fate}"


def _of_base(kind: str, old: str | None, new: str | None) -> str:
    before, after = _name(old), _name(new)
    if old is None or new is None:
        return f"{kind} {before or after} {'added' if old is None else 'removed'}"
    return f"{kind} {after} moved" if before == after else f"{kind} {before} -> {after}"


def _of_image(old: str | None, new: str | None) -> str:
    before, after = _name(old), _name(new)
    if old is None or new is None:
        built_on = (before or after).replace(":", " ")
        return f"built on {built_on} now" if old is None else f"no longer built on {built_on}"
    image, _, tag = after.rpartition(":")
    if before == after:
        return f"{image} {tag} is built anew"
    return f"{before.replace(':', ' ')} -> {tag if before.startswith(f'{image}:') else after}"


def _of_distribution(name: str, old: str | None, new: str | None) -> str:
    if old is None:
        return f"{name} {new} added"
    return f"{name} removed" if new is None else f"{name} {old} -> {new}"


def _name(reference: str | None) -> str:
    return (reference or "").partition("@")[0]
