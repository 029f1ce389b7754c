"""Binaries from Go modules, built once per user and kept by the key of what they are made from."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from fleet.console import TroubleError, tail_of
from fleet.local.child_environment import run
from fleet.local.paths import Checkout
from fleet.local.remaining import UNKNOWN, Remaining
from fleet.local.run_lock import alone
from fleet.local.toolchain import golang
from fleet.local.toolchain.modules import Module


def place(checkout: Checkout, module: Module) -> Path:
    """Return the folder that the binaries of ``module`` lie in, once they are built."""
    parts = (module, *module.beside)
    names = (f"{part.name}-{part.key(checkout.root)}" for part in parts)
    return checkout.cache / "tools" / "+".join(names)


def alone_in_cache(checkout: Checkout) -> AbstractContextManager[None]:
    """Keep out every other run that would put programs into the user's cache."""
    return alone(checkout.cache / "tools" / ".lock", "toolchain: waiting for another run's tools")


def missing(checkout: Checkout, modules: Sequence[Module]) -> list[Module]:
    """Return those of ``modules`` that the cache lacks."""
    return [module for module in modules if not place(checkout, module).is_dir()]


def ensure(checkout: Checkout, modules: Sequence[Module], remaining: Remaining = UNKNOWN) -> None:
    """Build those of ``modules`` that the cache lacks; two runs at a time build each but once.

    While one is compiled, what the others are built from is downloaded.

    :raises TroubleError: when Go is missing or too old, or a build fails.
    """
    if not missing(checkout, modules):
        return
    with alone_in_cache(checkout):
        wanted = missing(checkout, modules)
        if not wanted:
            return
        go = str(golang.require([module.name for module in wanted]))
        with _fetching(go, checkout, wanted[1:]):
            for module in wanted:
                what = f"toolchain: building {module.name} from Go modules"
                with remaining.step(module.name, what):
                    _build(go, checkout, module)


def _source(checkout: Checkout, module: Module) -> Path:
    return checkout.root / "toolchain" / module.name


@contextmanager
def _fetching(go: str, checkout: Checkout, modules: Sequence[Module]) -> Iterator[None]:
    """Download the sources of ``modules`` in the background, those that are compiled and no other.

    What fails is downloaded by the build, which says why. At the end what is left is stopped.
    """
    nothing = subprocess.DEVNULL
    with ExitStack() as fetching:
        for module in (part for wanted in modules for part in (wanted, *wanted.beside)):
            process = subprocess.Popen(
                [go, "list", "-deps", *module.packages], cwd=_source(checkout, module),
                env=golang.environment(), stdin=nothing, stdout=nothing, stderr=nothing,
            )  # fmt: skip
            fetching.callback(_end, process)
        yield


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait()


def _build(go: str, checkout: Checkout, module: Module) -> None:
    """Build into a folder of its own, which gets its place only when it is whole."""
    folder = place(checkout, module)
    made = Path(tempfile.mkdtemp(prefix=f".{module.name}-", dir=folder.parent))
    try:
        for part in (module, *module.beside):
            _build_into(made, go, _source(checkout, part), part)
        made.chmod(0o755)
        made.replace(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _build_into(made: Path, go: str, source: Path, module: Module) -> None:
    # With the linker's flags in argv alone, GOFLAGS of the user's can't change the binaries.
    _run([go, "build", *module.flags, "-o", f"{made}/", *module.packages], source, module)
    for name in module.files:
        _copy_script(source / name, made / name)
    for name, (required, path) in module.scripts.items():
        where = _run([go, "list", "-m", "-f", "{{.Dir}}", required], source, module).strip()
        _copy_script(Path(where) / path, made / name)


def _copy_script(source: Path, target: Path) -> None:
    # Files of the module cache are read-only there.
    shutil.copyfile(source, target)
    target.chmod(0o755)


def _run(argv: list[str], source: Path, module: Module) -> str:
    """Return what ``argv`` prints; its complaints are shown only when it fails."""
    result = run(argv, cwd=source, env=golang.environment())
    if result.returncode:
        raise TroubleError(
            f"toolchain/{module.name} did not build: go {argv[1]} ended with "
            f"{result.returncode}. Its last lines:\n{tail_of(result.stderr, 20)}"
        )
    return result.stdout
