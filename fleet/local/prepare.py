"""Preparation of every call of the engine, each step cheap when there is nothing to do."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from fleet.checkout.commands import check
from fleet.checkout.stack_config import whole_stack
from fleet.console import TroubleError
from fleet.local import (
    backend,
    builder,
    debian,
    disk_forecast,
    disk_space,
    docker_config,
    emulation,
    engine,
    environment,
    first_steps,
    node_probe,
    place_daemons,
    placement,
    registry,
    run_report,
)
from fleet.local.base_images import bases
from fleet.local.base_images.bases import StandIn
from fleet.local.docker import daemons
from fleet.local.docker.engine import EngineError, open_engine
from fleet.local.paths import Checkout
from fleet.local.remaining import UNKNOWN, Remaining
from fleet.local.requirements import Needs, read_needs
from fleet.local.run_lock import alone, alone_on_this_machine
from fleet.local.toolchain import toolchain


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A machine on which the engine can be called, as ``needs`` ask: it and its environment.

    ``remaining`` is what a first run has still to do.
    """

    needs: Needs
    pulumi: Path
    env: dict[str, str]
    remaining: Remaining = UNKNOWN


def prepare(checkout: Checkout, stack: str, *, builds: bool = False) -> Ready:
    """Check the declaration, then provide tools, registry, builder, bases, lock and stack.

    The lock of a registry on this machine is brought up to the declaration. Any other is committed:
    what it lacks is told, for nothing may be built from what no commit holds. ``builds`` has the
    remote nodes answer first; a preview can do without. A faulty declaration, a wrong backend, an
    absent builder or Go is told before anything is changed.

    :raises TroubleError: naming what stands in the way.
    :raises DeclarationError: with every problem of the declaration.
    :raises subprocess.CalledProcessError: when resolving failed; it says why on stderr itself.
    """
    run_report.forget()
    ready = _prepared(checkout, stack, (), builds=builds)
    _require_handed_over(checkout, stack, ready)
    return ready


def lock(checkout: Checkout, stack: str, *, refresh: str = "", newest: str = "") -> None:
    """Bring the lock of ``stack`` up to its declaration.

    ``refresh`` asks again for base digests and yanked versions, as ``builders`` also for the images
    that compile; ``newest`` for the distributions of an image, or of ``all``. For a registry on
    this machine its stand-in bases are made first; elsewhere nothing of this machine is needed, and
    nothing is started. Raises as `prepare` does.
    """
    given = {"--refresh": refresh, "--newest": newest}
    again = [word for flag, value in given.items() if value for word in (flag, value)]
    check(checkout.root, stack)
    if read_needs(checkout.root, stack).port is None:
        _resolve(checkout, None, stack, again)
    else:
        _prepared(checkout, stack, again, builds=False)


