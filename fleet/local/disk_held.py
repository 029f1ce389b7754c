"""The room that registry, builder and caches hold on the disk, for `make status`."""

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from fleet.console import TroubleError
from fleet.local.child_environment import run
from fleet.local.disk_space import BUILDER_KEEPS
from fleet.local.docker import daemons, record
from fleet.local.docker.engine import open_engine
from fleet.local.paths import Checkout
from fleet.local.reach import exists
from fleet.local.toolchain import golang
from fleet.units import in_units

REGISTRY_LARGE: Final = 10 * 10**9
"""Bytes from which on the line says what empties the registry: several times a small fleet's."""

_SECONDS = 10.0
_BOUND = f" (kept below {in_units(BUILDER_KEEPS)})"
_EMPTYING = (
    "disk: the registry keeps what was ever built. make prune APPLY=1 deletes what is superseded, "
    "make down and make up then free its bytes"
)


@dataclass(frozen=True, kw_only=True)
class _Thing:
    """What holds room: ``measure`` returns its bytes, ``None`` where they can't be had in time.

    ``more`` is said of it beside its size, ``unseen`` in place of that.
    """

    title: str
    measure: Callable[[], int | None]
    unseen: str
    more: str = ""


def report(checkout: Checkout) -> str:
    """Return lines with what is held, and what can't be measured; empty where there is nothing.

    Each is measured for 10 s at most, all at the same time.
    """
    registry, builder = _daemons(checkout)
    things = [registry, builder, *_folders(checkout)]
    with ThreadPoolExecutor(max_workers=len(things)) as pool:
        sizes = list(pool.map(lambda thing: thing.measure(), things))
    found = list(zip(things, sizes, strict=True))
    seen = [f"{thing.title} {in_units(size)}{thing.more}" for thing, size in found if size]
    unseen = [f"{thing.title} ({thing.unseen})" for thing, size in found if size is None]
    lines = [f"disk: {', '.join(seen)}"] if seen else []
    lines += [f"disk: not measured: {', '.join(unseen)}"] if unseen else []
    lines += [_EMPTYING] if (sizes[0] or 0) >= REGISTRY_LARGE else []
    return "\n".join(lines)


def _daemons(checkout: Checkout) -> Iterator[_Thing]:
    """Yield the registry and the builder's cache, in Docker or in the checkout's state."""
    endpoint = record.endpoint(checkout)
    registry, builder = ("registry", ""), ("BuildKit's cache", _BOUND)
    if not endpoint:
        yield _folder(*registry, checkout.state / "registry")
        yield _folder(*builder, checkout.state / "buildkit")
        return
    for (title, more), name, path in (
        (registry, daemons.registry_name(checkout), daemons.IMAGES),
        (builder, daemons.builder_name(checkout), daemons.CACHE),
    ):
        yield _Thing(
            title=title,
            more=more,
            measure=partial(_in_container, checkout, endpoint, name, path),
            unseen="its container does not run or does not answer",
        )


def _folders(checkout: Checkout) -> Iterator[_Thing]:
    """Yield what lies in this machine's folders in any case."""
    cache = checkout.cache
    yield _folder("tools and bases of all checkouts", f" ({cache})", cache)
    yield _folder(".venv", "", checkout.root / ".venv")
    # Without programs of ours they are of others.
    caches = golang.caches() if exists(cache / "tools") else None
    if there := [str(each) for each in caches or () if exists(each)]:
        # So many files that counting them takes longer than all else here.
        yield _Thing(title="Go's caches", measure=lambda: None, unseen=f"du -sh {' '.join(there)}")


def _folder(title: str, more: str, folder: Path) -> _Thing:
    return _Thing(
        title=title,
        more=more,
        measure=partial(_size, folder),
        unseen=f"more than {_SECONDS:.0f} s: du -sh {folder}",
    )


def _in_container(checkout: Checkout, endpoint: str, name: str, path: str) -> int | None:
    """Return the bytes of a volume as the container that has it says; ``None`` if it does not."""
    try:
        engine = open_engine(checkout, endpoint)
        done = engine.try_("exec", name, "du", "-sk", path, seconds=_SECONDS)
    except TroubleError:
        return None
    return None if done.returncode else _kilobytes(done.stdout.decode())


def _size(folder: Path) -> int | None:
    if not exists(folder):
        return 0
    try:
        # What another process removes meanwhile is a complaint and no failure.
        return _kilobytes(run(["du", "-sk", str(folder)], timeout=_SECONDS).stdout)
    except subprocess.TimeoutExpired:
        return None


def _kilobytes(printed: str) -> int:
    """Return bytes by what ``du -sk`` prints (POSIX: units of 1,024 bytes)."""
    number = printed.partition("\t")[0].strip()
    return int(number) * 1024 if number.isdigit() else 0
