"""Release discovery: what the outside lists, the declaration that follows it, and its lock."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from fleet.checkout.lock_file import lock_file, read_lock
from fleet.checkout.stack_config import config_file, declaration_of_file
from fleet.declaration.grouping import grouped
from fleet.declaration.model import Declaration, Image
from fleet.declaration.problems import DeclarationError, Problems
from fleet.lock.model import Lock
from fleet.releases.advisory_rows import advisory_rows
from fleet.releases.discovery.change import Change, DiscoveryError
from fleet.releases.discovery.exclusions import excluded
from fleet.releases.discovery.pythons import PythonList, kept, note_disagreements
from fleet.releases.discovery.release_cycle import Cycle
from fleet.releases.discovery.selection import (
    Listed,
    has_release,
    note_missing,
    passed_over,
    selected,
)
from fleet.releases.lock import bases
from fleet.releases.lock.lifetimes import with_lifetimes
from fleet.releases.lock.locked_advisories import known_of
from fleet.releases.lock.locking import brought_up
from fleet.releases.pin_edit import without_pin
from fleet.releases.sources import Sources
from fleet.releases.writing import text_of
from fleet.releases.yaml_edit import Edits, Entry, edited

_IMAGES, _DEFAULTS = ("config", "fleet:images"), ("config", "fleet:defaults")


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Images after discovery, the Pythons of each list by its path, and what changed."""

    images: tuple[Image, ...]
    pythons: Mapping[tuple[str, ...], tuple[str, ...]]
    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """The result of discovery: changes, the lock before and after, new content of changed files.

    ``before`` is the declaration's file as it was read. ``advisories`` are rows of a table.
    """

    changes: tuple[Change, ...]
    advisories: tuple[tuple[str, ...], ...]
    held: Lock
    lock: Lock
    after: Mapping[Path, bytes]
    before: Mapping[Path, bytes]


def discovered(
    root: Path,
    stack: str,
    sources: Sources,
    cycles: Callable[[], Mapping[str, Cycle]],
    today: date,
) -> Discovery:
    """Return what becomes of the declaration and lock of ``stack`` on ``today`` (UTC).

    Nothing is written here: a source that is down or talks nonsense leaves all as it was.

    :raises DeclarationError: when the declaration is faulty as it is.
    :raises DiscoveryError: when the outside says what no declaration may follow.
    :raises EditError: when a list can't be changed where it stands.
    """
    path = config_file(root, stack)
    declaration = declaration_of_file(path)
    text = path.read_bytes().decode()
    lists = _lists(declaration, yaml.safe_load(text)["config"])
    problems = Problems()
    note_disagreements(lists, problems)
    problems.raise_if_any(path.name)
    followed = [image for image in declaration.images if is_followed(image)]
    for package in sorted({image.package for image in followed}):
        sources.say(f"asking for the releases of {package}")
        sources.files(package)
    by_cycle = any(image.python_releases for image in followed)
    matrix = matrix_of(lists, cycles() if by_cycle else {}, today, sources)
    wanted = edited(text, _edits_of(declaration, lists, matrix))
    over = list(ended_pins(declaration.images, today.isoformat()))
    for pin in over:
        wanted = without_pin(wanted, pin.place, pin.what)
    made = declared(wanted, path.name)
    lock_path = lock_file(root, stack, declaration)
    held = read_lock(lock_path)
    lock = brought_up(held, made, sources, builders=made.is_local)
    known = {**known_of(held, sources), **known_of(lock, sources)}
    for problem in made.advisories.problems(f"{today}") if made.advisories else ():
        sources.note(problem)
    lock = with_lifetimes(lock, made, cycles, today, sources.note)
    return Discovery(
        changes=(*matrix.changes, *over),
        advisories=tuple(advisory_rows(held, lock, known, sources.door.counts)),
        held=held,
        lock=lock,
        after={
            **({path: wanted.encode()} if wanted != text else {}),
            **({lock_path: text_of(lock)} if lock != held else {}),
        },
        before={path: text.encode()},
    )


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
    """Return the releases that count for ``image``: what it declares does in any case.

    One that is too fresh does not, nor one with an advisory that another one fixes.
    """
    aged = sources.cooldown.aged(sources.releases(image.package), image.versions)
    bad = sources.door.objections(image.package, aged.keys() - set(image.versions))
    return {version: release for version, release in aged.items() if version not in bad}


def _after(image: Image, sources: Sources) -> tuple[Image, list[Change]]:
    changes: list[Change] = []
    listed = _counting(image, sources)
    if image.releases is not None:
        found, changes = selected(image, image.releases, listed)
        every = sources.releases(image.package)
        changes += passed_over(image, image.releases, every, sources.cooldown, sources.objection)
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
                bases.resolve(
                    name, platforms, sources.platforms, base_registry=sources.base_registry
                )
            except bases.BaseError as error:
                return str(error)
    return ""


def _edits_of(declaration: Declaration, lists: Iterable[PythonList], matrix: Matrix) -> Edits:
    edits: dict[tuple[str, ...], list[Entry]] = {
        one.path: list(matrix.pythons[one.path])
        for one in lists
        if matrix.pythons[one.path] != one.pythons
    }
    for image in matrix.images:
        declared = declaration.by_name[image.name]
        if image.versions != declared.versions:
            edits[(*_IMAGES, image.name, "versions")] = list(image.versions)
        if image.exclude != declared.exclude:
            edits[(*_IMAGES, image.name, "exclude")] = [
                {key: value for key, value in vars(entry).items() if value}
                for entry in image.exclude
            ]
    return edits


def ended_pins(images: Iterable[Image], today: str) -> Iterator[Change]:
    """Yield the pins that ended before ``today`` (RFC 3339 full-date): they leave."""
    for image in images:
        for tag, pin in image.pins.items():
            if pin.is_over(today):
                why = f"its pin to {pin.to} ended on {pin.until} ({pin.because})"
                yield Change(image.name, tag, "is held no longer", why)


def _lists(declaration: Declaration, config: Mapping[str, Any]) -> list[PythonList]:
    """Return the lists of Pythons in ``config``; images without go by that of the defaults."""
    declared = config["fleet:images"]
    found = grouped(
        ((*_IMAGES, i.name) if "pythons" in declared[i.name] else _DEFAULTS, i)
        for i in declaration.images
    )
    return [PythonList(path=(*p, "pythons"), images=tuple(images)) for p, images in found.items()]


def declared(text: str, name: str) -> Declaration:
    """Return the declaration in ``text``, which stands in for the file ``name``.

    :raises DiscoveryError: when it is faulty.
    """
    with TemporaryDirectory(prefix="versions-") as folder:
        path = Path(folder) / name
        path.write_bytes(text.encode())
        try:
            return declaration_of_file(path)
        except DeclarationError as error:
            raise DiscoveryError(f"With what was found, there would be {error}") from None
