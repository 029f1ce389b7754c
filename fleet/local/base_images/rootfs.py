"""Root file systems from Debian packages, kept in the user's cache by the key of their recipe."""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NamedTuple

from fleet.console import TroubleError, tail_of
from fleet.local.child_environment import child_environment, run
from fleet.local.paths import Checkout
from fleet.local.platforms import is_linux

_MIRROR = "http://deb.debian.org/debian"
_SECURITY = "http://deb.debian.org/debian-security"
_FINISH = Path(__file__).with_name("rootfs.sh")

_SLIM = (
    "base-files", "base-passwd", "bash", "ca-certificates", "coreutils", "dash", "debianutils",
    "findutils", "grep", "gzip", "hostname", "libc-bin", "libstdc++6", "python3", "python3-pip",
    "python3-venv", "sed", "tar",
)  # fmt: skip
_COMPILERS = ("g++", "libc6-dev", "libffi-dev", "make", "python3-dev")
PACKAGES: Final = {"slim": _SLIM, "full": (*_SLIM, *_COMPILERS)}
"""By base; the official full image has compilers, the slim one has none.

Both have the C++ library, which wheels load that were compiled from C++ (greenlet's).
"""


class Suite(NamedTuple):
    """A release of Debian by its codename, and by its alias, which moves on to a later one."""

    codename: str
    alias: str


SUITES: Final = {"3.11": Suite("bookworm", "oldstable"), "3.13": Suite("trixie", "stable")}
"""By Python, the release of Debian that carries it."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One root file system: ``architecture`` is Debian's name, ``python`` such as ``3.11``.

    The ``native`` one is of this machine's own architecture, so that its Python can run.
    """

    python: str
    base: str
    architecture: str
    native: bool

    @property
    def key(self) -> str:
        """The SHA-256 of all that decides the archive but for the packages' own versions."""
        parts = {
            **asdict(self),
            "suite": SUITES[self.python].codename,
            "packages": PACKAGES[self.base],
            "finish": _FINISH.read_text(),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def place(checkout: Checkout, recipe: Recipe) -> Path:
    """Return the folder of the root file system of ``recipe`` in the cache, be it made or not."""
    name = f"{recipe.python}-{recipe.base}-{recipe.architecture}-{recipe.key}"
    return checkout.cache / "rootfs" / name


def ensure(checkout: Checkout, recipe: Recipe, trusted: Path) -> Path:
    """Return the folder of the root file system of ``recipe``, made when the cache lacks it.

    ``rootfs.tar.gz`` is the layer, ``version`` the full version of the Python in it, and of the
    native one ``common.tar.gz`` the layer that goes on every platform's. ``trusted`` is a bundle of
    authorities, which pip wants to see even to install from a file.

    :raises TroubleError: when no state of the mirror yields it.
    """
    folder = place(checkout, recipe)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
        try:
            _make(recipe, made, trusted)
            made.replace(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return folder


def sources(codename: str, alias: str) -> list[list[str]]:
    """Return lists of APT sources to try in turn.

    A mirror in the middle of a synchronisation has an index that its signed release file doesn't
    name. The security archive can be so, and after a point release the suite itself, while the
    alias still is the whole release before it.
    """
    main = f"deb {_MIRROR} {codename} main"
    security = f"deb {_SECURITY} {codename}-security main"
    return [[main, security], [main], [f"deb {_MIRROR} {alias} main"]]


def _make(recipe: Recipe, folder: Path, trusted: Path) -> None:
    complaints = ""
    for lines in sources(*SUITES[recipe.python]):
        result = _mmdebstrap(recipe, folder, lines, trusted)
        if result.returncode == 0:
            return
        complaints = result.stderr
    raise TroubleError(
        f"mmdebstrap could not make the stand-in python:{recipe.python} ({recipe.base}) for "
        f"{recipe.architecture} from {_MIRROR}. Its last lines:\n{tail_of(complaints)}"
    )


def can_make() -> bool:
    """Tell whether this user can make one: root, or who may have user ids of its own namespace.

    mmdebstrap then needs the kernel's leave, newuidmap, and a range in /etc/subuid and /etc/subgid
    (mmdebstrap(1), "unshare"); unshare(1) asks for the same.
    """
    if not is_linux() or os.geteuid() == 0:
        return is_linux()
    if not (shutil.which("mmdebstrap") and shutil.which("unshare")):
        return False
    return run(["unshare", "--map-root-user", "--map-auto", "true"]).returncode == 0


def _hooks(recipe: Recipe, folder: Path, trusted: Path) -> list[str]:
    """Return the commands that end it, which mmdebstrap hands files in and out.

    The root of a namespace may neither read nor write what is this user's.
    """
    ours, quoted = '"$1"/fleet', shlex.quote
    bundle = f" {ours}/trusted" if recipe.native else ""
    made = ["version", *(["common.tar.gz"] if recipe.native else [])]
    return [
        f"mkdir {ours}",
        f"upload {quoted(str(_FINISH))} /fleet/finish",
        *([f"upload {quoted(str(trusted))} /fleet/trusted"] if recipe.native else []),
        f'sh {ours}/finish "$1" {recipe.python} {ours}{bundle}',
        *(f"download /fleet/{name} {quoted(str(folder / name))}" for name in made),
        f"rm -r {ours}",
    ]


def _mmdebstrap(
    recipe: Recipe, folder: Path, lines: list[str], trusted: Path
) -> subprocess.CompletedProcess[str]:
    """Extract the packages without configuring any: no emulation, and the same bytes each time."""
    argv = [
        "mmdebstrap",
        f"--mode={'root' if os.geteuid() == 0 else 'unshare'}",
        "--variant=extract",
        f"--architectures={recipe.architecture}",
        f"--include={','.join(PACKAGES[recipe.base])}",
        "--aptopt=Acquire::Retries 3",
        *(f"--extract-hook={hook}" for hook in _hooks(recipe, folder, trusted)),
        SUITES[recipe.python].codename,
        str(folder / "rootfs.tar.gz"),
        "-",
    ]
    env = child_environment(SOURCE_DATE_EPOCH="0")
    return run(argv, input="\n".join(lines), env=env)
