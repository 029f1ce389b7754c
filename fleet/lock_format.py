"""The lock as plain values, which is how its YAML file holds it: read and written here."""

from collections.abc import Mapping
from typing import Any

from packaging.markers import InvalidMarker, Marker

from fleet.lock import Base, Lock, PinKey, ToolKey, Tools, bare
from fleet.problems import Problems
from fleet.reader import Fault, Reader, pattern

SECTIONS = ("bases", "builders", "asked", "requirements", "tools", "hashes", "yanked")

_DIGEST = pattern(
    r"sha256:[0-9a-f]{64}", "is no digest", "Let `make lock` write it: sha256:<64 hex digits>"
)
_REFERENCE = pattern(
    r"[A-Za-z0-9.:_/-]{1,255}", "is no image reference", "Let `make lock` write it"
)
_PINNED = pattern(
    r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+",
    "is no pinned distribution",
    "Let `make lock` write it: name==version",
)
_NAME = pattern(
    r"[a-z0-9]+(?:-[a-z0-9]+)*", "is no normalised distribution", "Let `make lock` write it"
)


def _pin(text: str) -> Fault | None:
    """Tell what is wrong with ``name==version[ ; marker]``."""
    fault = _PINNED(bare(text))
    if fault is None and ";" in text:
        try:
            Marker(text.partition(";")[2].strip())
        except InvalidMarker:
            return Fault(f"{text!r} has no valid marker", "Let `make lock` write it")
    return fault


def parse(values: Mapping[str, Any], source: str, found: Problems | None = None) -> Lock:
    """Return the lock in ``values``, the parsed YAML of the file ``source``.

    :raises DeclarationError: with every problem found, after those ``found`` before.
    """
    problems = found or Problems()
    reader = Reader(path="lock", values=values, problems=problems)
    reader.only(SECTIONS)
    pins = _pins(reader)
    tools = _tools(reader.inner("tools"))
    asked, hashes, yanked = (reader.inner(key) for key in ("asked", "hashes", "yanked"))
    entries = (*pins.values(), *(entry.pins for entry in tools.values()))
    for pin in sorted({bare(pin) for entry in entries for pin in entry if pin}):
        if pin not in hashes.values:
            problems.add(hashes.at(pin), "is missing", "Run `make lock`")
    lock = Lock(
        bases=_bases(reader.inner("bases")),
        builders=_bases(reader.inner("builders")),
        asked={image: asked.texts(image) for image in asked.values},
        pins=pins,
        tools=tools,
        hashes={pin: hashes.texts(pin, _DIGEST) for pin in hashes.values},
        yanked={package: yanked.texts(package, None, ()) for package in yanked.values},
    )
    problems.raise_if_any(source)
    return lock


def values_of(lock: Lock) -> dict[str, Any]:
    """Return ``lock`` as plain values in a stable order; :func:`parse` reads them back."""
    requirements: dict[str, dict[str, dict[str, list[str]]]] = {}
    for (image, python, version), pins in sorted(lock.pins.items()):
        requirements.setdefault(image, {}).setdefault(python, {})[version] = list(pins)
    return {
        "bases": _base_values(lock.bases),
        "builders": _base_values(lock.builders),
        "asked": {image: list(names) for image, names in sorted(lock.asked.items())},
        "requirements": requirements,
        "tools": _tool_values(lock.tools),
        "hashes": {pin: sorted(hashes) for pin, hashes in sorted(lock.hashes.items())},
        "yanked": {package: list(found) for package, found in sorted(lock.yanked.items())},
    }


def _base_values(bases: Mapping[str, Base]) -> dict[str, Any]:
    return {
        key: {
            "name": base.name,
            "repository": base.repository,
            "platforms": dict(sorted(base.platforms.items())),
        }
        for key, base in sorted(bases.items())
    }


def _bases(section: Reader) -> dict[str, Base]:
    bases = {}
    for key in section.values:
        entry = section.inner(key)
        entry.only(("name", "repository", "platforms"))
        platforms = entry.inner("platforms")
        bases[key] = Base(
            name=entry.text("name", _REFERENCE),
            repository=entry.text("repository", _REFERENCE),
            platforms={p: platforms.text(p, _DIGEST) for p in platforms.values},
        )
    return bases


def _pins(reader: Reader) -> dict[PinKey, tuple[str, ...]]:
    images = reader.inner("requirements")
    found: dict[PinKey, tuple[str, ...]] = {}
    for image in images.values:
        pythons = images.inner(image)
        for python in pythons.values:
            versions = pythons.inner(python)
            for version in versions.values:
                found[(image, python, version)] = versions.texts(version, _pin)
    return found


def _tool_values(tools: Mapping[ToolKey, Tools]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for (image, python), entry in sorted(tools.items()):
        compiled = {target: list(names) for target, names in sorted(entry.compiled.items())}
        looked_at = {"found-for": entry.found_for} if entry.found_for else {}
        values = {**looked_at, "pins": list(entry.pins), "compiled": compiled}
        found.setdefault(image, {})[python] = values
    return found


def _tools(reader: Reader) -> dict[ToolKey, Tools]:
    found: dict[ToolKey, Tools] = {}
    for image in reader.values:
        pythons = reader.inner(image)
        for python in pythons.values:
            entry = pythons.inner(python)
            entry.only(("found-for", "pins", "compiled"))
            compiled = entry.inner("compiled")
            found[(image, python)] = Tools(
                pins=entry.texts("pins", _pin, ()),
                compiled={target: compiled.texts(target, _NAME) for target in compiled.values},
                found_for=entry.text("found-for", _DIGEST) if "found-for" in entry.values else "",
            )
    return found
