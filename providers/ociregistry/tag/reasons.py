"""Reasons why a tag is built: two maps of its build inputs, compared and described in words."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from providers.ociregistry.tag.build_input import INDEX, ORDER, VERSIONED, BuildInput, words

Inputs = Mapping[str, str]

_UNRECORDED = "its inputs changed"
_REWRITTEN = "its inputs are listed in another way"
_REVISION = "revision"
_SHOWN = 4
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]+")


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
    return {key: _DIGEST.sub(r"\1", value) for key, value in inputs.items()}


def reasons(old: Inputs, new: Inputs) -> tuple[str, ...]:
    """Say how `new` differs from `old`; nothing for equal maps, something for any others.

    Keys are `<kind> <name>`: `base` and `image` with a platform as their name and
    `name:tag@digest` as value, `builder` without one; `base` alone with the index that the tag is
    built from, listed only where no platform of it moved; `node` with a platform and a builder's
    name; `distribution` and `backend` with a name and perhaps a platform, `version@hash` as value,
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
        if build_input.kind in VERSIONED and not build_input.platform and platforms:
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
    based = [build_input for build_input in differing if build_input.kind == INDEX.kind]
    groups: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    for build_input in differing:
        if build_input.kind == _REVISION and "file" in kinds:
            continue
        # An index moves with each of its platforms, and with one that comes or goes.
        if build_input == INDEX and not (alone and based == [INDEX]):
            continue
        rank = ORDER.index(build_input.kind) if build_input.kind in ORDER else len(ORDER)
        only = alone and kinds == {build_input.kind}
        described = words(build_input, before.get(build_input), after.get(build_input), alone=only)
        groups[rank, described].add(build_input.platform)
    return [
        Difference(
            words=described,
            platforms=() if "" in names or names == platforms else tuple(sorted(names)),
        )
        for (_, described), names in sorted(groups.items())
    ]
