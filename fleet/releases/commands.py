"""``python -m releases COMMAND --stack NAME``: ask the outside what a declaration needs.

``lock`` resolves it; ``versions`` also has the declaration follow new releases.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import yaml

from fleet.checkout.lock_file import is_local, lock_file, read_lock
from fleet.checkout.stack_config import config_file, declaration_of_file, whole_stack
from fleet.declaration.model import Declaration
from fleet.declaration.problems import DeclarationError, Problems
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
from fleet.releases.yaml_edit.edit import EditError

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
_LEFT = "The lock was left as it is."


def main(arguments: list[str]) -> int:
    """Return 0 when the lock covers the declaration, else 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m releases", description=__doc__)
    parser.add_argument("command", choices=["lock", "versions"])
    parser.add_argument("--stack", default="dev")
    parser.add_argument("--root", type=Path, default=Path.cwd())
    text = f"with lock: ask again for base digests and yanked versions; {_BUILDERS}: and for these"
    parser.add_argument("--refresh", nargs="?", const="1", choices=["1", _BUILDERS], help=text)
    text = f"with lock: resolve the distributions of this image anew, or those of {_ALL}"
    parser.add_argument("--newest", default="", metavar="IMAGE", help=text)
    chosen = parser.parse_args(arguments)
    if chosen.command == "versions" and (chosen.refresh or chosen.newest):
        parser.error("--refresh and --newest go with lock")
    try:
        if chosen.command == "versions":
            versions(chosen.root, chosen.stack)
        else:
            lock(chosen.root, chosen.stack, refresh=chosen.refresh or "", newest=chosen.newest)
    except DeclarationError as error:
        # Its own headline says that nothing was changed.
        print(error, file=sys.stderr)
        return 1
    except _FAULTS as error:
        what = "Nothing was changed." if chosen.command == "versions" else _LEFT
        print(f"{what} {error}", file=sys.stderr)
        return 1
    return 0


def versions(root: Path, stack: str) -> None:
    """Have the declaration and lock of ``stack`` follow new releases; print what changed and why.

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
    print(told(found, root, notes), end="")


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
