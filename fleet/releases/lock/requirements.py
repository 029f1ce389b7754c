"""What goes into an image: distributions resolved by uv for all platforms, each with its hashes."""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.markers import InvalidMarker
from packaging.requirements import Requirement

from fleet.declaration.distributions import normalised
from fleet.declaration.tags import PLATFORMS
from fleet.lock.model import holds, machine_of
from fleet.releases.lock import uv
from fleet.releases.lock.uv import ResolutionError

_LINE = re.compile(
    r"(?P<pin>[A-Za-z0-9._-]+==[^\s;,]+)(?: ; (?P<marker>.+?))?"
    r"(?P<hashes>(?: +--hash=sha256:[0-9a-f]{64})+)"
)
_EXTRA = re.compile(r"The package `(?P<pin>[^`]+)` does not have an extra named `(?P<extra>[^`]+)`")


class ExtraError(ResolutionError):
    """A release does not have an extra that is asked of it."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The requirements to resolve for CPython ``python`` (``X.Y``) on Linux, on every machine.

    ``requirements`` are PEP 508 texts. What is found agrees with the pins in ``within``, and keeps
    to those in ``near`` where nothing speaks against it. ``upstream`` tells that requirements are
    others' words: what is declared here must not name an extra that a release does not have, while
    in theirs it adds nothing, as with pip. No cooldown holds back the pins in ``allowed``, which
    are held already. Distributions in ``from_source`` need no wheel. ``apart`` are constraints
    beside these, such as ``name!=version``.
    """

    requirements: tuple[str, ...]
    python: str
    within: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    upstream: bool = False
    allowed: tuple[str, ...] = ()
    from_source: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Offer:
    """The release ``version`` of ``name``, its core ``metadata``, and its files' ``hashes``."""

    name: str
    version: str
    metadata: str
    hashes: tuple[str, ...]

    def write_to(self, folder: Path) -> None:
        """Write a wheel that holds the metadata and nothing else, for a resolver to read."""
        stem = f"{self.name.replace('-', '_')}-{self.version}"
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr(f"{stem}.dist-info/METADATA", self.metadata)
            tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            archive.writestr(f"{stem}.dist-info/WHEEL", tag)
            archive.writestr(f"{stem}.dist-info/RECORD", "")
        (folder / f"{stem}-py3-none-any.whl").write_bytes(body.getvalue())


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """Sorted pins, with a marker where not every platform gets one, and by pin its files' hashes.

    ``hashes`` are keyed by ``name==version``, without a marker.
    """

    pins: tuple[str, ...]
    hashes: Mapping[str, tuple[str, ...]]


def resolve(
    wanted: Wanted,
    options: Iterable[str],
    *,
    apart: Iterable[str] = (),
    offers: Iterable[Offer] = (),
) -> Resolution:
    """Return the newest distributions, of an index and of ``offers``, that satisfy ``wanted``.

    ``options`` are uv's, which name the index; ``apart`` are constraints beside those of
    ``wanted``. Hashes of all files of a release are taken, so that one resolution serves every
    platform. Only wheels are asked for their requirements: a source distribution would have to be
    run.

    :raises ResolutionError: with uv's own reason.
    :raises NoWheelError: when that is for want of a wheel.
    :raises ExtraError: when a declared extra is none of the release that was found.
    """
    # What was offered stands for the index's files.
    real: dict[str, tuple[str, ...]] = {}
    with TemporaryDirectory(prefix="resolve-") as name:
        folder = Path(name)
        (folder / "within.txt").write_text("\n".join((*wanted.within, *wanted.apart, *apart)))
        # uv keeps to what its output file says already.
        (folder / "found.txt").write_text("\n".join(wanted.near))
        (folder / "offers").mkdir()
        for offer in offers:
            offer.write_to(folder / "offers")
            real[f"{offer.name}=={offer.version}"] = offer.hashes
        given = [*options, "--constraint", "within.txt", "--find-links", "offers"]
        text, printed = uv.compiled(wanted.requirements, folder, wanted.python, given)
    if not wanted.upstream:
        _refuse_unknown_extras(wanted.requirements, printed)
    found = read(text, wanted.python)
    return replace(
        found, hashes={**found.hashes, **{p: real[p] for p in real if p in found.hashes}}
    )


def read(text: str, python: str) -> Resolution:
    """Return the pins and hashes in ``text``, a requirements file as uv writes it for ``python``.

    :raises ResolutionError: when a line is not a pin with hashes.
    """
    pins: list[str] = []
    hashes: dict[str, tuple[str, ...]] = {}
    for line in filter(None, map(str.strip, text.replace("\\\n", " ").splitlines())):
        found = _LINE.fullmatch(line)
        try:
            pin = narrowed(found["pin"], found["marker"] or "", python) if found else None
        except InvalidMarker:
            found = None
        if found is None:
            raise ResolutionError(f"uv wrote a line that is not a pin with hashes: {line[:200]!r}")
        if pin:
            pins.append(pin)
            hashes[found["pin"]] = tuple(sorted(found["hashes"].replace("--hash=", "").split()))
    if not pins:
        raise ResolutionError("uv found nothing that goes onto any platform")
    return Resolution(pins=tuple(sorted(pins)), hashes=hashes)


def narrowed(pin: str, marker: str, python: str) -> str | None:
    """Return ``pin`` with what ``marker`` (PEP 508) comes to on CPython ``python`` on Linux.

    It is the bare ``name==version`` where every known platform gets it, ``None`` where none does,
    and else names the machines that do. So the text is the same whichever way a resolver spells it.

    :raises packaging.markers.InvalidMarker: when ``marker`` is none.
    """
    if not marker:
        return pin
    platforms = [p for p in PLATFORMS if holds(f"{pin} ; {marker}", python, p)]
    if len(platforms) == len(PLATFORMS):
        return pin
    terms = sorted(f"platform_machine == '{machine_of(platform)}'" for platform in platforms)
    return f"{pin} ; {' or '.join(terms)}" if terms else None


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
            f"{', '.join(unknown)}.\nCorrect the extra's name, take it out, or leave out the "
            "versions without it (versions, or exclude-versions of releases)"
        )
