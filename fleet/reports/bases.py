"""Base images that moved, as the builds tell that start from them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from fleet.lock.official_bases import short
from fleet.reports.steps import BUILD, Step
from fleet.sbom.base_moves import MovedBase

_PINNED: Final = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


def moved_bases(steps: Iterable[Step]) -> Iterator[MovedBase]:
    """Yield each base of which a build's last run had another digest, with all platforms of these.

    A base that is itself built here has no digest in a preview that builds it, and is left out.
    """
    found: dict[tuple[str, str, str], list[Step]] = {}
    for step in steps:
        if step.token == BUILD and step.old and step.new:
            old, new = _arguments(step.old.inputs), _arguments(step.new.inputs)
            before, after = str(old.get("BASE")), str(new.get("BASE"))
            pinned = _PINNED.fullmatch(before) and _PINNED.fullmatch(after)
            if pinned and before.partition("@")[2] != after.partition("@")[2]:
                key = (str(new.get("BASE_NAME")), before, after)
                found.setdefault(key, []).append(step)
    for (name, before, after), group in sorted(found.items()):
        yield MovedBase(
            name=short(name),
            before=before,
            after=after,
            platforms=_once(p for step in group for p in _platforms(step)),
            images=_once(step.name.partition("/")[0] for step in group),
        )


def _arguments(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    arguments = inputs.get("buildArgs")
    return arguments if isinstance(arguments, dict) else {}


def _platforms(step: Step) -> Iterator[str]:
    listed = step.new.inputs.get("platforms") if step.new else None
    return map(str, listed or ())


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
