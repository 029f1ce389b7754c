"""The choice of where registry and builder run, by what this machine, its user and Docker are."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from fleet.console import TroubleError, say
from fleet.local import placement
from fleet.local.docker import engine, record
from fleet.local.paths import Checkout
from fleet.local.placement import DOCKER, HOST, Machine, NowhereError
from fleet.local.requirements import Needs
from fleet.local.toolchain import golang, toolchain
from fleet.local.toolchain.golang import NoGoError
from fleet.local.toolchain.lacking import NOTHING, Lacking
from fleet.local.toolchain.toolchain import Supply
from fleet.lock.model import platform_of

_STATUS: Final = Path("/proc/self/status")
_SYS_ADMIN: Final = 21
"""The bit of CAP_SYS_ADMIN (linux/capability.h)."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """The place of registry and builder: the Docker engine at ``docker``, empty for this machine.

    ``tools`` are the needs of programs on this machine then, and ``supply`` where those come from.
    ``free`` says that the other place can be asked for.
    """

    docker: str
    tools: Needs
    supply: Supply
    free: bool = False


def place(checkout: Checkout, needs: Needs, env: Mapping[str, str] = os.environ) -> Placed:
    """Return where registry and builder are to run, and say so where that is new.

    Nothing is changed.

    :raises TroubleError: when they can run nowhere, or a program is missing.
    """
    if not needs.anything:
        return Placed(docker="", tools=needs, supply=toolchain.survey(checkout, needs))
    seen = _machine(checkout, needs, env)
    try:
        decision = placement.decide(seen)
    except NowhereError:
        # What else is missing is said at once. With Go nothing is, and no site is waited for.
        placement.decide(replace(seen, lacks=_lacks(checkout, needs, seen)))
        raise
    docker = seen.docker if decision.place == DOCKER else ""
    tools = needs.without_daemons if docker else needs
    try:
        supply = toolchain.survey(checkout, tools)
    except NoGoError as error:
        # The place says more of what is missing there, and the way without.
        placement.decide(replace(seen, lacks=error.lacking))
        raise
    if not seen.before:
        rootless = bool(docker) and engine.open_engine(checkout, docker, env).info().rootless
        say(placement.line_of(decision, docker, rootless=rootless))
    return Placed(docker=docker, tools=tools, supply=supply, free=decision.free)


def without_docker(checkout: Checkout, placed: Placed) -> str:
    """Return the way out of an engine that answers and is of no use; empty where there is none."""
    if not placed.free:
        return ""
    # What was made there in this run holds no image yet.
    first = "run make clean, then " if record.endpoint(checkout) else "run "
    return (
        f"\nOr {first}{placement.VARIABLE}={HOST} make up: registry and builder are daemons of "
        "this machine then."
    )


def _lacks(checkout: Checkout, needs: Needs, seen: Machine) -> Lacking:
    """Return the programs that a machine where nothing can run would lack besides."""
    if golang.is_there():
        return NOTHING
    try:
        toolchain.survey(checkout, needs if seen.system == "Linux" else needs.without_daemons)
    except NoGoError as error:
        return error.lacking
    return NOTHING


def _machine(checkout: Checkout, needs: Needs, env: Mapping[str, str]) -> Machine:
    seen = Machine(
        system=platform.system(),
        platform=platform_of(platform.machine()),
        root=os.geteuid() == 0,
        privileged=_privileged(),
        builder=needs.builder,
        registry=needs.port is not None,
        asked=env.get(placement.VARIABLE, ""),
        before=_before(checkout),
    )
    if seen.wish == HOST and seen.can_run_daemons:
        # It is settled that Docker is not used.
        return seen
    try:
        return replace(seen, docker=engine.find(checkout, env, known=record.endpoint(checkout)))
    except TroubleError as error:
        return replace(seen, no_docker=str(error))


def _privileged() -> bool:
    """Tell whether root may mount on this machine: it has CAP_SYS_ADMIN (capabilities(7)).

    For another user, that is whether root could have it. Where nothing is known, it is so.
    """
    name = "CapEff" if os.geteuid() == 0 else "CapBnd"
    try:
        lines = dict(line.split(":\t", 1) for line in _STATUS.read_text().splitlines())
        return bool(int(lines[name], 16) >> _SYS_ADMIN & 1)
    except (OSError, ValueError, KeyError):
        return True


def _before(checkout: Checkout) -> str:
    """Return where this checkout's registry and builder were started before, if anywhere."""
    if record.endpoint(checkout):
        return DOCKER
    # Daemons of this machine have their configuration there.
    return HOST if (checkout.state / "etc").exists() else ""
