"""The lock as plain values, which is how its YAML file holds it: read and written here.

``format`` is one number for all of it. A file of another one is refused: nothing in it
is guessed at.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from packaging.markers import InvalidMarker, Marker

from fleet.declaration.config_reader import Fault, Pattern, Reader, Rule
from fleet.declaration.matrix import PinKey
from fleet.declaration.problems import Problems
from fleet.lock.model import Base, Lock, ToolKey, Tools, bare, command
from fleet.lock.wheel_files import is_of

FORMAT = 2

SECTIONS = (
    "format", "bases", "builders", "asked", "requirements", "tools", "installer", "files", "yanked",
)  # fmt: skip


class _Rules(NamedTuple):
    """What texts of a lock must look like."""

    digest: Rule
    reference: Rule
    pin: Rule
    bare: Rule
    file: Rule


def _rules(remedy: str) -> _Rules:
    pinned = Pattern(
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
        digest=Pattern(
            r"sha256:[0-9a-f]{64}", "is no digest, sha256:<64 hexadecimal digits>", remedy
        ),
        reference=Pattern(r"[A-Za-z0-9.:_/-]{1,255}", "is no image reference", remedy),
        pin=pin,
        bare=pinned,
        file=Pattern(
            r"https?://[^\s#\"'\\$`]{1,1000}#sha256=[0-9a-f]{64}",
            "is no file, https://…#sha256=<64 hexadecimal digits>",
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
    _refuse_other_format(values, source, stack, problems)
    rules = _rules(remedy)
    reader = Reader(path="lock", values=values, problems=problems)
    reader.only(SECTIONS)
    pins = _pins(reader, rules)
    tools = _tools(reader.inner("tools"), rules)
    asked, yanked = (reader.inner(key) for key in ("asked", "yanked"))
    lock = Lock(
        bases=_bases(reader.inner("bases"), rules),
        builders=_bases(reader.inner("builders"), rules),
        asked={image: asked.texts(image) for image in asked.values},
        pins=pins,
        tools=tools,
        installer=reader.text("installer", rules.bare) if "installer" in reader.values else "",
        files=_files(reader.inner("files"), rules, remedy),
        yanked={package: yanked.texts(package, None, ()) for package in yanked.values},
    )
    problems.raise_if_any(source)
    return lock


def _refuse_other_format(
    values: Mapping[str, Any], source: str, stack: str, problems: Problems
) -> None:
    """Refuse a lock of another format than ours by that alone: nothing else in it is sure.

    :raises DeclarationError: when it is one.
    """
    seen = values.get("format")
    if not values or seen == FORMAT:
        return
    known = f"format {FORMAT} is expected"
    what = f"is missing; {known}" if seen is None else f"{seen!r} is not known; {known}"
    problems.add(
        "lock.format", what, f"Remove the file and run {command(stack)}, or update this program"
    )
    problems.raise_if_any(source)


def values_of(lock: Lock) -> dict[str, Any]:
    """Return ``lock`` as plain values in a stable order; :func:`parse` reads them back."""
    requirements: dict[str, dict[str, dict[str, list[str]]]] = {}
    for (image, python, version), pins in sorted(lock.pins.items()):
        requirements.setdefault(image, {}).setdefault(python, {})[version] = list(pins)
    return {
        "format": FORMAT,
        "bases": _base_values(lock.bases),
        "builders": _base_values(lock.builders),
        "asked": {image: list(names) for image, names in sorted(lock.asked.items())},
        "requirements": requirements,
        "tools": _tool_values(lock.tools),
        **({"installer": lock.installer} if lock.installer else {}),
        "files": {pin: sorted(files) for pin, files in sorted(lock.files.items())},
        "yanked": {package: list(found) for package, found in sorted(lock.yanked.items())},
    }


def _base_values(bases: Mapping[str, Base]) -> dict[str, Any]:
    return {
        key: {
            "name": base.name,
            "repository": base.repository,
            "digest": base.digest,
            "platforms": dict(sorted(base.platforms.items())),
        }
        for key, base in sorted(bases.items())
    }


def _bases(section: Reader, rules: _Rules) -> dict[str, Base]:
    bases = {}
    for key in section.values:
        entry = section.inner(key)
        entry.only(("name", "repository", "digest", "platforms"))
        platforms = entry.inner("platforms")
        bases[key] = Base(
            name=entry.text("name", rules.reference),
            repository=entry.text("repository", rules.reference),
            digest=entry.text("digest", rules.digest),
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


def _files(section: Reader, rules: _Rules, remedy: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for pin in section.values:
        if fault := rules.bare(pin):
            section.problems.add(section.at(pin), *fault)
            continue

        def wheel(text: str, pin: str = pin) -> Fault | None:
            other = None if is_of(text, pin) else Fault(f"{text!r} is no wheel of {pin}", remedy)
            return rules.file(text) or other

        found[pin] = section.texts(pin, wheel)
    return found


def _tool_values(tools: Mapping[ToolKey, Tools]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for (image, python), entry in sorted(tools.items()):
        compiled = {target: list(pins) for target, pins in sorted(entry.compiled.items())}
        sources = {"sources": dict(sorted(entry.sources.items()))} if entry.sources else {}
        values = {"pins": list(entry.pins), "compiled": compiled, **sources}
        found.setdefault(image, {})[python] = values
    return found


def _tools(reader: Reader, rules: _Rules) -> dict[ToolKey, Tools]:
    found: dict[ToolKey, Tools] = {}
    for image in reader.values:
        pythons = reader.inner(image)
        for python in pythons.values:
            entry = pythons.inner(python)
            entry.only(("pins", "compiled", "sources"))
            compiled, sources = entry.inner("compiled"), entry.inner("sources")
            pins = {target: compiled.texts(target, rules.bare) for target in compiled.values}
            for pin in sorted({pin for found in pins.values() for pin in found if pin}):
                sources.text(pin, rules.file)
            found[(image, python)] = Tools(
                pins=entry.texts("pins", rules.pin, ()),
                compiled=pins,
                sources={pin: str(sources.values[pin]) for pin in sources.values},
            )
    return found
