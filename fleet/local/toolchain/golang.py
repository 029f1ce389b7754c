"""The Go that builds the toolchain: on PATH, or where its makers' archive puts it."""

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from fleet.console import TroubleError
from fleet.local.child_environment import child_environment, run
from fleet.local.toolchain.lacking import OLDEST, Lacking, sentence

# The first that fetches a newer Go by itself.
_FETCHES = (1, 21)
# sudo sets a PATH of its own, and go.dev's instructions put Go into a folder outside of it.
_FOLDER = Path("/usr/local/go/bin")
# Those of `go help environment` that say where modules come from and where the caches lie, and the
# folders that they are in by default.
_SETTINGS = (
    "CC", "CXX", "GOAUTH", "GOCACHE", "GOENV", "GOFLAGS", "GOINSECURE", "GOMAXPROCS", "GOMEMLIMIT",
    "GOMODCACHE", "GONOPROXY", "GONOSUMDB", "GOPATH", "GOPRIVATE", "GOPROXY", "GOSUMDB", "GOTMPDIR",
    "GOTOOLCHAIN", "NETRC", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
)  # fmt: skip


class NoGoError(TroubleError):
    """There is no Go that can build the ``lacking`` programs."""

    def __init__(self, lacking: Lacking) -> None:
        super().__init__(f"{lacking.seen}\n{sentence(lacking.remedy)}")
        self.lacking = lacking


def require(names: Sequence[str], *, unrecorded: Iterable[str] = ()) -> Path:
    """Return a ``go`` that can build the modules called ``names``.

    Of the archives of those in ``unrecorded``, no SHA-256 is recorded.

    :raises NoGoError: when there is none; it says what needs it and the ways out.
    """
    go, why = _find()
    if go is None:
        kept = frozenset(unrecorded)
        raise NoGoError(Lacking(names=tuple(names), unrecorded=kept, no_go=why))
    return go


def is_there() -> bool:
    """Tell whether there is a Go that can build what can't be downloaded."""
    return _find()[0] is not None


def _find() -> tuple[Path | None, str]:
    """Return a ``go`` that is new enough, or None and why there is none.

    An older one, from 1.21 on, fetches the Go that a module asks for, checked by Go's checksum
    database, where its setting GOTOOLCHAIN lets it: that is Go's default (go.dev/doc/toolchain).
    """
    seen = []
    fetching = None
    for found in _candidates():
        answer = _answer(found, "version", GOTOOLCHAIN="local")
        parts = re.search(r"go(\d+)\.(\d+)", answer)
        version = tuple(map(int, parts.groups())) if parts else ()
        if version >= OLDEST:
            return Path(found), ""
        may_fetch = version >= _FETCHES and "auto" in _answer(found, "env", "GOTOOLCHAIN")
        fetching = fetching or (Path(found) if may_fetch else None)
        kept = ", and GOTOOLCHAIN is not auto" if version >= _FETCHES else ""
        seen.append(f"{found} is too old ({answer or 'of no known version'}{kept})")
    return fetching, "; ".join(seen) or f"there is none on PATH or in {_FOLDER}"


def caches() -> tuple[Path, Path] | None:
    """Return the folders of what Go built, and of modules; ``None`` where no Go says so."""
    for go in _candidates():
        # This one answers, and fetches no Go that a go.mod of the current folder asks for.
        answer = _answer(go, "env", "GOCACHE", "GOMODCACHE", GOTOOLCHAIN="local")
        found = [Path(line) for line in answer.splitlines()]
        if len(found) == 2 and all(path.is_absolute() for path in found):  # noqa: PLR2004 - as asked
            return found[0], found[1]
    return None


def environment() -> dict[str, str]:
    """Return the environment that Go builds in: its own settings, and no secret of the shell's."""
    own = {name: os.environ[name] for name in _SETTINGS if name in os.environ}
    return child_environment(**own)


def _candidates() -> list[str]:
    places = (os.environ.get("PATH", os.defpath), str(_FOLDER))
    return list(dict.fromkeys(f for place in places if (f := shutil.which("go", path=place))))


def _answer(go: str, *words: str, **settings: str) -> str:
    try:
        return run([go, *words], env=environment() | settings).stdout.strip()
    except OSError:
        return ""
