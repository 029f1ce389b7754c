"""Where registry and builder run: as daemons of this machine, or in containers of Docker. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fleet.console import TroubleError
from fleet.local.toolchain.lacking import NOTHING, Lacking, sentence
from fleet.local.toolchain.modules import BUILDKIT, REGISTRY

HOST: Final = "host"
DOCKER: Final = "docker"
VARIABLE: Final = "FLEET_DAEMONS"
"""The variable that chooses, one of the two; empty leaves it to `decide`."""

_NAMES: Final = {"Darwin": "macOS"}
_IN_DOCKER: Final = frozenset((BUILDKIT.name, REGISTRY.name))
"""The programs that a Docker engine brings."""

_ALL_ELSEWHERE: Final = "use a stack whose fleet:registry and fleet:builders are elsewhere"


class NowhereError(TroubleError):
    """Registry and builder can run nowhere, as this machine is."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """All that decides.

    ``system`` is Python's name of the operating system, ``platform`` the machine's OCI platform,
    empty where no image is built for it. ``privileged`` says that root may mount there, as it may
    not in most containers (CAP_SYS_ADMIN of capabilities(7)). ``builder`` and ``registry`` say that
    the stack wants them here. ``docker`` is the endpoint of an engine that answers, empty where
    ``no_docker`` says why there is none; both are empty where it was not asked. ``lacks`` are the
    programs that can't be had, those that only daemons of this machine need with them. ``asked`` is
    what the user chose, ``before`` where the data of this checkout is.
    """

    system: str
    platform: str
    root: bool
    privileged: bool = True
    builder: bool = True
    registry: bool = True
    docker: str = ""
    no_docker: str = ""
    lacks: Lacking = NOTHING
    asked: str = ""
    before: str = ""

    @property
    def wish(self) -> str:
        """The place that is given already."""
        return self.asked or self.before

    @property
    def can_use_docker(self) -> bool:
        """True if an engine answers and is not refused."""
        return bool(self.docker) and self.wish != HOST

    @property
    def can_run_daemons(self) -> bool:
        """True if this machine can run them, by its kind and its user."""
        may_build = self.root and self.privileged
        return self.system == "Linux" and (may_build or not self.builder)

    @property
    def lacks_in_docker(self) -> Lacking:
        """The programs that can't be had and are needed in any case: an engine brings the rest."""
        return self.lacks.without(_IN_DOCKER)


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

    :raises NowhereError: when neither is possible, or not what was asked for, before anything is
        done; it says all that is missing and how to do without.
    :raises TroubleError: when what was asked for is not a place, or not that of the data.
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
            f"Use a machine of another kind, such as amd64 or arm64, or {_ALL_ELSEWHERE}."
        )
    obstacle, remedy = _obstacle(machine)
    if machine.wish:
        because = f"{VARIABLE} is {asked}" if asked else "it was so before"
    elif machine.docker:
        because = obstacle or "a Docker engine answers"
    else:
        because = obstacle or f"no Docker engine can be used ({machine.no_docker})"
    if machine.can_use_docker:
        if lacks := machine.lacks_in_docker:
            them = "it" if len(lacks.names) == 1 else "them"
            raise NowhereError(
                f"{lacks.seen} Docker does not bring {them}.\n{sentence(lacks.remedy)}"
            )
        free = machine.can_run_daemons and not before
        return Decision(place=DOCKER, because=because, free=free)
    if obstacle or machine.wish == DOCKER or machine.lacks:
        raise NowhereError(_refusal(machine, because, obstacle, remedy))
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
        return f"this is {system}, not Linux", "use a machine with Linux"
    if not machine.builder or (machine.root and machine.privileged):
        return "", ""
    unprivileged = "root may not mount here, as in a container without --privileged"
    start = "start this container with --privileged"
    if machine.root:
        return f"{unprivileged}, and the builder needs that to run containers", start
    user = "this user is not root, which the builder needs to run containers"
    if machine.privileged:
        return user, "rerun as root"
    return f"{user} (and {unprivileged})", f"{start} and rerun as root"


