"""Release discovery: what the outside lists, the declaration that follows it, and its lock."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from fleet.checkout.lock_file import is_local, lock_file, read_lock
from fleet.checkout.stack_config import config_file, declaration_of_file
from fleet.declaration.model import Declaration, Image
from fleet.declaration.problems import DeclarationError, Problems
from fleet.lock.model import Lock
from fleet.releases.discovery.change import Change, DiscoveryError
from fleet.releases.discovery.matrix import Matrix, is_followed, matrix_of
from fleet.releases.discovery.pythons import PythonList, note_disagreements
from fleet.releases.discovery.release_cycle import Cycle
from fleet.releases.lock.locking import brought_up
from fleet.releases.sources import Sources
from fleet.releases.writing import text_of
from fleet.releases.yaml_edit import Edits, Entry, edited

_IMAGES, _DEFAULTS = ("config", "fleet:images"), ("config", "fleet:defaults")


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """What discovery found: changes, the lock before and after, the new content of changed files.

    ``before`` is what the declaration's file held when it was read.
    """

    changes: tuple[Change, ...]
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

    Nothing is written here, so that a source which is down or talks nonsense, even the last that is
    asked, leaves all as it was.

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
    wanted = edited(text, edits_of(declaration, lists, matrix))
    made = _declared(wanted, path.name)
    lock_path = lock_file(root, stack, declaration)
    held = read_lock(lock_path)
    lock = brought_up(held, made, sources, builders=is_local(made))
    return Discovery(
        changes=matrix.changes,
        held=held,
        lock=lock,
        after={
            **({path: wanted.encode()} if wanted != text else {}),
            **({lock_path: text_of(lock)} if lock != held else {}),
        },
        before={path: text.encode()},
    )


def edits_of(declaration: Declaration, lists: Iterable[PythonList], matrix: Matrix) -> Edits:
    """Return the lists that have to change for the images of ``matrix``."""
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


def _lists(declaration: Declaration, config: Mapping[str, Any]) -> list[PythonList]:
    """Return the lists of Pythons in ``config``; images without go by that of the defaults."""
    found: dict[tuple[str, ...], list[Image]] = {}
    for image in declaration.images:
        own = "pythons" in config["fleet:images"][image.name]
        path = (*_IMAGES, image.name, "pythons") if own else (*_DEFAULTS, "pythons")
        found.setdefault(path, []).append(image)
    return [PythonList(path=path, images=tuple(images)) for path, images in found.items()]


def _declared(text: str, name: str) -> Declaration:
    """Return the declaration in ``text``, which stands in for the file ``name``.

    :raises DiscoveryError: when it is not sound, so that nobody finds that out later.
    """
    with TemporaryDirectory(prefix="versions-") as folder:
        path = Path(folder) / name
        path.write_bytes(text.encode())
        try:
            return declaration_of_file(path)
        except DeclarationError as error:
            raise DiscoveryError(f"With what was found, there would be {error}") from None
