"""What goes into an image: distributions resolved by uv for all platforms, each with its hashes."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.markers import InvalidMarker
from packaging.requirements import Requirement

from fleet.lock import normalised
from releases.markers import narrowed

_ENTRY = re.compile(
    r"(?P<pin>[A-Za-z0-9._-]+==[^\s;]+)(?: *; *(?P<marker>.+?))?(?P<hashes>(?: +--hash=\S+)*) *"
)
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})(?!\S)")
_EXTRA = re.compile(r"The package `(?P<pin>[^`]+)` does not have an extra named `(?P<extra>[^`]+)`")
_SPLIT = re.compile(r" for split \(markers: .*?\)(?: cause:)?")
_DEADLINE_SECONDS = 600.0


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


def resolve(wanted: Wanted) -> Resolution:
    """Return the newest distributions that satisfy ``wanted``.

    Hashes of all files of a release are taken, so that one resolution serves every platform.

    :raises ResolutionError: with uv's own reason.
    :raises ExtraError: when a declared extra is none of the release that was found.
    """
    with TemporaryDirectory(prefix="resolve-") as folder:
        return read(_compiled(wanted, Path(folder)), wanted.python)


def read(text: str, python: str) -> Resolution:
    """Return the pins and hashes in ``text``, a requirements file as uv writes it for ``python``.

    :raises ResolutionError: when a line is neither, or a pin has no hash.
    """
    pins: list[str] = []
    hashes: dict[str, tuple[str, ...]] = {}
    for line in filter(None, map(str.strip, text.replace("\\\n", " ").splitlines())):
        entry = _ENTRY.fullmatch(line)
        digests = _HASH.findall(entry["hashes"]) if entry else []
        if entry is None or len(digests) != entry["hashes"].count("--hash"):
            raise ResolutionError(f"uv wrote a line that is no pin with hashes: {line[:200]!r}")
        pin = _narrowed(entry["pin"], entry["marker"] or "", python)
        if not digests:
            raise ResolutionError(f"uv found no hashes for {entry['pin']}")
        if pin:
            pins.append(pin)
            hashes[entry["pin"]] = tuple(sorted(digests))
    if not pins:
        raise ResolutionError("uv found nothing that goes onto any platform")
    return Resolution(pins=tuple(sorted(pins)), hashes=hashes)


def _narrowed(pin: str, marker: str, python: str) -> str | None:
    try:
        return narrowed(pin, marker, python)
    except InvalidMarker as error:
        raise ResolutionError(f"uv wrote a marker that is none, for {pin}: {error}") from None


def _compiled(wanted: Wanted, folder: Path) -> str:
    """Return the requirements file that uv makes of ``wanted`` in the empty ``folder``."""
    _write_settings(folder, wanted.python)
    within, found = folder / "within.txt", folder / "found.txt"
    within.write_text("".join(f"{pin}\n" for pin in wanted.within))
    # uv keeps to what its output file says already.
    found.write_text("".join(f"{pin}\n" for pin in wanted.near))
    argv: list[str | Path] = [
        Path(sys.executable).with_name("uv"), "pip", "compile", "-", "--color=never", "--universal",
        "--generate-hashes", "--no-header", "--no-annotate", "--constraint", within,
        # Without --python, uv looks through the machine for a Python of that version first.
        "--python-version", wanted.python, "--python", sys.executable, "--no-python-downloads",
        "--output-file", found,
    ]  # fmt: skip
    try:
        done = subprocess.run(
            argv, input="\n".join(wanted.requirements), capture_output=True, text=True, check=False,
            timeout=_DEADLINE_SECONDS, cwd=folder, env={**os.environ, **_settings_of_none(folder)},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ResolutionError(f"uv did not get to an end: {error}") from None
    if done.returncode:
        raise ResolutionError(_reason(done.stderr) or f"uv ended with {done.returncode}")
    if not wanted.upstream:
        _refuse_unknown_extras(wanted.requirements, done.stderr)
    return found.read_text()


def _refuse_unknown_extras(requirements: tuple[str, ...], stderr: str) -> None:
    """Refuse an extra in ``requirements`` of which uv warns; what it would bring just vanishes.

    uv also warns of extras that dependencies name; those are not in our hands.

    :raises ExtraError: naming each release and extra.
    """
    parsed = map(Requirement, requirements)
    declared = {(normalised(r.name), normalised(extra)) for r in parsed for extra in r.extras}
    warned = {(found["pin"], normalised(found["extra"])) for found in _EXTRA.finditer(stderr)}
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


def _reason(stderr: str) -> str:
    """Return uv's own words in one line, without what it says of a project that is not there.

    Warnings come before the error.
    """
    stderr = stderr[max(0, f"\n{stderr}".find("\nerror: ")) :]
    words = " ".join(stderr.split()).partition(" hint: ")[0].removeprefix("error: ")
    return _SPLIT.sub(":", words).rstrip(".")


def _write_settings(folder: Path, python: str) -> None:
    """Have uv leave other systems and Pythons out: what fits nowhere else would be an error."""
    linux = (
        "sys_platform == 'linux' and platform_system == 'Linux' and os_name == 'posix'"
        " and platform_python_implementation == 'CPython' and implementation_name == 'cpython'"
        f" and python_version == '{python}'"
    )
    (folder / "pyproject.toml").write_text(f'[tool.uv]\nenvironments = ["{linux}"]\n')


def _settings_of_none(folder: Path) -> dict[str, str]:
    """Return an environment in which uv finds empty settings for the user's and the machine's.

    What is resolved must not hang on who resolves it. ``--no-config`` would also hide the
    project's settings, which name the environments.
    """
    (folder / "uv").mkdir()
    (folder / "uv" / "uv.toml").touch()
    return {"XDG_CONFIG_HOME": str(folder), "XDG_CONFIG_DIRS": str(folder)}
