"""Whether what an image declares to be pure Python is, by the wheels that the index lists."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from fleet.lock import Needs, name_of
from releases.pypi import File
from releases.sources import Sources
from releases.wheels import has_wheel


class Impure(NamedTuple):
    """A ``pin``, ``name==version``, of which no pure wheel would be installed, and ``why``."""

    pin: str
    why: str


def told(faults: Mapping[str, Iterable[Impure]]) -> Iterator[str]:
    """Yield a text for each image of which something is declared to be pure and is not."""
    for image, found in faults.items():
        pins: dict[str, list[str]] = {}
        for fault in dict.fromkeys(found):
            pins.setdefault(fault.why, []).append(fault.pin)
        if pins:
            what = "; ".join(f"{why}: {', '.join(listed)}" for why, listed in pins.items())
            place = f"fleet:images.{image}"
            yield f"{place}.pure: {what}. Take `pure` out of {place}, or these out of it"


def impure(
    needs: Needs, python: str, hashes: Mapping[str, tuple[str, ...]], sources: Sources
) -> Iterator[Impure]:
    """Yield each pin of ``needs`` of which no pure wheel would be installed.

    A pure image is installed once for all its platforms, from wheels alone: nothing is compiled
    there. Where the index lists none of the locked ``hashes``, nothing can be told.
    """
    targets: dict[str, list[str]] = {}
    for target, pins in needs.items():
        for pin in pins:
            targets.setdefault(pin, []).append(target)
    for pin, places in sorted(targets.items()):
        found = [file for file in sources.files(name_of(pin)) if file.sha256 in hashes[pin]]
        fault = _fault(found, python, places)
        if fault:
            yield Impure(pin, fault)


_NOT_PURE = "not pure Python"
_NO_WHEEL = "without a wheel, and in a pure image nothing is compiled"


def _fault(files: Iterable[File], python: str, targets: Iterable[str]) -> str:
    """Return what is wrong with ``files`` of one release, or nothing."""
    known = list(files)
    wheels = [file for file in known if file.name.endswith(".whl")]
    special = [file for file in wheels if not _is_for_any(file.name)]
    if len(special) == len(wheels) > 0:
        return _NOT_PURE
    for target in targets:
        platform, _, libc = target.rpartition(" ")
        # pip takes the wheel of a platform before the one that is for any.
        if has_wheel(special, python, platform, libc):
            return _NOT_PURE
    return _NO_WHEEL if known and not wheels else ""


def _is_for_any(name: str) -> bool:
    try:
        return any(tag.platform == "any" for tag in parse_wheel_filename(name)[3])
    except InvalidWheelFilename:
        return False