def _refusal(machine: Machine, because: str, obstacle: str, remedy: str) -> str:
    """Return what to say of a machine without a Docker engine that can be used.

    It has an ``obstacle``, lacks programs, or is asked for the engine.
    """
    needs_docker = machine.wish == DOCKER or (bool(obstacle) and not machine.wish)
    if needs_docker:
        head = (
            f"registry and builder are to run in Docker, because {because}; and no Docker engine "
            f"can be used: {machine.no_docker}."
        )
    elif obstacle:
        head = f"registry and builder can't run on this machine: {obstacle}."
    elif _docker_spares(machine):
        head = f"registry and builder are to run on this machine, because {because}."
    else:
        head = ""
    lacks = machine.lacks_in_docker if needs_docker else machine.lacks
    seen = " ".join(filter(None, (head, lacks.seen if lacks else "")))
    return f"{seen}\n{_remedies(_ways(machine, obstacle, remedy))}"


def _docker_spares(machine: Machine) -> bool:
    """Tell whether less has to be done about missing programs with registry and builder there."""
    return machine.lacks_in_docker.remedy != machine.lacks.remedy


def _ways(machine: Machine, obstacle: str, remedy: str) -> list[tuple[str, Lacking]]:
    """Return each way out, with the programs that are missing then."""
    host, spared = (remedy, machine.lacks), machine.lacks_in_docker
    way = _elsewhere(machine)
    # Where the builder alone is elsewhere, the registry stays here.
    elsewhere = (way, spared if way == _ALL_ELSEWHERE else machine.lacks.without({BUILDKIT.name}))
    if machine.wish == DOCKER and machine.before:
        gone = "if it is gone for good, remove .fleet/docker-engine.json"
        return [("start that engine", spared), (gone, spared), elsewhere]
    if machine.wish == DOCKER:
        unset = [] if obstacle else [(f"unset {VARIABLE}", machine.lacks)]
        return [(_start(machine), spared), *unset, elsewhere]
    docker = (_to_docker(machine), spared)
    if not obstacle:
        return [host, docker] if _docker_spares(machine) else [host]
    return [host, docker, elsewhere] if machine.wish else [docker, host, elsewhere]


def _to_docker(machine: Machine) -> str:
    """Return how a machine whose daemons are not in Docker gets them there."""
    if not machine.wish:
        return _start(machine)
    steps = [
        *(["run make clean, which removes what is kept here,"] if machine.before else []),
        *([f"unset {VARIABLE}"] if machine.asked else []),
    ]
    if machine.docker:
        first = ""
    elif machine.no_docker:
        first = f" (start an engine first: {machine.no_docker})"
    else:
        first = " (if an engine answers)"
    return f"{' and '.join(steps)} to use Docker{first}"


def _start(machine: Machine) -> str:
    if machine.privileged:
        return "start Docker (install it if need be) and let this user use it"
    # None runs in such a container, and one whose socket is handed in publishes its ports outside.
    return "rerun outside of this container, where Docker runs"


def _elsewhere(machine: Machine) -> str:
    if machine.registry and (machine.system != "Linux" or machine.wish == DOCKER):
        # The registry of this stack stays where none can run.
        return _ALL_ELSEWHERE
    return "name a builder of yours for each platform under fleet:builders"


def _remedies(ways: Sequence[tuple[str, Lacking]]) -> str:
    """Return sentences with what to do, and how to get the programs that are missing."""
    last = {lacks.remedy for _, lacks in ways}
    if len(last) > 1:
        both = (", and ".join(filter(None, (way, lacks.remedy))) for way, lacks in ways)
        return "\nOr: ".join(map(sentence, both))
    texts, common = ", or ".join(way for way, _ in ways if way), last.pop()
    if not texts or not common:
        return sentence(texts or common)
    return f"{sentence(texts)}\nIn any case, {common}."
