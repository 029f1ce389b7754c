"""What moved from one lock to the next, for people to read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urldefrag

from fleet.lock.model import Base, Lock, pinned_versions
from fleet.lock.wheel_files import name_in


class Move(NamedTuple):
    """What was ``before`` at ``place`` and is ``after``; either is empty where it lacks."""

    place: str
    what: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Moves:
    """What moved from one lock to the next.

    ``resolved`` are Pythons by image and version that are new there, ``distributions`` what moved
    in tags that both locks hold, ``tools`` by image the Pythons on which something else compiles,
    ``files`` what is another file of a version that both hold, ``installer`` what installs wheels
    where that is another, ``yanked`` versions by package.
    """

    resolved: Mapping[tuple[str, str], tuple[str, ...]]
    tools: Mapping[str, tuple[str, ...]]
    distributions: tuple[Move, ...]
    bases: tuple[Move, ...]
    files: tuple[Move, ...]
    installer: tuple[str, str] | None
    yanked: Mapping[str, tuple[str, ...]]


def moves_between(old: Lock, new: Lock) -> Moves:
    """Return what moved from ``old`` to ``new``; a base image that is new came from nowhere."""
    resolved: dict[tuple[str, str], tuple[str, ...]] = {}
    for image, python, version in (key for key in new.pins if key not in old.pins):
        resolved[image, version] = (*resolved.get((image, version), ()), python)
    tools: dict[str, tuple[str, ...]] = {}
    for (image, python), found in new.tools.items():
        if old.tools.get((image, python)) != found:
            tools[image] = (*tools.get(image, ()), python)
    return Moves(
        resolved=resolved,
        tools=tools,
        distributions=tuple(_distributions(old, new)),
        # What compiles is mostly a base as well.
        bases=tuple(
            dict.fromkeys((*_bases(old.bases, new.bases), *_bases(old.builders, new.builders)))
        ),
        files=tuple(_files(old, new)),
        installer=_installer(old, new),
        yanked=_yanked(old, new),
    )


def _distributions(old: Lock, new: Lock) -> Iterator[Move]:
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for image, python, version in sorted(new.pins.keys() & old.pins.keys()):
        key = (image, python, version)
        before, after = pinned_versions(old.pins[key]), pinned_versions(new.pins[key])
        for name in sorted(before.keys() | after.keys()):
            was, becomes = before.get(name, ""), after.get(name, "")
            if was != becomes:
                found.setdefault((image, name, was, becomes), []).append(python)
    for (image, name, was, becomes), pythons in found.items():
        yield Move(f"{image}, Python {', '.join(dict.fromkeys(pythons))}", name, was, becomes)


def _bases(old: Mapping[str, Base], new: Mapping[str, Base]) -> Iterator[Move]:
    for key, base in sorted(new.items()):
        before = old[key].platforms if key in old else {}
        for platform, digest in base.platforms.items():
            if before.get(platform, "") != digest:
                yield Move(base.name, platform, before.get(platform, ""), digest)


def _files(old: Lock, new: Lock) -> Iterator[Move]:
    """Yield the files that came, left or changed of each version that both locks hold."""
    for pin in sorted(old.files.keys() & new.files.keys()):
        before, after = ({name_in(f): f for f in lock.files[pin]} for lock in (old, new))
        for name in sorted(before.keys() | after.keys()):
            was, becomes = before.get(name, ""), after.get(name, "")
            if was != becomes:
                digests = tuple(urldefrag(address).fragment for address in (was, becomes))
                # The same bytes may have moved to another address.
                shown = (was, becomes) if digests[0] == digests[1] else digests
                yield Move(pin, name, *shown)


def _installer(old: Lock, new: Lock) -> tuple[str, str] | None:
    moved = old.installer and old.installer != new.installer
    return (old.installer, new.installer) if moved else None


def _yanked(old: Lock, new: Lock) -> dict[str, tuple[str, ...]]:
    """Return what was yanked since, of packages that were known before."""
    known = old.yanked.keys() & new.yanked.keys()
    found = {p: tuple(v for v in new.yanked[p] if v not in old.yanked[p]) for p in sorted(known)}
    return {package: listed for package, listed in found.items() if listed}
