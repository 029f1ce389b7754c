"""``python -m releases lock --stack NAME``: resolve what a declaration needs from outside."""

import argparse
import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import httpx
import yaml

from fleet.declaration import Declaration
from fleet.lock_format import values_of
from fleet.problems import DeclarationError, Problems
from inputs.locks import is_local, lock_file, read_lock
from inputs.stack import config_file, declaration_of_file, whole_stack
from providers.oci.errors import OciError
from releases import pypi, requirements
from releases.bases import BaseError
from releases.locking import completed
from releases.registry import platform_digests
from releases.sdists import build_requires
from releases.sources import Refresh, Sources
from releases.tools import ToolError

_HEADER = "# Written by `make lock`: what was resolved from outside. Not to be edited by hand.\n"
_FAULTS = (
    DeclarationError,
    BaseError,
    OciError,
    pypi.PackageIndexError,
    requirements.ResolutionError,
    ToolError,
)
_ALL = "all"


def main(arguments: list[str]) -> int:
    """Return 0 when the lock covers the declaration, else 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m releases", description=__doc__)
    parser.add_argument("command", choices=["lock"])
    parser.add_argument("--stack", default="dev")
    parser.add_argument("--root", type=Path, default=Path.cwd())
    parser.add_argument(
        "--refresh", action="store_true", help="ask again for base digests and yanked versions"
    )
    parser.add_argument(
        "--newest",
        default="",
        metavar="IMAGE",
        help=f"resolve the distributions of this image anew, or those of {_ALL}",
    )
    chosen = parser.parse_args(arguments)
    try:
        lock(chosen.root, chosen.stack, refresh=chosen.refresh, newest=chosen.newest)
    except _FAULTS as error:
        print(f"The lock was left as it is. {error}", file=sys.stderr)
        return 1
    return 0


def lock(root: Path, stack: str, *, refresh: bool, newest: str = "") -> None:
    """Bring the lock of ``stack`` up to its declaration; write it only when it changed.

    ``refresh`` asks again for base digests and yanked versions. ``newest`` resolves the
    distributions of an image anew, or of ``all``.

    Bases of a registry on this machine are always asked for again: that costs milliseconds, and
    they may have been made anew. Elsewhere stand-ins of this machine count for nothing.
    """
    # A lock is the whole fleet's: written for a part, it would lose what the others need.
    stack = whole_stack(root, stack)
    declaration = declaration_of_file(config_file(root, stack))
    path = lock_file(root, stack, declaration)
    held = read_lock(path)
    local = is_local(declaration)
    again = Refresh(
        bases=refresh or local,
        builders=local,
        yanked=refresh,
        newest=_named(newest, declaration),
    )
    with httpx.Client() as client:
        sources = of_the_internet(client, _stand_ins(root) if local else {})
        made = completed(held, declaration, sources, again)
    if made != held:
        _write(path, _HEADER + yaml.safe_dump(values_of(made), sort_keys=False, width=100))


def of_the_internet(client: httpx.Client, stand_ins: Mapping[str, str]) -> Sources:
    """Return PyPI and base registries, each file list and source distribution asked for once."""
    return Sources(
        distributions=requirements.resolve,
        yanked=lambda package: pypi.yanked(package, client),
        files=cache(lambda distribution: pypi.files(distribution, client)),
        build_requires=cache(lambda file: build_requires(file.name, pypi.content(file, client))),
        platforms=platform_digests,
        stand_ins=stand_ins,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )


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


def _stand_ins(root: Path) -> Mapping[str, str]:
    """Return the base images that were made on this machine, by ``{python}-{base}``."""
    path = root / ".fleet" / "bases.yaml"
    return yaml.safe_load(path.read_text()) or {} if path.exists() else {}


def _write(path: Path, text: str) -> None:
    """Replace ``path`` whole, so that a crash leaves the old lock or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
