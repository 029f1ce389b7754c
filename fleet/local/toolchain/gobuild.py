"""Binaries from Go modules, built once a user and kept by the key of what they are made from."""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fleet.console import TroubleError, duration, say, tail_of
from fleet.local.paths import Checkout
from fleet.local.run_lock import alone
from fleet.local.toolchain import golang
from fleet.local.toolchain.modules import Module

_REPORT_EVERY = 30.0


def place(checkout: Checkout, module: Module) -> Path:
    """Return the folder that the binaries of ``module`` lie in, once they are built."""
    return checkout.cache / "tools" / f"{module.name}-{module.key(checkout.root)}"


def join(checkout: Checkout, modules: Sequence[Module]) -> Path:
    """Return a folder with the built binaries of all ``modules``.

    The engine looks for its language host next to itself, and warns of any other place.
    """
    places = [place(checkout, module) for module in modules]
    folder = checkout.cache / "tools" / "+".join(path.name for path in places)
    if not folder.is_dir():
        made = Path(tempfile.mkdtemp(prefix=".join-", dir=folder.parent))
        for path in (file for place_ in places for file in place_.iterdir()):
            os.link(path, made / path.name)
        made.chmod(0o755)
        try:
            made.replace(folder)
        except OSError:  # another run was first
            shutil.rmtree(made)
    return folder


def missing(checkout: Checkout, modules: Sequence[Module]) -> list[Module]:
    """Return those of ``modules`` that the cache lacks."""
    return [module for module in modules if not place(checkout, module).is_dir()]


def require_go(checkout: Checkout, modules: Sequence[Module]) -> None:
    """Return when those of ``modules`` that the cache lacks can be built.

    :raises TroubleError: when Go is missing or too old.
    """
    if names := [module.name for module in missing(checkout, modules)]:
        golang.require(names)


def ensure(checkout: Checkout, modules: Sequence[Module]) -> None:
    """Build those of ``modules`` that the cache lacks; two runs at a time build each but once.

    :raises TroubleError: when Go is missing or too old, or a build fails.
    """
    if not missing(checkout, modules):
        return
    with alone(checkout.cache / "tools" / ".lock", "toolchain: waiting for another run's build"):
        wanted = missing(checkout, modules)
        go = golang.require([module.name for module in wanted]) if wanted else None
        for index, module in enumerate(wanted, start=1):
            count = f"{index} of {len(wanted)}"
            say(f"toolchain: building {module.name} from Go modules ({count}, {_estimate(module)})")
            begin = time.monotonic()
            source = checkout.root / "toolchain" / module.name
            _build(str(go), source, module, place(checkout, module))
            say(f"toolchain: {module.name} built in {duration(time.monotonic() - begin)}")


def _estimate(module: Module) -> str:
    return f"about {module.minutes:g} min on two cores with nothing cached"


def _build(go: str, source: Path, module: Module, folder: Path) -> None:
    """Build into a folder of its own, which becomes ``folder`` only when it is whole."""
    made = Path(tempfile.mkdtemp(prefix=f".{module.name}-", dir=folder.parent))
    try:
        # With the linker's flags in argv alone, GOFLAGS of the user's can't change the binaries.
        _run([go, "build", *module.flags, "-o", f"{made}/", *module.packages], source, module)
        for name in module.files:
            _copy_script(source / name, made / name)
        for name, (required, path) in module.scripts.items():
            where = _run([go, "list", "-m", "-f", "{{.Dir}}", required], source, module).strip()
            _copy_script(Path(where) / path, made / name)
        made.chmod(0o755)
        made.replace(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _copy_script(source: Path, target: Path) -> None:
    # Files of the module cache are read-only there.
    shutil.copyfile(source, target)
    target.chmod(0o755)


def _run(argv: list[str], source: Path, module: Module) -> str:
    """Return what ``argv`` prints; its complaints are shown only when it fails."""
    with _reports(module.name), tempfile.TemporaryFile("w+") as noise:
        result = subprocess.run(
            argv,
            cwd=source,
            check=False,
            stdout=subprocess.PIPE,
            stderr=noise,
            text=True,
            env=golang.environment(),
        )
        noise.seek(0)
        if result.returncode:
            raise TroubleError(
                f"toolchain/{module.name} did not build: go {argv[1]} ended with "
                f"{result.returncode}. Its last lines:\n{tail_of(noise.read(), 20)}"
            )
    return result.stdout


@contextmanager
def _reports(name: str) -> Iterator[None]:
    """Say now and then that the work still goes on."""
    done, begin = threading.Event(), time.monotonic()

    def report() -> None:
        while not done.wait(_REPORT_EVERY):
            say(f"toolchain: {name}, {duration(time.monotonic() - begin)} so far")

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
