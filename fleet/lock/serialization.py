"""The lock as plain values, which is how its YAML file holds it: read and written here.

``schema.json`` says what each value may be. ``format`` is one number for all of it. A file of
another one is refused: nothing in it is guessed at.
"""

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any, Final

from fleet.declaration.problems import Problems
from fleet.declaration.schema import matches, read, sound
from fleet.lock.advisories import Advisory, BasePackages, Findings
from fleet.lock.model import Base, Lifetime, Lock, Tools, command
from fleet.lock.wheel_files import is_of

FORMAT: Final = 2

_SCHEMA: Final = read(__package__)
_OPTIONAL: Final = frozenset({"installer", "advisories", "pythons"})


def has_form(text: str, name: str) -> bool:
    """Tell whether the lock can hold ``text`` as what its schema defines by ``name``."""
    return matches(text, name, _SCHEMA["definitions"])


def parse(
    values: Mapping[str, Any], source: str, stack: str, found: Problems | None = None
) -> Lock:
    """Return the lock of ``stack`` in ``values``, the parsed YAML of the file ``source``.

    :raises DeclarationError: with every problem found, after those ``found`` before. A lock of
        another format than ours is refused by that alone: nothing else in it is sure.
    """
    problems, faults = found or Problems(), Problems()
    seen = values.get("format")
    if values and seen != FORMAT:
        what = "is missing" if seen is None else f"{seen!r} is not known"
        remedy = f"Remove the file and run {command(stack)}, or update this program"
        problems.add("lock.format", f"{what}; format {FORMAT} is expected", remedy)
        problems.raise_if_any(source)
    held = sound(values, _SCHEMA, "lock", faults, _SCHEMA["definitions"])
    wrong = [(each.path, each.what) for each in faults.found] or _contradictions(held)
    for path, what in wrong:
        # The command reads what is there before it adds to it, so it can't mend that.
        problems.add(path, what, f"Restore the file, or remove it and run {command(stack)}")
    problems.raise_if_any(source)
    return _lock(held)


def _contradictions(held: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield files of another release than the one that they are of, and pins without a source."""
    for pin, files in held.get("files", {}).items():
        for index, file in enumerate(files):
            if not is_of(file, pin):
                yield f"lock.files.{pin}[{index}]", f"{file!r} is not a wheel of {pin}"
    for (image, python), tools in _by_key(held.get("tools", {})).items():
        compiled = {pin for pins in tools.get("compiled", {}).values() for pin in pins}
        for pin in sorted(compiled - tools.get("sources", {}).keys()):
            yield f"lock.tools.{image}.{python}.sources.{pin}", "is missing"


def _lock(held: Mapping[str, Any]) -> Lock:
    def bases(section: str) -> dict[str, Base]:
        return {key: Base(**entry) for key, entry in held.get(section, {}).items()}

    requirements = _by_key(held.get("requirements", {})).items()
    known = held.get("advisories")
    return Lock(
        bases=bases("bases"),
        builders=bases("builders"),
        asked=held.get("asked", {}),
        pins={(*key, version): pins for key, own in requirements for version, pins in own.items()},
        tools={key: Tools(**entry) for key, entry in _by_key(held.get("tools", {})).items()},
        installer=held.get("installer", ""),
        files=held.get("files", {}),
        yanked=held.get("yanked", {}),
        advisories=None if known is None else _findings(known),
        pythons={key: Lifetime(**entry) for key, entry in held.get("pythons", {}).items()},
    )


def _findings(held: Mapping[str, Any]) -> Findings:
    return Findings(
        found={
            package: tuple(Advisory(id=name, **entry) for name, entry in known.items())
            for package, known in held.get("found", {}).items()
        },
        bases={key: BasePackages(**entry) for key, entry in held.get("bases", {}).items()},
    )


def _by_key(section: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], Any]:
    """Return what is below images and Pythons, by both."""
    return {(image, p): entry for image, pythons in section.items() for p, entry in pythons.items()}


def values_of(lock: Lock) -> dict[str, Any]:
    """Return ``lock`` as plain values in a stable order; :func:`parse` reads them back."""
    requirements: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {}
    for (image, python, version), pins in lock.pins.items():
        requirements.setdefault(image, {}).setdefault(python, {})[version] = pins
    tools: dict[str, dict[str, Tools]] = {}
    for (image, python), entry in lock.tools.items():
        tools.setdefault(image, {})[python] = entry
    known = lock.advisories
    values = {
        "format": FORMAT,
        "bases": lock.bases,
        "builders": lock.builders,
        "asked": lock.asked,
        "requirements": requirements,
        "tools": tools,
        "installer": lock.installer,
        "files": lock.files,
        "yanked": lock.yanked,
        "advisories": known and {"found": _by_rank(known), "bases": _plain(known.bases)},
        "pythons": lock.pythons,
    }
    return {
        section: held if section == "advisories" else _plain(held)
        for section, held in values.items()
        if held or section not in _OPTIONAL
    }


def _by_rank(findings: Findings) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        package: {
            each.id: {key: held for key, held in _plain(each).items() if key != "id"}
            for each in sorted(known, key=lambda each: each.rank)
        }
        for package, known in sorted(findings.found.items())
    }


def _plain(value: Any) -> Any:
    """Return ``value`` as YAML has it: mappings sorted, of a dataclass what is not empty."""
    if is_dataclass(value):
        return {key: _plain(held) for key, held in vars(value).items() if held}
    if isinstance(value, Mapping):
        return {key: _plain(held) for key, held in sorted(value.items())}
    return list(value) if isinstance(value, tuple) else value
