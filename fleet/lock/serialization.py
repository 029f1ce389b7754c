"""The lock as plain values, which is how its YAML file holds it: read and written here.

``format`` is one number for all of it. A file of another one is refused: nothing in it
is guessed at.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, get_args, get_type_hints

from packaging.markers import InvalidMarker, Marker

from fleet.declaration.problems import Fault, Problems
from fleet.lock.advisories import findings_values, parse_findings
from fleet.lock.model import Base, Lifetime, Lock, Tools, bare, command
from fleet.lock.reader import Pattern, Reader
from fleet.lock.wheel_files import is_of

FORMAT: Final = 2

SECTIONS: Final = (
    "format", "bases", "builders", "asked", "requirements", "tools", "installer", "files", "yanked",
    "advisories", "pythons",
)  # fmt: skip

# The command reads what is there before it adds to it, so it can't mend that.
_REMEDY: Final = "Restore the file, or remove it and run the command"
_DIGEST: Final = Pattern(
    r"sha256:[0-9a-f]{64}", "is not a digest, sha256:<64 hexadecimal digits>", _REMEDY
)
_DAY: Final = Pattern(r"\d{4}-\d{2}-\d{2}", "is not a day, YYYY-MM-DD", _REMEDY)
_STATES: Final = get_args(get_type_hints(Lifetime)["state"])
_STATE: Final = Pattern("|".join(_STATES), f"is none of {', '.join(_STATES)}", _REMEDY)
_REFERENCE: Final = Pattern(r"[A-Za-z0-9.:_/-]{1,255}", "is not an image reference", _REMEDY)
_BARE: Final = Pattern(
    r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+", "is not a pinned distribution, name==version", _REMEDY
)
FILE: Final = Pattern(
    r"https?://[^\s#\"'\\$`]{1,1000}#sha256=[0-9a-f]{64}",
    "is not a file, https://…#sha256=<64 hexadecimal digits>",
    _REMEDY,
)


def _pin(text: str) -> Fault | None:
    """Return what is wrong with ``name==version[ ; marker]``."""
    fault = _BARE(bare(text))
    if fault is None and ";" in text:
        try:
            Marker(text.partition(";")[2].strip())
        except InvalidMarker:
            return Fault(f"{text!r} has no valid marker", _REMEDY)
    return fault


def parse(
    values: Mapping[str, Any], source: str, stack: str, found: Problems | None = None
) -> Lock:
    """Return the lock of ``stack`` in ``values``, the parsed YAML of the file ``source``.

    :raises DeclarationError: with every problem found, after those ``found`` before. A lock of
        another format than ours is refused by that alone: nothing else in it is sure.
    """
    problems = found or Problems()
    seen = values.get("format")
    if values and seen != FORMAT:
        what = "is missing" if seen is None else f"{seen!r} is not known"
        remedy = f"Remove the file and run {command(stack)}, or update this program"
        problems.add("lock.format", f"{what}; format {FORMAT} is expected", remedy)
        problems.raise_if_any(source)
    reader = Reader(path="lock", values=values, problems=problems)
    reader.only(SECTIONS)
    asked, yanked = reader.inner("asked"), reader.inner("yanked")
    lock = Lock(
        bases=_bases(reader.inner("bases")),
        builders=_bases(reader.inner("builders")),
        asked={image: asked.texts(image) for image in asked.values},
        pins={
            (image, python, version): versions.texts(version, _pin)
            for image, pythons in _each(reader.inner("requirements"))
            for python, versions in _each(pythons)
            for version in versions.values
        },
        tools={
            (image, python): _tools(entry)
            for image, pythons in _each(reader.inner("tools"))
            for python, entry in _each(pythons)
        },
        installer=reader.text("installer", _BARE) if "installer" in reader.values else "",
        files=_files(reader.inner("files")),
        yanked={package: yanked.texts(package, None, ()) for package in yanked.values},
        advisories=(
            parse_findings(reader.inner("advisories")) if "advisories" in reader.values else None
        ),
        pythons=_lifetimes(reader.inner("pythons")),
    )
    problems.found[:] = [
        replace(each, remedy=each.remedy.replace("the command", command(stack)))
        if each.remedy == _REMEDY
        else each
        for each in problems.found
    ]
    problems.raise_if_any(source)
    return lock


def _each(section: Reader) -> Iterator[tuple[str, Reader]]:
    return ((key, section.inner(key)) for key in section.values)


def _bases(section: Reader) -> dict[str, Base]:
    bases = {}
    for key, entry in _each(section):
        entry.only(("name", "repository", "digest", "platforms", "created"))
        platforms = entry.inner("platforms")
        bases[key] = Base(
            name=entry.text("name", _REFERENCE),
            repository=entry.text("repository", _REFERENCE),
            digest=entry.text("digest", _DIGEST),
            platforms={p: platforms.text(p, _DIGEST) for p in platforms.values},
            created=entry.text("created", _DAY) if "created" in entry.values else "",
        )
    return bases


def _lifetimes(section: Reader) -> dict[str, Lifetime]:
    found = {}
    for python, entry in _each(section):
        entry.only(("until", "state"))
        state: Any = entry.text("state", _STATE)
        found[python] = Lifetime(until=entry.text("until", _DAY), state=state)
    return found


def _tools(entry: Reader) -> Tools:
    entry.only(("pins", "compiled", "sources"))
    compiled, sources = entry.inner("compiled"), entry.inner("sources")
    pins = {target: compiled.texts(target, _BARE) for target in compiled.values}
    named = {pin for listed in pins.values() for pin in listed if pin} | sources.values.keys()
    return Tools(
        pins=entry.texts("pins", _pin, ()),
        compiled=pins,
        sources={pin: sources.text(pin, FILE) for pin in sorted(named, key=str)},
    )


def _files(section: Reader) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for pin in section.values:
        if fault := _BARE(pin):
            section.problems.add(section.at(pin), *fault)
            continue

        def wheel(text: str, pin: str = pin) -> Fault | None:
            other = (
                None if is_of(text, pin) else Fault(f"{text!r} is not a wheel of {pin}", _REMEDY)
            )
            return FILE(text) or other

        found[pin] = section.texts(pin, wheel)
    return found


def values_of(lock: Lock) -> dict[str, Any]:
    """Return ``lock`` as plain values in a stable order; :func:`parse` reads them back."""
    requirements: dict[str, dict[str, dict[str, list[str]]]] = {}
    for (image, python, version), pins in sorted(lock.pins.items()):
        requirements.setdefault(image, {}).setdefault(python, {})[version] = list(pins)
    tools: dict[str, dict[str, Any]] = {}
    for (image, python), entry in sorted(lock.tools.items()):
        tools.setdefault(image, {})[python] = {
            "pins": list(entry.pins),
            "compiled": _listed(entry.compiled),
            **({"sources": dict(sorted(entry.sources.items()))} if entry.sources else {}),
        }
    return {
        "format": FORMAT,
        "bases": _base_values(lock.bases),
        "builders": _base_values(lock.builders),
        "asked": _listed(lock.asked),
        "requirements": requirements,
        "tools": tools,
        **({"installer": lock.installer} if lock.installer else {}),
        "files": {pin: sorted(files) for pin, files in sorted(lock.files.items())},
        "yanked": _listed(lock.yanked),
        **({"advisories": findings_values(lock.advisories)} if lock.advisories else {}),
        **({"pythons": _lifetime_values(lock.pythons)} if lock.pythons else {}),
    }


def _listed(values: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {key: list(listed) for key, listed in sorted(values.items())}


def _base_values(bases: Mapping[str, Base]) -> dict[str, Any]:
    return {
        key: {
            "name": base.name,
            "repository": base.repository,
            "digest": base.digest,
            "platforms": dict(sorted(base.platforms.items())),
            **({"created": base.created} if base.created else {}),
        }
        for key, base in sorted(bases.items())
    }


def _lifetime_values(pythons: Mapping[str, Lifetime]) -> dict[str, Any]:
    return {python: dict(vars(lifetime)) for python, lifetime in sorted(pythons.items())}
