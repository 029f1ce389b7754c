"""The commands that ask the outside what a declaration needs."""

import argparse
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import yaml

from fleet.checkout.lock_file import is_local, lock_file, read_lock
from fleet.checkout.stack_config import config_file, declaration_of_file, whole_stack
from fleet.command import Commands, add_lock_flags
from fleet.console import TroubleError
from fleet.declaration.model import Declaration
from fleet.declaration.problems import Problems
from fleet.registry.errors import OciError
from fleet.releases.discovery.change import DiscoveryError
from fleet.releases.discovery.discover import discovered
from fleet.releases.discovery.release_cycle import CycleError, cycles
from fleet.releases.internet import Here, of_the_internet
from fleet.releases.lock import requirements
from fleet.releases.lock.bases import BaseError
from fleet.releases.lock.build_tools import ToolError
from fleet.releases.lock.builders import BuilderError
from fleet.releases.lock.locking import completed
from fleet.releases.pypi import pypi
from fleet.releases.pypi.fetch import FetchError, open_client
from fleet.releases.report import told
from fleet.releases.sources import Refresh
from fleet.releases.writing import text_of, write_all
from fleet.releases.yaml_edit import EditError

_FAULTS = (
    BaseError,
    BuilderError,
    OciError,
    pypi.PackageIndexError,
    requirements.ResolutionError,
    ToolError,
    CycleError,
    DiscoveryError,
    EditError,
    FetchError,
    OSError,
)
_ALL = "all"
_BUILDERS = "builders"


def add_to(commands: Commands) -> None:
    """Add the commands of this room."""
    text = "Have the declaration and its lock follow new releases; print what changed and why"
    commands.add("versions", text, _versions)
    text = "Resolve what the lock does not cover, with what this machine has (lock prepares that)"
    add_lock_flags(commands.add("resolve", text, _resolve))


def _versions(chosen: argparse.Namespace) -> int:
    with _left("Nothing was changed."):
        text = versions(chosen.root, chosen.stack)
    # Both files are written by now, whether or not this can be.
    print(text, end="", flush=True)
    return 0


def _resolve(chosen: argparse.Namespace) -> int:
    with _left("The lock was left as it is."):
        lock(chosen.root, chosen.stack, refresh=chosen.refresh or "", newest=chosen.newest)
    return 0


@contextmanager
def _left(what: str) -> Iterator[None]:
    """Say ``what`` was left, before the reason; the headline of a declaration says so itself."""
    try:
        yield
    except _FAULTS as error:
        raise TroubleError(f"{what} {error}") from error


def versions(root: Path, stack: str) -> str:
    """Have the declaration and lock of ``stack`` follow new releases; return what changed and why.

    Both files are written, or none: also none when a source is down, empty, malformed, oversized
    or lacks most of what is declared.
    """
    # The declaration of a part is that of the whole.
    stack = whole_stack(root, stack)
    declaration = declaration_of_file(config_file(root, stack))
    local = is_local(declaration)
    if local:
        _trust_own_registry(root)
    else:
        _ask_as_the_user(root)
    notes: list[str] = []
    with open_client() as client:
        here = Here(
            root=root,
            stand_ins=_stand_ins(root) if local else {},
            builders={} if local else read_lock(lock_file(root, stack, declaration)).builders,
        )
        sources = of_the_internet(client, declaration, here, notes)
        today = datetime.now(UTC).date()
        found = discovered(root, stack, sources, partial(cycles, client), today)
    write_all(found.after, found.before)
    return told(found, root, notes)


def lock(root: Path, stack: str, *, refresh: str, newest: str = "") -> None:
    """Bring the lock of ``stack`` up to its declaration; write it only when it changed.

    ``refresh`` asks again for base digests and yanked versions, and where it is ``builders`` for
    the images that install and compile and for the installer too: every image is then built anew.
    ``newest`` resolves the distributions of an image anew, or of ``all``.

    Bases of a registry on this machine are always asked for again: that costs milliseconds, and
    they may have been made anew. Elsewhere stand-ins of this machine count for nothing.
    """
    # A lock is the whole fleet's: written for a part, it would lose what the others need.
    stack = whole_stack(root, stack)
    declaration = declaration_of_file(config_file(root, stack))
    path = lock_file(root, stack, declaration)
    held = read_lock(path)
    local = is_local(declaration)
    if not local:
        _ask_as_the_user(root)
    again = Refresh(
        bases=bool(refresh) or local,
        builders=refresh == _BUILDERS or local,
        installer=refresh == _BUILDERS,
        yanked=bool(refresh),
        newest=_named(newest, declaration),
    )
    with open_client() as client:
        here = Here(
            root=root,
            stand_ins=_stand_ins(root) if local else {},
            builders={} if again.builders else held.builders,
        )
        sources = of_the_internet(client, declaration, here, [])
        made = completed(held, declaration, sources, again)
    if made != held:
        write_all({path: text_of(made)})


def _named(newest: str, declaration: Declaration) -> frozenset[str]:
    """Return the images that ``newest`` names.

    :raises DeclarationError: when it names none.
    """
    known = [image.name for image in declaration.images]
    if newest not in ("", _ALL, *known):
        problems = Problems()
        remedy = f"Name one of {', '.join(known)}, or {_ALL}"
        problems.add("--newest", f"no image {newest!r} is declared", remedy)
        problems.raise_if_any()
    return frozenset(known if newest == _ALL else filter(None, [newest]))


def _trust_own_registry(root: Path) -> None:
    """Have every client know the registry of this machine: its authority, and its login.

    The bundle holds its authority beside all that the machine trusts.
    """
    bundle, logins = root / ".fleet" / "tls" / "bundle.pem", root / ".fleet" / "docker"
    if (logins / "config.json").exists():
        os.environ["DOCKER_CONFIG"] = str(logins)
    if bundle.exists():
        os.environ["SSL_CERT_FILE"] = str(bundle)


def _ask_as_the_user(root: Path) -> None:
    """Take the user's own logins where `make env` has put ours of this checkout before them."""
    named = Path(os.environ.get("DOCKER_CONFIG") or "/")
    if named.resolve().is_relative_to((root / ".fleet").resolve()):
        del os.environ["DOCKER_CONFIG"]


def _stand_ins(root: Path) -> Mapping[str, str]:
    """Return the base images that were made on this machine, by ``{python}-{base}``."""
    path = root / ".fleet" / "bases.yaml"
    return yaml.safe_load(path.read_text()) or {} if path.exists() else {}
