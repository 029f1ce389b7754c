"""A Docker engine of this machine: where it listens, and its client."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet.console import TroubleError, tail_of
from fleet.local import reach, users_docker
from fleet.local.child_environment import child_environment
from fleet.local.paths import Checkout

_ANSWER_SECONDS = 20
_UNIX = "unix://"
_ABSENT = ("no such container", "no such image", "no such object")

LONG = 1_800.0
"""Seconds for what moves or removes much: an image that is pulled, a volume that is removed."""

_SECONDS = 120.0
_NOTHING: Mapping[str, str] = {}


class EngineError(TroubleError):
    """The engine answers, and does not do what it was asked for."""


@dataclass(frozen=True, kw_only=True)
class Info:
    """An engine's description of itself.

    ``root`` is the folder of its data, ``None`` where that is not on this machine. It has that many
    ``processors``, 0 if it does not say. With ``has_init``, it brings a process that collects what
    ended in a container, which Podman does not. With ``remaps``, root of its containers is another
    user there; with ``rootless``, it has the rights of a user.
    """

    root: Path | None
    processors: int
    log_drivers: tuple[str, ...]
    has_init: bool
    remaps: bool
    rootless: bool


def info_of(values: Mapping[str, Any]) -> Info:
    """Return what the engine's ``/info`` says: ``Name`` is that of the machine it runs on."""
    root, options = str(values.get("DockerRootDir") or ""), values.get("SecurityOptions") or ()
    here = bool(root) and values.get("Name") == socket.gethostname() and reach.exists(Path(root))
    kinds = {str(option).partition(",")[0] for option in options}
    return Info(
        root=Path(root) if here else None,
        processors=int(values.get("NCPU") or 0),
        has_init=bool(values.get("InitBinary")),
        log_drivers=tuple((values.get("Plugins") or {}).get("Log") or ()),
        remaps="name=userns" in kinds,
        rootless="name=rootless" in kinds,
    )


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The engine at ``endpoint``, asked by the client ``client`` with the user's logins.

    ``env`` is the client's environment.
    """

    endpoint: str
    client: str
    env: Mapping[str, str]

    def try_(
        self,
        *words: str,
        sent: bytes | None = None,
        seconds: float = _SECONDS,
        env: Mapping[str, str] = _NOTHING,
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run the client with ``words``, ``sent`` on its standard input; it may fail.

        ``env`` is set on top of its environment.

        :raises TroubleError: when it takes more than ``seconds``.
        """
        argv = [self.client, "--host", self.endpoint, *words]
        try:
            return subprocess.run(
                argv, check=False, capture_output=True, input=sent or b"", env={**self.env, **env},
                timeout=seconds,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            what = " ".join(words[:2])
            raise TroubleError(
                f"the Docker engine at {self.endpoint} did not answer within {seconds:.0f} s "
                f"(docker {what}).\nSee whether `docker version` answers, restart Docker and rerun."
            ) from error

    def do(
        self,
        *words: str,
        sent: bytes | None = None,
        failed: str = "",
        seconds: float = _SECONDS,
        env: Mapping[str, str] = _NOTHING,
    ) -> str:
        """Return what the client prints for ``words``.

        :raises EngineError: when it fails: ``failed``, and the end of its complaint; or takes more
            than ``seconds``.
        """
        done = self.try_(*words, sent=sent, seconds=seconds, env=env)
        if done.returncode:
            what = failed or f"docker {' '.join(words[:2])} failed"
            complaint = tail_of(done.stderr.decode(errors="replace"))
            raise EngineError(f"{what} ({self.endpoint}):\n{complaint}")
        return done.stdout.decode().strip()

    def info(self) -> Info:
        """Return what the engine says of itself.

        :raises TroubleError: when it does not say.
        """
        try:
            return info_of(json.loads(self.do("info", "--format", "{{json .}}")))
        except ValueError as error:
            raise TroubleError(
                f"the Docker engine at {self.endpoint} says nothing of itself that can be read: "
                f"{error}"
            ) from error

    def inspect(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return what the engine knows of a ``container`` or ``image``, None where it has none.

        :raises TroubleError: when it does not say: what may be there is not to be made again.
        """
        done = self.try_(kind, "inspect", name)
        if not done.returncode:
            return dict(json.loads(done.stdout)[0])
        complaint = tail_of(done.stderr.decode(errors="replace"))
        if any(words in complaint.lower() for words in _ABSENT):
            return None
        raise TroubleError(
            f"the Docker engine at {self.endpoint} does not say whether it has the {kind} {name}:\n"
            f"{complaint}"
        )


def open_engine(checkout: Checkout, endpoint: str, env: Mapping[str, str] = os.environ) -> Engine:
    """Return the engine at ``endpoint``.

    :raises TroubleError: when its client is not on PATH.
    """
    client = shutil.which("docker", path=env.get("PATH"))
    if client is None:
        raise TroubleError(
            f"the command docker is not on PATH; it is needed for the Docker engine at {endpoint}."
            "\nInstall Docker's client and rerun."
        )
    # The user's logins are the client's alone; a context would win over the endpoint.
    theirs = str(users_docker.folder(checkout, env))
    return Engine(
        endpoint=endpoint, client=client, env=child_environment(env, DOCKER_CONFIG=theirs)
    )


def find(checkout: Checkout, env: Mapping[str, str] = os.environ, *, known: str = "") -> str:
    """Return the endpoint of the engine that Docker's own client would use, if it answers here.

    That is DOCKER_HOST, the context in use, or the first default socket that is there; or the one
    that is ``known``, because this checkout's containers are there.

    :raises TroubleError: saying why there is none to be used.
    """
    if not shutil.which("docker", path=env.get("PATH")):
        raise TroubleError("the command docker is not on PATH")
    named = known or users_docker.endpoint(users_docker.folder(checkout, env), env)
    there = (f"{_UNIX}{path}" for path in _sockets(env) if reach.exists(path))
    sockets = [named] if named else list(there)
    if not sockets:
        raise TroubleError("there is no socket of a Docker engine, and DOCKER_HOST is not set")
    if not sockets[0].startswith(_UNIX):
        raise TroubleError(
            f"the Docker engine at {sockets[0]} may be on another machine, whose loopback address "
            "is not this one's; one with a socket (unix://) is needed, which DOCKER_HOST or docker "
            "context use names"
        )
    whys = []
    for endpoint in sockets:
        why = _ask(open_engine(checkout, endpoint, env))
        if not why:
            return endpoint
        whys.append(why)
    raise TroubleError("; ".join(whys))


def _sockets(env: Mapping[str, str]) -> Iterator[Path]:
    """Yield where engines listen by default: the system's, a rootless one, Docker Desktop."""
    yield Path("/var/run/docker.sock")
    if env.get("XDG_RUNTIME_DIR"):
        yield Path(env["XDG_RUNTIME_DIR"], "docker.sock")
    yield Path.home() / ".docker" / "run" / "docker.sock"
    yield Path.home() / ".docker" / "desktop" / "docker.sock"


def require(engine: Engine) -> None:
    """Return when the engine that has this checkout's containers answers.

    :raises TroubleError: when it does not; it says how to do without.
    """
    if why := _ask(engine):
        raise TroubleError(
            f"this checkout's registry and builder are in Docker, and {why}.\nStart that engine "
            "and rerun. If it is gone for good, remove .fleet/docker-engine.json first."
        )


def _ask(engine: Engine) -> str:
    """Return why ``engine`` can't be used; empty if it can."""
    form = "{{.Server.Os}}"
    try:
        done = engine.try_("version", "--format", form, seconds=_ANSWER_SECONDS)
    except TroubleError:
        return f"{engine.endpoint} did not answer within {_ANSWER_SECONDS} s"
    if done.returncode:
        complaint = tail_of(done.stderr.decode(errors="replace"), 1).strip()
        return f"{engine.endpoint} does not answer ({complaint or 'it does not say why'})"
    system = done.stdout.decode().strip()
    return "" if system == "linux" else f"{engine.endpoint} runs {system} containers, not linux"
