"""What new releases change, between the job that asked for them and the one that proposes them.

The first has read what strangers publish; the second holds the key of the App. So the second takes
values alone, refuses what discovery never changes, and writes the files again from what it has.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from fleet.checkout import strict_yaml
from fleet.checkout.lock_file import read_lock
from fleet.checkout.stack_config import config_file, declaration_of_file
from fleet.console import TroubleError
from fleet.declaration.model import PYPI, Declaration
from fleet.declaration.problems import Problems
from fleet.lock.model import Base, Lock, name_of
from fleet.lock.official_bases import PYTHON, place_of
from fleet.lock.serialization import parse
from fleet.pages.markdown import inert
from fleet.releases.lock.installer import NAME as INSTALLER
from fleet.releases.writing import text_of
from fleet.releases.yaml_edit import EditError, edited

DECLARATION: Final = "declaration.yaml"
LOCK: Final = "lock.yaml"
SUMMARY: Final = "versions.md"

_PYPIS_FILES: Final = "https://files.pythonhosted.org"
_LIMITS: Final = {DECLARATION: 1 << 20, LOCK: 16 << 20, SUMMARY: 1 << 20}
_IMAGES: Final = ("config", "fleet:images")
_DEFAULTS: Final = ("config", "fleet:defaults")
_FOLLOWED: Final = ("versions", "exclude", "pythons")
"""The lists of an image, or of what images have in common, that discovery keeps."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The text of each changed file, by its path in the repository, and what is said of them.

    ``newcomers`` are distributions that an image had none of before, as ``image: name``.
    """

    files: Mapping[str, str]
    summary: str
    newcomers: tuple[str, ...] = ()


def hand_over(root: Path, stack: str, summary: Path, folder: Path) -> None:
    """Copy the declaration and the lock of ``stack``, and the text ``summary``, to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: root / path for name, path in _paths(stack).items()}
    for name, path in {**paths, SUMMARY: summary}.items():
        if name == SUMMARY or path.is_file():
            shutil.copyfile(path, folder / name)


def received(root: Path, stack: str, folder: Path) -> Proposal:
    """Return what ``folder`` changes in ``stack``, of which the checkout at ``root`` has the state.

    :raises TroubleError: when it holds anything else than the three files, or one that is too big.
    :raises DeclarationError: when declaration or lock is not sound, or says something else that
        discovery never changes.
    """
    held = _checked(folder)
    paths, files = _paths(stack), {}
    newcomers: tuple[str, ...] = ()
    declared = config_file(root, stack)
    if DECLARATION in held:
        made = _declaration(declared, folder / DECLARATION)
        if made != _text(declared):
            files[paths[DECLARATION]] = made
    if LOCK in held:
        ours = read_lock(root / paths[LOCK])
        lock = _lock(ours, folder / LOCK, stack, declaration_of_file(declared))
        if lock != ours:
            files[paths[LOCK]] = text_of(lock).decode()
        newcomers = tuple(sorted(_installed(lock) - _installed(ours)))
    return Proposal(files=files, summary=inert(_text(folder / SUMMARY)), newcomers=newcomers)


def _paths(stack: str) -> dict[str, str]:
    """Return the path in the repository of each file that may change, by its name here."""
    return {DECLARATION: f"Pulumi.{stack}.yaml", LOCK: f"locks/{stack}.yaml"}


def _checked(folder: Path) -> set[str]:
    """Return the names of the files in ``folder``, of which each may be read."""
    held = sorted(folder.iterdir())
    for path in held:
        limit = _LIMITS.get(path.name)
        if limit is None:
            raise _refusal(f"{path.name!r} is not expected")
        if path.is_symlink() or not path.is_file():
            raise _refusal(f"{path.name} is not a plain file")
        if path.stat().st_size > limit:
            raise _refusal(f"{path.name} has more than {limit:,} bytes")
    if folder / SUMMARY not in held:
        raise _refusal(f"{SUMMARY} is missing")
    return {path.name for path in held}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _refusal(f"{path.name} is not UTF-8") from error


