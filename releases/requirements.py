"""What goes into an image: distributions resolved by uv for all platforms, each with its hashes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import InvalidRequirement, Requirement

from fleet.lock import normalised
from releases import uv
from releases.markers import narrowed
from releases.pypi import INDEX

_HASH = re.compile(r" +--hash=(\S+)")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
_EXTRA = re.compile(r"The package `(?P<pin>[^`]+)` does not have an extra named `(?P<extra>[^`]+)`")


class ResolutionError(Exception):
    """The index could not be asked, or has no distributions that fit together."""


class ExtraError(ResolutionError):
    """A release does not have an extra that is asked of it."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be resolved for CPython ``python`` (``X.Y``) on Linux, on every machine.

    ``requirements`` are PEP 508 texts. What is found agrees with the pins in ``within``, and keeps
    to those in ``near`` where nothing speaks against it. ``upstream`` tells that requirements are
    others' words: what is declared here must not name an extra that a release does not have, while
    in theirs it adds nothing, as with pip.
    """

    requirements: tuple[str, ...]
    python: str
    within: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    upstream: bool = False


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """Sorted pins, with a marker where not every platform gets one, and by pin its files' hashes.

    ``hashes`` are keyed by ``name==version``, without a marker.
    """

    pins: tuple[str, ...]
    hashes: Mapping[str, tuple[str, ...]]


def resolve(wanted: Wanted, *, index: str = INDEX) -> Resolution:
    """Return the newest distributions of ``index`` that satisfy ``wanted``.

    Hashes of all files of a release are taken, so that one resolution serves every platform. Only
    wheels are asked for their requirements: a source distribution would have to be run.

    :raises ResolutionError: with uv's own reason.
    :raises ExtraError: when a declared extra is none of the release that was found.
    """
    with TemporaryDirectory(prefix="resolve-") as name:
        folder = Path(name)
        within = folder / "within.txt"
        within.write_text(_lines(wanted.within))
        # uv keeps to what its output file says already.
        (folder / "found.txt").write_text(_lines(wanted.near))
        options = ("--default-index", index, "--constraint", within)
        try:
            text, printed = uv.compiled(wanted.requirements, folder, wanted.python, options)
        except uv.UvError as error:
            raise ResolutionError(str(error)) from None
    if not wanted.upstream:
        _refuse_unknown_extras(wanted.requirements, printed)
    return read(text, wanted.python)


def read(text: str, python: str) -> Resolution:
    """Return the pins and hashes in ``text``, a requirements file as uv writes it for ``python``.

    :raises ResolutionError: when a line is neither, or a pin has no hash.
    """
    pins: list[str] = []
    hashes: dict[str, tuple[str, ...]] = {}
    for line in filter(None, map(str.strip, text.replace("\\\n", " ").splitlines())):
        requirement, digests = _entry(line)
        bare = f"{requirement.name}{requirement.specifier}"
        pin = narrowed(bare, str(requirement.marker or ""), python)
        if not digests:
            raise ResolutionError(f"uv found no hashes for {bare}")
        if pin:
            pins.append(pin)
            hashes[bare] = tuple(sorted(digests))
    if not pins:
        raise ResolutionError("uv found nothing that goes onto any platform")
    return Resolution(pins=tuple(sorted(pins)), hashes=hashes)


def _entry(line: str) -> tuple[Requirement, list[str]]:
    """Return the requirement of ``line``, which names one version, and the hashes behind it."""
    text, digests = _HASH.sub("", line), _HASH.findall(line)
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise ResolutionError(f"uv wrote a line that is no pin: {line[:200]!r}: {error}") from None
    (*versions,) = requirement.specifier
    exact = len(versions) == 1 and versions[0].operator == "=="
    if not exact or requirement.extras or not all(map(_SHA256.fullmatch, digests)):
        raise ResolutionError(f"uv wrote a line that is no pin with hashes: {line[:200]!r}")
    return requirement, digests


def _lines(texts: Iterable[str]) -> str:
    return "".join(f"{text}\n" for text in texts)


def _refuse_unknown_extras(requirements: tuple[str, ...], printed: str) -> None:
    """Refuse an extra in ``requirements`` of which uv warns; what it would bring just vanishes.

    uv also warns of extras that dependencies name; those are not in our hands.

    :raises ExtraError: naming each release and extra.
    """
    parsed = map(Requirement, requirements)
    declared = {(normalised(r.name), normalised(extra)) for r in parsed for extra in r.extras}
    warned = {(found["pin"], normalised(found["extra"])) for found in _EXTRA.finditer(printed)}
    unknown = sorted(
        f"{pin} has no extra {extra!r}"
        for pin, extra in warned
        if (normalised(pin.partition("==")[0]), extra) in declared
    )
    if unknown:
        raise ExtraError(
            f"{', '.join(unknown)}. Correct the extra's name, take it out, or leave out the "
            "versions that lack it (versions, or exclude-versions of releases)"
        )