def _prepared(checkout: Checkout, stack: str, again: Sequence[str], *, builds: bool) -> Ready:
    check(checkout.root, stack)
    needs = read_needs(checkout.root, stack)
    if needs.port is None:
        check(checkout.root, stack, locked=True)
    placement.require_known_system(platform.system())
    backend.require(checkout, needs, os.environ)
    disk_space.require(checkout, needs, os.environ)
    docker_config.require_builders(checkout, needs, os.environ)
    if builds:
        node_probe.require(needs)
    checkout.require_cache()
    checkout.make_state()
    with alone(checkout.state / "lock", "waiting for another run in this checkout"):
        placed = place_daemons.place(checkout, needs)
        stand_ins = bases.wanted(checkout, needs)
        packages = _packages(checkout, needs, placed.tools, stand_ins)
        disk_forecast.show(checkout, needs, placed, stand_ins, builds=builds)
        steps = first_steps.first_steps(checkout, needs, placed, stand_ins, builds=builds)
        remaining = Remaining(steps)
        remaining.announce()
        if placed.docker:
            # What may fail here does before minutes are spent on programs.
            opened = open_engine(checkout, placed.docker)
            disk_space.require_for_containers(opened.info().root)
            try:
                daemons.start(checkout, opened, needs, remaining)
            except EngineError as error:
                way = place_daemons.without_docker(checkout, placed)
                raise TroubleError(f"{error}{way}") from error
        with alone_on_this_machine(checkout):
            debian.install(packages, remaining)
            if placed.tools.builder:
                # The kernel may refuse it, which is better known before programs are built.
                emulation.enable(needs.built_here)
            environment.provide(checkout, needs)
            env = environment.complete(checkout, needs)
            tools = toolchain.ensure(checkout, placed.tools, placed.supply, env, remaining)
        if not placed.docker:
            _start(checkout, needs, tools)
        bases.ensure(checkout, needs, stand_ins, remaining)
        if needs.port is not None:
            first = remaining.expects(first_steps.LOCK)
            with remaining.step(first_steps.LOCK, "lock") if first else nullcontext():
                _resolve(checkout, env, stack, again)
            needs = _with_compilers(checkout, needs, placed.docker, env)
        engine.select(checkout, tools.pulumi, stack, env)
    return Ready(needs=needs, pulumi=tools.pulumi, env=env, remaining=remaining)


def _packages(
    checkout: Checkout, needs: Needs, tools: Needs, stand_ins: Sequence[StandIn]
) -> dict[str, str]:
    """Return the commands that ``tools`` and ``stand_ins`` call on, with the packages of them.

    :raises TroubleError: when one is missing, or a base, that this user can't have here.
    """
    bases.require(checkout, needs, stand_ins)
    packages = debian.wanted(tools, stand_ins=bool(bases.absent(checkout, stand_ins)))
    debian.require(packages)
    return packages


def _with_compilers(checkout: Checkout, needs: Needs, docker: str, env: dict[str, str]) -> Needs:
    """Return what is needed by the lock that was written, with the stand-ins that compile.

    That something has no wheel is known from then on, and these compile it in place of others.
    """
    found = read_needs(checkout.root, needs.stack)
    stand_ins = [] if found.bases == needs.bases else bases.wanted(checkout, found)
    if stand_ins:
        packages = _packages(checkout, found, found.without_daemons, stand_ins)
        disk_forecast.show_stand_ins(checkout, docker, stand_ins)
        with alone_on_this_machine(checkout):
            debian.install(packages)
        bases.ensure(checkout, found, stand_ins)
        _resolve(checkout, env, needs.stack, ())
    return found


def _require_handed_over(checkout: Checkout, stack: str, ready: Ready) -> None:
    """Return unless the state of the stack that this one is a part of still holds resources.

    Two states of one thing differ sooner or later, and a destroy of the old one would take the
    pointers along.

    :raises TroubleError: when it does.
    """
    whole = whole_stack(checkout.root, stack)
    if whole == stack:
        return
    state = engine.exported(checkout, ready.pulumi, whole, ready.env)
    resources = json.loads(state)["deployment"].get("resources") if state else None
    if resources:
        raise TroubleError(
            f"the state of {whole} still holds what its parts are to manage. Hand it over: "
            f"make split STACK={whole} APPLY=1"
        )


def _resolve(
    checkout: Checkout, env: dict[str, str] | None, stack: str, again: Sequence[str]
) -> None:
    # A process of its own, because it trusts and logs in as the environment of the stack says.
    argv = [sys.executable, "-m", "fleet", "resolve", "--stack", stack, *again]
    subprocess.run(argv, cwd=checkout.root, env=env, check=True)


def _start(checkout: Checkout, needs: Needs, tools: toolchain.Tools) -> None:
    if tools.registry and needs.port is not None:
        stack_file = f"Pulumi.{needs.stack}.yaml"
        registry.start(checkout, tools.registry, port=needs.port, stack_file=stack_file)
    if tools.buildkitd:
        builder.start(checkout, tools.buildkitd, needs)
