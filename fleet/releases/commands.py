"""The commands that ask the outside what a declaration needs."""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

import yaml

from fleet.checkout.lock_file import lock_file, read_lock
from fleet.checkout.stack_config import config_file, declaration_of_file, whole_stack
from fleet.command import Commands, add_lock_flags
from fleet.console import TroubleError, say
from fleet.declaration.model import Declaration
from fleet.declaration.problems import DeclarationError, Problem
from fleet.http.blocking import Blocking
from fleet.http.errors import ReadableError
from fleet.lock.model import Base
from fleet.releases.discovery.discover import discovered
from fleet.releases.discovery.release_cycle import cycles
from fleet.releases.internet import of_the_internet
from fleet.releases.lock.base_moves import moved_inside
from fleet.releases.lock.lifetimes import lacking, with_lifetimes
from fleet.releases.lock.locking import completed
from fleet.releases.pypi.fetch import open_client
from fleet.releases.report import told
from fleet.releases.sources import Refresh, Sources
from fleet.releases.writing import text_of, write_all


def add_to(commands: Commands) -> None:
    """Add the commands of this room."""
    commands.add("versions", _versions)
    add_lock_flags(commands.add("resolve", _resolve))


def _versions(chosen: argparse.Namespace) -> int:
    """Write the declaration and the lock, or neither where a source is down or talks nonsense."""
    notes: list[str] = []
    with _left("Nothing was changed."):
        # The declaration of a part is that of the whole.
        root, stack = chosen.root, whole_stack(chosen.root, chosen.stack)
        declaration = declaration_of_file(config_file(root, stack))
        builders = read_lock(lock_file(root, stack, declaration)).builders
        with _outside(root, declaration, builders, notes) as (client, sources):
            today = datetime.now(UTC).date()
            found = discovered(root, stack, sources, cache(partial(cycles, client)), today)
        write_all(found.after, found.before)
    # Both files are written by now, whether or not the rest can be told.
    moves = moved_inside(found.held, found.lock, declaration.images, sources)
    # A person at a terminal gets a row for each base.
    whole = sys.stdout is None or not sys.stdout.isatty()
    text = told(found, root, notes, moves, whole=whole)
    print(text, end="", flush=True)
    return 0


def _resolve(chosen: argparse.Namespace) -> int:
    """Bring the lock up to its declaration; write it only when it changed."""
    with _left("The lock was left as it is."):
        # A lock is the whole fleet's: written for a part, it would lose what the others need.
        root, stack = chosen.root, whole_stack(chosen.root, chosen.stack)
        declaration = declaration_of_file(config_file(root, stack))
        path = lock_file(root, stack, declaration)
        held = read_lock(path)
        # Bases on this machine are always asked for again: they may have been made again.
        local, builders = declaration.is_local, chosen.refresh == "builders"
        again = Refresh(
            bases=bool(chosen.refresh) or local,
            builders=builders or local,
            installer=builders,
            yanked=bool(chosen.refresh),
            newest=_named(chosen.newest, declaration),
        )
        known = {} if builders else held.builders
        with _outside(root, declaration, known, []) as (client, sources):
            made = completed(held, declaration, sources, again)
            # Not in each run for a registry on this machine: that asks nobody for what it has.
            if chosen.refresh or (not local and lacking(made, declaration)):
                today = datetime.now(UTC).date()
                asked = partial(cycles, client)
                made = with_lifetimes(made, declaration, asked, today, sources.note)
        if made != held:
            write_all({path: text_of(made)})
    for line in moved_inside(held, made, declaration.images, sources).lines:
        say(line)
    return 0


@contextmanager
def _left(what: str) -> Iterator[None]:
    """Say ``what`` was left, before the reason; the headline of a declaration says so itself."""
    try:
        yield
    except (TroubleError, ReadableError, OSError) as error:
        raise TroubleError(f"{what} {error}") from error


@contextmanager
def _outside(
    root: Path, declaration: Declaration, builders: Mapping[str, Base], notes: list[str]
) -> Iterator[tuple[Blocking, Sources]]:
    """Yield a client and the sources that ask with it; ``builders`` are those that a lock holds."""
    local = declaration.is_local
    _choose_logins(root, local=local)
    # A declared mirror has the official bases, or it is an error.
    stand_ins = _stand_ins(root) if local and not declaration.base_registry else {}
    known = {} if local else builders
    with open_client() as client:
        sources = of_the_internet(
            client, declaration, root=root, stand_ins=stand_ins, builders=known, notes=notes,
            now=datetime.now(UTC),
        )  # fmt: skip
        yield client, sources


def _named(newest: str, declaration: Declaration) -> frozenset[str]:
    known = [image.name for image in declaration.images]
    if newest not in ("", "all", *known):
        what, remedy = f"no image {newest!r} is declared", f"Name one of {', '.join(known)}, or all"
        raise DeclarationError([Problem(path="--newest", what=what, remedy=remedy)])
    return frozenset(known if newest == "all" else filter(None, [newest]))


def _choose_logins(root: Path, *, local: bool) -> None:
    """Have every client know the registry of this machine where it is ``local``.

    Elsewhere the user's own logins count, also where `make env` has put ours before them.
    """
    ours = root / ".fleet"
    bundle, logins = ours / "tls" / "bundle.pem", ours / "docker"
    if local:
        if (logins / "config.json").exists():
            os.environ["DOCKER_CONFIG"] = str(logins)
        if bundle.exists():
            # It holds the registry's authority beside all that the machine trusts.
            os.environ["SSL_CERT_FILE"] = str(bundle)
    elif Path(os.environ.get("DOCKER_CONFIG") or "/").resolve().is_relative_to(ours.resolve()):
        del os.environ["DOCKER_CONFIG"]


def _stand_ins(root: Path) -> Mapping[str, str]:
    """Return the base images that were made on this machine, by ``{python}-{base}``."""
    path = root / ".fleet" / "bases.yaml"
    return yaml.safe_load(path.read_text()) or {} if path.exists() else {}
