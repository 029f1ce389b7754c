"""The lock as plain values, which is how its YAML file holds it: read and written here."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from packaging.markers import InvalidMarker, Marker

from fleet.lock import Base, Lock, Needs, PinKey, ToolKey, Tools, bare, command
from fleet.problems import Problems
from fleet.reader import Fault, Reader, Rule, pattern

SECTIONS = ("bases", "builders", "asked", "requirements", "tools", "hashes", "yanked")


_BETWEEN = ", "
"""What is between the targets that a list in ``looked-at`` is of."""


class _Rules(NamedTuple):
    """What texts of a lock must look like."""

    digest: Rule
    reference: Rule
    pin: Rule
    bare: Rule
    source: Rule


def _rules(remedy: str) -> _Rules:
    pinned = pattern(
        r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+", "is no pinned distribution, name==version", remedy
    )

    def pin(text: str) -> Fault | None:
        """Tell what is wrong with ``name==version[ ; marker]``."""
        fault = pinned(bare(text))
        if fault is None and ";" in text:
            try:
                Marker(text.partition(";")[2].strip())
            except InvalidMarker:
                return Fault(f"{text!r} has no valid marker", remedy)
        return fault

    return _Rules(
        digest=pattern(
            r"sha256:[0-9a-f]{64}", "is no digest, sha256:<64 hexadecimal digits>", remedy
        ),
        reference=pattern(r"[A-Za-z0-9.:_/-]{1,255}", "is no image reference", remedy),
        pin=pin,
        bare=pinned,
        source=pattern(
            r"https://[^\s#\"'\\$`]{1,1000}#sha256=[0-9a-f]{64}",
            "is no source, https://…#sha256=<64 hexadecimal digits>",
            remedy,
        ),
    )


def parse(
    values: Mapping[str, Any], source: str, stack: str, found: Problems | None = None
) -> Lock:
    """Return the lock of ``stack`` in ``values``, the parsed YAML of the file ``source``.

    :raises DeclarationError: with every problem found, after those ``found`` before.
    """
    problems = found or Problems()
    # The command reads what is there before it adds to it, so it can't mend that.
    remedy = f"Restore the file, or remove it and run {command(stack)}"
    rules = _rules(remedy)
    reader = Reader(path="lock", values=values, problems=problems)
    reader.only(SECTIONS)
    pins = _pins(reader, rules)
    tools = _tools(reader.inner("tools"), rules)
    asked, hashes, yanked = (reader.inner(key) for key in ("asked", "hashes", "yanked"))
    entries = (*pins.values(), *(entry.pins for entry in tools.values()))
    for pin in sorted({bare(pin) for entry in entries for pin in entry if pin}):
        if pin not in hashes.values:
            problems.add(hashes.at(pin), "is missing", remedy)
    lock = Lock(
        bases=_bases(reader.inner("bases"), rules),
        builders=_bases(reader.inner("builders"), rules),
        asked={image: asked.texts(image) for image in asked.values},
        pins=pins,
        tools=tools,
        hashes={pin: hashes.texts(pin, rules.digest) for pin in hashes.values},
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


def _bases(section: Reader, rules: _Rules) -> dict[str, Base]:
    bases = {}
    for key in section.values:
        entry = section.inner(key)
        entry.only(("name", "repository", "platforms"))
        platforms = entry.inner("platforms")
        bases[key] = Base(
            name=entry.text("name", rules.reference),
            repository=entry.text("repository", rules.reference),
            platforms={p: platforms.text(p, rules.digest) for p in platforms.values},
        )
    return bases


def _pins(reader: Reader, rules: _Rules) -> dict[PinKey, tuple[str, ...]]:
    images = reader.inner("requirements")
    found: dict[PinKey, tuple[str, ...]] = {}
    for image in images.values:
        pythons = images.inner(image)
        for python in pythons.values:
            versions = pythons.inner(python)
            for version in versions.values:
                found[(image, python, version)] = versions.texts(version, rules.pin)
    return found


def _tool_values(tools: Mapping[ToolKey, Tools]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for (image, python), entry in sorted(tools.items()):
        compiled = {target: list(pins) for target, pins in sorted(entry.compiled.items())}
        sources = {"sources": dict(sorted(entry.sources.items()))} if entry.sources else {}
        pure = {"pure": True} if entry.pure else {}
        values = {
            **_looked_at_values(entry),
            **pure,
            "pins": list(entry.pins),
            "compiled": compiled,
            **sources,
        }
        found.setdefault(image, {})[python] = values
    return found


def _looked_at_values(entry: Tools) -> dict[str, Any]:
    """Return what was looked at; targets with the same share one list, for all are long."""
    if entry.found_for:
        return {"found-for": entry.found_for}
    alike: dict[tuple[str, ...], list[str]] = {}
    for target, pins in sorted(entry.looked_at.items()):
        alike.setdefault(pins, []).append(target)
    listed = {_BETWEEN.join(targets): list(pins) for pins, targets in alike.items()}
    return {"looked-at": listed} if listed else {}


def _looked_at(entry: Reader, rules: _Rules) -> Needs:
    section = entry.inner("looked-at")
    return {
        target: section.texts(targets, rules.pin, ())
        for targets in section.values
        for target in targets.split(_BETWEEN)
    }


def _tools(reader: Reader, rules: _Rules) -> dict[ToolKey, Tools]:
    found: dict[ToolKey, Tools] = {}
    for image in reader.values:
        pythons = reader.inner(image)
        for python in pythons.values:
            entry = pythons.inner(python)
            entry.only(("looked-at", "found-for", "pure", "pins", "compiled", "sources"))
            compiled, sources = entry.inner("compiled"), entry.inner("sources")
            pins = {target: compiled.texts(target, rules.bare) for target in compiled.values}
            for pin in sorted({pin for found in pins.values() for pin in found if pin}):
                sources.text(pin, rules.source)
            found[(image, python)] = Tools(
                pins=entry.texts("pins", rules.pin, ()),
                compiled=pins,
                sources={pin: str(sources.values[pin]) for pin in sources.values},
                looked_at=_looked_at(entry, rules),
                found_for=entry.text("found-for", rules.digest)
                if "found-for" in entry.values
                else "",
                pure=entry.flag("pure", fallback=False),
            )
    return found
