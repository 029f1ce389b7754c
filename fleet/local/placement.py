"""Where registry and builder run: as daemons of this machine, or in containers of Docker. Pure."""

from dataclasses import dataclass
from typing import Final

from fleet.console import TroubleError

HOST: Final = "host"
DOCKER: Final = "docker"
VARIABLE: Final = "FLEET_DAEMONS"
"""The variable that chooses, one of the two; empty leaves it to `decide`."""

_NAMES: Final = {"Darwin": "macOS"}
_ELSEWHERE: Final = "name a builder of yours for each platform under fleet:builders"
_ARCHIVES: Final = (
    "nor can their makers' archives be downloaded (no SHA-256 is recorded, or the site has none "
    "for you)"
)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """All that decides.

    ``system`` is Python's name of the operating system, ``platform`` the machine's OCI platform,
    empty where no image is built for it. ``builder`` says that the stack wants one here. ``docker``
    is the endpoint of an engine that answers, empty where ``no_docker`` says why there is none;
    both are empty where it was not asked. ``lacks`` are the programs that can't be had for where it
    would be: not there, not as an archive, and not built, for want of Go. ``asked`` is what the
    user chose, ``before`` where the data of this checkout is.
    """

    system: str
    platform: str
    root: bool
    builder: bool = True
    docker: str = ""
    no_docker: str = ""
    lacks: tuple[str, ...] = ()
    asked: str = ""
    before: str = ""

    @property
    def wish(self) -> str:
        """The place that is given already."""
        return self.asked or self.before

    @property
    def can_use_docker(self) -> bool:
        """Whether an engine answers, and is not refused."""
        return bool(self.docker) and self.wish != HOST

    @property
    def can_run_daemons(self) -> bool:
        """Whether this machine could run them, by its kind and its user."""
        return self.system == "Linux" and (self.root or not self.builder)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The place, `HOST` or `DOCKER`, and the reason in words that follow "because".

    ``free`` says that the other place can be asked for.
    """

    place: str
    because: str
    free: bool = False


def decide(machine: Machine) -> Decision:
    """Return where registry and builder are to run.

    Where this checkout's data is, they stay. Else what was asked for holds; else Docker where an
    engine answers, and daemons of this machine where none does.

    :raises TroubleError: when neither is possible, or not what was asked for, before anything is
        done; it says what is missing and how to do without.
    """
    asked, before = machine.asked, machine.before
    if asked not in ("", HOST, DOCKER):
        raise TroubleError(f"{VARIABLE} is {asked!r}; expected {DOCKER} or {HOST}.")
    if asked and before and asked != before:
        raise TroubleError(
            f"{VARIABLE} is {asked}, and this checkout's images are kept with "
            f"{VARIABLE}={before}.\nUnset it, or run make clean, which removes them."
        )
    require_known_system(machine.system)
    if not machine.platform:
        raise TroubleError(
            "no image is built for this machine's processor, so nothing can be built on it.\n"
            f"On a machine of another kind, {_ELSEWHERE}."
        )
    obstacle, remedy = _obstacle(machine)
    if machine.wish:
        because = f"{VARIABLE} is {asked}" if asked else "it was so before"
    elif machine.docker:
        because = obstacle or "a Docker engine answers"
    else:
        because = obstacle or f"no Docker engine can be used ({machine.no_docker})"
    if machine.can_use_docker:
        if machine.lacks:
            raise TroubleError(
                f"there is no Go to build {', '.join(machine.lacks)}, {_ARCHIVES}; Docker does not "
                "bring them.\nInstall Go (https://go.dev/dl/), record the SHA-256 of the archives "
                "(make checksums), or put what is missing on PATH as docs/first-run.md says."
            )
        free = machine.can_run_daemons and not before
        return Decision(place=DOCKER, because=because, free=free)
    if obstacle or machine.wish == DOCKER:
        raise TroubleError(_refusal(machine, because, obstacle, remedy))
    return Decision(place=HOST, because=because)


def line_of(decision: Decision, endpoint: str, *, rootless: bool = False) -> str:
    """Return what a person is told of ``decision``; ``endpoint`` is that of the Docker engine.

    A ``rootless`` one has the rights of the user who runs it.
    """
    if decision.place == HOST:
        return f"registry and builder: on this machine, because {decision.because}"
    other = f" {VARIABLE}={HOST} asks for this machine." if decision.free else ""
    rights = "has all rights of the user who runs it" if rootless else "can become root there"
    return (
        f"registry and builder: in Docker ({endpoint}), because {decision.because}. Whoever may "
        f"use that engine {rights}.{other}"
    )


def require_known_system(system: str) -> None:
    """Return on a ``system`` that registry and builder can be asked of.

    :raises TroubleError: on Windows.
    """
    if system == "Windows":
        raise TroubleError("this is Windows, where nothing of this runs.\nUse a Linux of WSL 2.")


def _obstacle(machine: Machine) -> tuple[str, str]:
    """Return what keeps daemons from running on this machine, and how to be without that.

    Both are empty if nothing does.
    """
    if machine.system != "Linux":
        system = _NAMES.get(machine.system, machine.system)
        return f"this is {system}, not Linux", "Use a machine with Linux"
    if machine.builder and not machine.root:
        return "this user is not root, which the builder needs to run containers", "Rerun as root"
    if machine.lacks and not machine.can_use_docker:
        missing = f"there is no Go to build {', '.join(machine.lacks)}, {_ARCHIVES}"
        return missing, "Install Go (https://go.dev/dl/)"
    return "", ""


def _refusal(machine: Machine, because: str, obstacle: str, remedy: str) -> str:
    """Return what to say of a machine with an ``obstacle``, or without the Docker it asks for."""
    if machine.wish == HOST:
        head = f"registry and builder can't run on this machine: {obstacle}."
        start = f" (start an engine first: {machine.no_docker})" if machine.no_docker else ""
        first = "run make clean, which removes what is kept here, and make up uses Docker"
        other = first if machine.before else f"unset {VARIABLE}, and Docker is used"
        return f"{head}\n{remedy}, or {other}{start}, or {_ELSEWHERE}."
    if machine.before:
        way = "Start that engine. If it is gone for good, remove .fleet/docker-engine.json"
    elif machine.asked:
        way = f"Start Docker and let this user use it, or unset {VARIABLE}"
    else:
        way = f"Start Docker and let this user use it. Or: {remedy}"
    return (
        f"registry and builder are to run in Docker, because {because}; and no Docker engine can "
        f"be used: {machine.no_docker}.\n{way}, or {_ELSEWHERE}."
    )