def _declaration(ours: Path, theirs: Path) -> str:
    """Return ``ours`` with those lists of ``theirs`` that discovery keeps; nothing else may differ.

    :raises DeclarationError: when ``theirs`` is not a sound declaration.
    """
    text = _text(ours)
    if _aliases(_text(theirs)) > _aliases(text):
        # A few of them can stand for more than memory holds.
        raise _refusal(f"{theirs.name} has aliases that {ours.name} does not have")
    declaration_of_file(theirs)
    before, after = (strict_yaml.load(path, Problems()) for path in (ours, theirs))
    try:
        made = edited(text, dict(_edits(before, after)))
    except EditError as error:
        raise _refusal(f"{theirs.name}: {error}") from error
    if yaml.safe_load(made) != after:
        raise _refusal(f"{theirs.name} changes more of {ours.name} than {', '.join(_FOLLOWED)}")
    return made


def _aliases(text: str) -> int:
    try:
        return sum(isinstance(token, yaml.AliasToken) for token in yaml.scan(text))
    except yaml.YAMLError as error:
        raise _refusal(f"{DECLARATION} is not YAML") from error


def _edits(before: Any, after: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each list that discovery keeps and that differs, by the keys that lead to it."""
    names = _mapping(before, _IMAGES)
    for path in (_DEFAULTS, *((*_IMAGES, str(name)) for name in names)):
        was, now = _mapping(before, path), _mapping(after, path)
        for key in _FOLLOWED:
            if isinstance(now.get(key), list) and now[key] != was.get(key):
                yield (*path, key), now[key]


def _mapping(values: Any, path: tuple[str, ...]) -> Mapping[str, Any]:
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return values if isinstance(values, dict) else {}


def _lock(ours: Lock, theirs: Path, stack: str, declared: Declaration) -> Lock:
    """Return the lock in ``theirs``, which takes nothing from where ``ours`` did not.

    :raises DeclarationError: when it is not a lock.
    """
    problems = Problems()
    lock = parse(strict_yaml.load(theirs, problems), theirs.name, stack, problems)
    official = place_of(PYTHON, declared.base_registry)
    known = {official, *(base.repository for base in _bases(ours))}
    trusted = {_origin(declared.index), *map(_origin, _addresses(ours))}
    if declared.index == PYPI:
        trusted.add(_PYPIS_FILES)
    other = lock.installer and name_of(lock.installer) != INSTALLER
    for what, strange in {
        "takes base images from": {base.repository for base in _bases(lock)} - known,
        "has base images by the names": {
            base.name
            for base in _bases(lock)
            if not base.name.startswith(f"{base.repository}:")
            and not (base.name.startswith(f"{PYTHON}:") and base.repository == official)
        },
        "takes files from": {*map(_origin, _addresses(lock))} - trusted,
        "installs wheels by": {lock.installer} if other else set(),
    }.items():
        if strange:
            raise _refusal(f"{theirs.name} {what} {', '.join(sorted(strange))}")
    return lock


def _installed(lock: Lock) -> set[str]:
    """Return what each image installs, or is compiled by, as ``image: name``."""
    pins = [(image, pin) for (image, *_), each in lock.pins.items() for pin in each]
    pins += [(image, pin) for (image, _), tools in lock.tools.items() for pin in tools.pins]
    return {f"{image}: {name_of(pin)}" for image, pin in pins}


def _addresses(lock: Lock) -> list[str]:
    found = [address for files in lock.files.values() for address in files]
    return found + [a for tools in lock.tools.values() for a in tools.sources.values()]


def _origin(address: str) -> str:
    """Return scheme, host and port of ``address``; user and password make it one of nobody's."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "an address that is not one"
    if "@" in parts.netloc:
        return "an address with a login (it is not shown)"
    return f"{parts.scheme}://{parts.netloc}".lower()


def _bases(lock: Lock) -> list[Base]:
    return [*lock.bases.values(), *lock.builders.values()]


def _refusal(what: str) -> TroubleError:
    return TroubleError(
        f"What was handed over is not what discovery makes: {what}; nothing was proposed.\n"
        "Look at the job resolve of this run before you run the workflow again."
    )
