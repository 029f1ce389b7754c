"""The declaration as discovery would have it: Pythons, versions and exclusions of each image."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from fleet.declaration.model import Image
from fleet.releases.discovery.change import Change
from fleet.releases.discovery.exclusions import excluded
from fleet.releases.discovery.pythons import PythonList, kept
from fleet.releases.discovery.release_cycle import Cycle
from fleet.releases.discovery.selection import (
    Listed,
    has_release,
    note_missing,
    passed_over,
    selected,
)
from fleet.releases.lock import bases
from fleet.releases.sources import Sources


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Images after discovery, the Pythons of each list by its path, and what changed."""

    images: tuple[Image, ...]
    pythons: Mapping[tuple[str, ...], tuple[str, ...]]
    changes: tuple[Change, ...]


def is_followed(image: Image) -> bool:
    """Tell whether discovery keeps anything of ``image``."""
    return image.releases is not None or image.python_releases is not None


def matrix_of(
    lists: Iterable[PythonList], cycles: Mapping[str, Cycle], today: date, sources: Sources
) -> Matrix:
    """Return what becomes on ``today`` (UTC) of the images that go by ``lists``.

    :raises DiscoveryError: when the outside says what no declaration may follow.
    :raises OciError: when a registry can't be asked for the bases of a new Python.
    """
    images: list[Image] = []
    pythons: dict[tuple[str, ...], tuple[str, ...]] = {}
    changes: list[Change] = []
    for one in lists:
        followed = [image for image in one.images if is_followed(image)]
        for image in followed:
            note_missing(image, sources.releases(image.package))
        found, told = kept(one, cycles, today, partial(_missing, one=one, sources=sources))
        pythons[one.path] = found
        changes += told
        for image in followed:
            after, told = _after(replace(image, pythons=found), sources)
            images.append(after)
            changes += told
    return Matrix(images=tuple(images), pythons=pythons, changes=tuple(changes))


def _counting(image: Image, sources: Sources) -> Listed:
    """Return the releases that count for ``image``: what it declares does whatever its age."""
    return sources.cooldown.aged(sources.releases(image.package), image.versions)


def _after(image: Image, sources: Sources) -> tuple[Image, list[Change]]:
    changes: list[Change] = []
    listed = _counting(image, sources)
    if image.releases is not None:
        found, changes = selected(image, image.releases, listed)
        every = sources.releases(image.package)
        changes += passed_over(image, image.releases, every, sources.cooldown)
        image = replace(image, versions=found)
    exclude, told = excluded(image, listed)
    return replace(image, exclude=exclude), [*changes, *told]


def _missing(python: str, one: PythonList, sources: Sources) -> str:
    """Return what ``python`` lacks before the images of ``one`` can be built on it, or nothing."""
    for image in filter(is_followed, one.images):
        if not has_release(image, python, _counting(image, sources)):
            return f"no release of {image.package} that {image.name} can take allows it"
    alone = [replace(image, pythons=(python,), exclude=()) for image in one.images]
    for wanted in bases.wanted(alone, sources.stand_ins):
        for name, platforms in wanted.values():
            try:
                bases.resolve(name, platforms, sources.platforms)
            except bases.BaseError as error:
                return str(error)
    return ""
