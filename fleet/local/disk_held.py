"""The room that registry, builder and cache hold on the disk, for `make status`."""

from collections.abc import Iterator
from pathlib import Path

from fleet.console import TroubleError
from fleet.local.child_environment import run
from fleet.local.disk_space import BUILDER_KEEPS
from fleet.local.docker import daemons, record
from fleet.local.docker.engine import open_engine
from fleet.local.paths import Checkout
from fleet.units import in_units

_BOUND = f"kept below {in_units(BUILDER_KEEPS)}"


def report(checkout: Checkout) -> str:
    """Return a line with what is held; empty where nothing is, or nothing can be seen."""
    parts = [f"{title} {in_units(size)}{more}" for title, size, more in _held(checkout) if size]
    return f"disk: {', '.join(parts)}" if parts else ""


def _held(checkout: Checkout) -> Iterator[tuple[str, int, str]]:
    """Yield each thing, its bytes, and more words on it."""
    if endpoint := record.endpoint(checkout):
        registry, builder = _in_docker(checkout, endpoint)
    else:
        registry, builder = (_size(checkout.state / name) for name in ("registry", "buildkit"))
    yield "registry", registry, ""
    yield "BuildKit's cache", builder, f" ({_BOUND})"
    yield "tools and bases of all checkouts", _size(checkout.cache), f" ({checkout.cache})"


def _in_docker(checkout: Checkout, endpoint: str) -> tuple[int, int]:
    """Return the bytes of the registry's and of the builder's volume; 0 of what does not run."""
    places = (
        (daemons.registry_name(checkout), daemons.IMAGES),
        (daemons.builder_name(checkout), daemons.CACHE),
    )
    try:
        engine = open_engine(checkout, endpoint)
        registry, builder = (
            _kilobytes(engine.try_("exec", name, "du", "-sk", path).stdout.decode())
            for name, path in places
        )
    except TroubleError:
        return 0, 0
    return registry, builder


def _size(folder: Path) -> int:
    # What another process removes meanwhile is a complaint and no failure.
    return _kilobytes(run(["du", "-sk", str(folder)]).stdout) if folder.exists() else 0


def _kilobytes(printed: str) -> int:
    """Return bytes by what ``du -sk`` prints (POSIX: units of 1,024 bytes)."""
    number = printed.partition("\t")[0].strip()
    return int(number) * 1024 if number.isdigit() else 0
