"""Emulation: the kernel hands binaries of other platforms to QEMU (binfmt_misc)."""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from fleet.console import TroubleError, say
from fleet.local.child_environment import run
from fleet.local.platforms import NAMES, native

_KERNEL = Path("/proc/sys/fs/binfmt_misc")
_FORMATS = Path("/usr/lib/binfmt.d")
_OTHERWISE = (
    "have the formats enabled where this machine's kernel is run (in a container, on its host), or "
    "name a builder of yours under fleet:builders"
)


def enable(platforms: Iterable[str]) -> None:
    """Let this machine run the binaries of each of ``platforms``; the kernel keeps it until boot.

    :raises TroubleError: when the kernel or QEMU's package does not take part.
    """
    lacking = missing(platforms)
    if not lacking:
        return
    if not (_KERNEL / "register").exists():
        _mount()
    for name in lacking:
        if not _is_enabled(name):
            _register(name)
        if _is_enabled(name):
            say(f"emulation: {name}")


def _mount() -> None:
    try:
        _run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(_KERNEL)])
    except TroubleError as error:
        raise TroubleError(
            f"{error}\nOther platforms are emulated by it. Load the kernel's module (modprobe "
            f"binfmt_misc), or {_OTHERWISE}."
        ) from error


def missing(platforms: Iterable[str]) -> list[str]:
    """Return the formats of ``platforms``, such as ``qemu-arm``, that the kernel does not take."""
    return [name for name in emulated(platforms) if not _is_enabled(name)]


def emulated(platforms: Iterable[str]) -> list[str]:
    """Return QEMU's format names, such as ``qemu-arm``, of what this machine can't run itself."""
    own = native()
    return [f"qemu-{NAMES[platform].qemu}" for platform in platforms if platform != own]


def _is_enabled(name: str) -> bool:
    with suppress(OSError):
        return (_KERNEL / name).read_text().startswith("enabled")
    return False


def _register(name: str) -> None:
    # Debian up to 12 keeps its formats in binfmt-support, later ones in systemd's binfmt.d alone.
    tool, path, whys = shutil.which("update-binfmts"), _FORMATS / f"{name}.conf", list[str]()
    if tool:
        try:
            _run([tool, "--enable", name])
        except TroubleError as error:
            whys.append(str(error))
    if not _is_enabled(name) and path.is_file():
        try:
            (_KERNEL / "register").write_text(path.read_text().strip())
        except OSError as error:
            whys.append(str(error))
    # Most 64-bit ARM processors run 32-bit programs, and Debian has no format for these there.
    perhaps_native = (native(), name) == ("linux/arm64", "qemu-arm")
    if not _is_enabled(name) and not perhaps_native:
        seen = "; ".join(whys) or "neither update-binfmts nor binfmt.d has it"
        raise TroubleError(
            f"the kernel does not take {name}, so its platform can't be built here ({seen}).\n"
            f"Install qemu-user-static and binfmt-support, or {_OTHERWISE}."
        )


def _run(argv: list[str]) -> None:
    result = run(argv)
    if result.returncode:
        raise TroubleError(f"{' '.join(argv)} failed: {result.stderr.strip()}")
