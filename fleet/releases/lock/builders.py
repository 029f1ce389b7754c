"""The builder that runs what must not run here: this checkout's own, or Docker's."""

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import IO

from fleet.console import TroubleError
from fleet.http.text import one_line
from fleet.releases.lock import uv

_DEADLINE_SECONDS = 900.0
_ANSWER_SECONDS = 20.0
_LARGEST = 4 * 1024 * 1024
_PROXIES = ("ALL_PROXY", "FTP_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_PASSED_ON = (
    *uv.NETWORK, "BUILDX_BUILDER", "BUILDX_CONFIG", "DOCKER_CERT_PATH", "DOCKER_CONFIG",
    "DOCKER_CONTEXT", "DOCKER_HOST", "DOCKER_TLS_VERIFY", "HOME", "XDG_RUNTIME_DIR",
)  # fmt: skip
"""Variables by which a client finds its builder, and logs in where bases come from.

They stay with the client: no step of a build gets them."""


class BuilderError(TroubleError):
    """There is no builder, or it did not get to the end of a build."""


@dataclass(frozen=True, kw_only=True)
class Build:
    """The Dockerfile in ``folder``, all that is sent, for ``platform``; ``base`` is its BASE."""

    folder: Path
    base: str
    platform: str


def built(build: Build, root: Path) -> bytes:
    """Return what ``build`` leaves, as a tar archive of 4 MiB at most.

    The builder is that of the checkout at ``root`` where it runs, else the one that
    ``docker buildx`` has in use.

    :raises BuilderError: when there is none, or with the end of what it printed.
    """
    argv = [*_command(build, root), "--output", "type=tar,dest=-"]
    with (
        TemporaryFile() as said,
        subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said,
            env=_environment(), start_new_session=True,
        ) as process,
    ):  # fmt: skip
        timer = Timer(_DEADLINE_SECONDS, _kill, [process])
        try:
            timer.start()
            # What somebody else's code wrote is not let fill memory or disk.
            body = process.stdout.read(_LARGEST + 1) if process.stdout else b""
            if len(body) > _LARGEST:
                raise BuilderError(f"a build left more than the {_LARGEST} bytes that are read")
            if process.wait():
                raise BuilderError(f"the builder failed: {_end_of(said)}")
        finally:
            timer.cancel()
            _kill(process)
    return body


def _command(build: Build, root: Path) -> list[str]:
    if own := _own(root):
        return [
            *own, "build", "--progress=plain", "--frontend=dockerfile.v0",
            "--local", f"context={build.folder}", "--local", f"dockerfile={build.folder}",
            "--opt", f"platform={build.platform}", "--opt", f"build-arg:BASE={build.base}",
        ]  # fmt: skip
    if _answers(["docker", "buildx", "version"]):
        # Docker's own configuration may have every step told of proxies, with their passwords.
        names = [each for name in _PROXIES for each in (name, name.lower())]
        return [
            "docker", "buildx", "build", "--progress=plain", "--provenance=false", "--sbom=false",
            "--platform", build.platform, "--build-arg", f"BASE={build.base}",
            *(f"--build-arg={name}=" for name in names), str(build.folder),
        ]  # fmt: skip
    raise BuilderError(
        "no builder answers: the one of this checkout does not run, and there is no "
        "`docker buildx`.\nRun `make up STACK=dev`, which starts the first"
    )


def _own(root: Path) -> list[str]:
    """Return the client of the builder that ``make up`` started in this checkout, if it answers."""
    ours = root / ".fleet"
    # A socket's path must be short, so that the real one may lie elsewhere.
    socket = (ours / "run" / "buildkit.sock").resolve()
    client = [str(ours / "bin" / "buildctl"), "--addr", f"unix://{socket}"]
    return client if _answers([*client, "debug", "workers"]) else []


def _answers(argv: list[str]) -> bool:
    nothing = subprocess.DEVNULL
    try:
        with subprocess.Popen(
            argv, stdin=nothing, stdout=nothing, stderr=nothing, env=_environment(),
            start_new_session=True,
        ) as process:  # fmt: skip
            try:
                return process.wait(_ANSWER_SECONDS) == 0
            finally:
                _kill(process)
    except (OSError, subprocess.TimeoutExpired):
        return False


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a client with all that it started: Docker's has a process of its own for buildx."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _end_of(said: IO[bytes]) -> str:
    said.seek(max(0, said.seek(0, os.SEEK_END) - uv.LONGEST_REASON))
    return one_line(said.read(), uv.LONGEST_REASON)
