"""Containers that are kept like daemons: made once as they are wanted, started, replaced, removed.

Files go into a container before its first start, by the client. Nothing of this machine is mounted,
which an engine in a virtual machine may not see.
"""

import hashlib
import io
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fleet.console import say, tail_of
from fleet.local import processes
from fleet.local.docker import record
from fleet.local.docker.engine import LONG, Engine, EngineError
from fleet.local.paths import Checkout
from fleet.local.remaining import UNKNOWN, Remaining

CHECKOUT: Final = "io.github.multi-py.fleet.checkout"
"""The label of containers and volumes with the identity of the checkout that they belong to."""

FOLDER: Final = "io.github.multi-py.fleet.folder"
"""The label with the folder of that checkout when they were made."""

_FINGERPRINT: Final = "io.github.multi-py.fleet.fingerprint"
_SECONDS: Final = 60


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container as it is wanted now.

    ``title`` is what a person calls it, ``place`` where it answers. ``options`` are those of
    ``docker create``, ``command`` comes after the image. ``env`` is its environment, whose values
    no list of processes shows. ``files`` are written into it by their path, for root alone;
    ``volume`` is mounted at ``data``. ``hint`` is what may be the cause if it runs and does not
    answer.
    """

    name: str
    title: str
    place: str
    image: str
    options: tuple[str, ...]
    command: tuple[str, ...]
    volume: str
    data: str
    files: Mapping[str, str]
    answers: Callable[[], bool] = field(compare=False)
    env: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of all that decides how it runs."""
        words = (self.image, self.volume, self.data, *self.options, *self.command)
        parts = [word.encode() for word in words]
        for name, content in (*sorted(self.files.items()), *sorted(self.env.items())):
            parts += [name.encode(), content.encode()]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def ensure(  # noqa: PLR0913 - all that one start hangs on
    engine: Engine,
    checkout: Checkout,
    wanted: Container,
    *,
    guest: str = "",
    require: Callable[[], None] = lambda: None,
    remaining: Remaining = UNKNOWN,
) -> bool:
    """Have ``wanted`` answer; return False where one that is as it is wanted already did.

    ``guest`` is the container that has its network, which goes with an older one: Podman removes
    none that others depend on. ``require`` raises where it can't be started, once an older one has
    ended.

    :raises TroubleError: when it can't be made, or does not answer.
    """
    known = engine.inspect("container", wanted.name)
    labels = known["Config"]["Labels"] if known else {}
    is_same = labels.get(_FINGERPRINT) == wanted.fingerprint
    if known and is_same and known["State"]["Running"] and wanted.answers():
        return False
    if known and is_same:
        stop(engine, wanted.name)
    else:
        for name in filter(None, (guest, wanted.name)):
            engine.try_("rm", "--force", name)
    require()
    if not is_same:
        pull(engine, wanted, remaining)
        _make(engine, checkout, wanted)
    engine.do("start", wanted.name, failed=f"{wanted.title} could not be started")
    _wait(engine, wanted)
    say(f"{wanted.title}: {wanted.place} (container {wanted.name})")
    return True


def stop(engine: Engine, name: str) -> bool:
    """Stop the container ``name``; return whether it ran."""
    if runs := _runs(engine, name):
        engine.do("stop", "--time", "20", name)
    return runs


def remove_all(engine: Engine, checkout: Checkout, guest: str) -> None:
    """Remove every container and volume that was made for ``checkout``, the ``guest`` first.

    :raises TroubleError: when the engine refuses.
    """
    engine.try_("rm", "--force", guest)
    ours = f"--filter=label={CHECKOUT}={record.identity(checkout)}"
    for kind, listed in (("container", ["--all"]), ("volume", [])):
        found = engine.do(kind, "ls", "--quiet", *listed, ours).split()
        if found:
            engine.do(kind, "rm", "--force", *found, seconds=LONG)


def pulling(title: str) -> str:
    """Return the name of the step that pulls the image of the container called ``title``."""
    return f"the image of {title}"


def pull(engine: Engine, wanted: Container, remaining: Remaining = UNKNOWN) -> None:
    """Have the image of ``wanted``, which is named by digest, in the engine.

    :raises EngineError: when it is neither there nor to be had.
    """
    image = wanted.image
    if engine.inspect("image", image) is None:
        with remaining.step(pulling(wanted.title), f"docker: pulling {image}"):
            done = engine.try_("pull", "--quiet", image, seconds=LONG)
        if done.returncode:
            complaint = tail_of(done.stderr.decode(errors="replace"))
            raise EngineError(
                f"the image {image} can't be pulled ({engine.endpoint}):\n{complaint}\nGive the "
                "engine access to its registry: by proxies or registry-mirrors of its own (in "
                "/etc/docker/daemon.json, or the settings of Docker Desktop; it does not get those "
                "of this shell), or name a copy of the image in templates/actions/Dockerfile."
            )


def _make(engine: Engine, checkout: Checkout, wanted: Container) -> None:
    """Make the container; it has its name only when all is in it, whatever ends this run."""
    record.write(checkout, engine.endpoint)
    labels = {CHECKOUT: record.identity(checkout), FOLDER: str(checkout.root)}
    ours = [f"--label={name}={value}" for name, value in labels.items()]
    engine.do("volume", "create", *ours, wanted.volume)
    unfinished = f"{wanted.name}.unfinished"
    engine.try_("rm", "--force", unfinished)
    engine.do(
        "create", f"--name={unfinished}", *ours, f"--label={_FINGERPRINT}={wanted.fingerprint}",
        *_bounded_log(engine), f"--volume={wanted.volume}:{wanted.data}",
        *(f"--env={name}" for name in wanted.env), *wanted.options, wanted.image, *wanted.command,
        failed=f"{wanted.title} could not be made", env=wanted.env,
    )  # fmt: skip
    engine.do("cp", "-", f"{unfinished}:/", sent=_archive(wanted.files))
    engine.do("rename", unfinished, wanted.name)


def _bounded_log(engine: Engine) -> list[str]:
    """Return the option by which Docker keeps 100 MB of a container's output at most.

    Podman has no such driver.
    """
    return ["--log-driver=local"] if "local" in engine.info().log_drivers else []


def _archive(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, text in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(path.removeprefix("/"))
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(time.time())
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _runs(engine: Engine, name: str) -> bool:
    known = engine.inspect("container", name)
    return bool(known and known["State"]["Running"])


def _wait(engine: Engine, wanted: Container) -> None:
    """Return when ``wanted`` answers.

    :raises EngineError: with the end of its output, when it ends or a minute passes before.
    """

    def is_over() -> bool:
        return wanted.answers() or not _runs(engine, wanted.name)

    if processes.until(is_over, _SECONDS) and _runs(engine, wanted.name):
        return
    printed = engine.try_("logs", "--tail=12", wanted.name)
    text = (printed.stdout + printed.stderr).decode(errors="replace")
    hint = f"\n{wanted.hint}" if wanted.hint and _runs(engine, wanted.name) else ""
    raise EngineError(
        f"{wanted.title} (container {wanted.name}) does not answer at {wanted.place}. The end of "
        f"its output:\n{text}{hint}"
    )
