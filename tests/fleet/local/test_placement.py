"""Where registry and builder run: one table of machines, users, engines, programs and wishes."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.console import TroubleError
from fleet.local.placement import DOCKER, HOST, Machine, decide, line_of

SOCKET = "unix:///var/run/docker.sock"
NO_SOCKET = "there is no socket of a Docker engine"
LINUX = Machine(system="Linux", platform="linux/amd64", root=True, no_docker=NO_SOCKET)
USER = replace(LINUX, root=False)
MAC = Machine(system="Darwin", platform="linux/arm64", root=False, no_docker=NO_SOCKET)
WINDOWS = Machine(system="Windows", platform="linux/amd64", root=False)
DOCKED: dict[str, Any] = {"docker": SOCKET, "no_docker": ""}
UNASKED: dict[str, Any] = {"docker": "", "no_docker": ""}
TOOLS = ("pulumi", "docker-build")
DAEMONS = ("buildkit", "registry")

CHOSEN = {
    # Where an engine answers, it is used.
    "root, Docker": (replace(LINUX, **DOCKED), DOCKER, "a Docker engine answers"),
    "root, Docker, arm64": (
        replace(LINUX, platform="linux/arm64", **DOCKED), DOCKER, "a Docker engine answers",
    ),
    "user, Docker": (replace(USER, **DOCKED), DOCKER, "this user is not root"),
    "user, Docker, arm64": (
        replace(USER, platform="linux/arm64", **DOCKED), DOCKER, "this user is not root",
    ),
    "user, Docker, other builders": (
        replace(USER, builder=False, **DOCKED), DOCKER, "a Docker engine answers",
    ),
    "macOS, Docker": (replace(MAC, **DOCKED), DOCKER, "this is macOS, not Linux"),
    "macOS on Intel, Docker": (
        replace(MAC, platform="linux/amd64", **DOCKED), DOCKER, "this is macOS, not Linux",
    ),
    # Where none does, root on Linux gets daemons of the machine: a builder without root is none of
    # ours (docs/adr).
    "root": (LINUX, HOST, f"no Docker engine can be used ({NO_SOCKET})"),
    "root, arm64": (replace(LINUX, platform="linux/arm64"), HOST, NO_SOCKET),
    "user, other builders": (replace(USER, builder=False), HOST, NO_SOCKET),
    # What is asked for holds.
    "root, Docker, asked for the host": (
        replace(LINUX, asked=HOST, **UNASKED), HOST, "FLEET_DAEMONS is host",
    ),
    "root, Docker, asked": (replace(LINUX, asked=DOCKER, **DOCKED), DOCKER, "FLEET_DAEMONS"),
    # Data stays where it is.
    "root, Docker, before": (replace(LINUX, before=DOCKER, **DOCKED), DOCKER, "it was so before"),
    "root, before": (replace(LINUX, before=HOST, **UNASKED), HOST, "it was so before"),
    "asked as before": (replace(USER, asked=DOCKER, before=DOCKER, **DOCKED), DOCKER, "is docker"),
}  # fmt: skip

REFUSED = {
    "user": (
        USER, r"not root, which the builder .*no socket of a Docker.*\n.*Rerun as root.*builders",
    ),
    "user, asked for the host": (
        replace(USER, asked=HOST, **DOCKED),
        r"on this machine: this user.*\nRerun as root, or unset FLEET_DAEMONS, and Docker is used",
    ),
    "user, asked for the host, no Docker": (
        replace(USER, asked=HOST), r"\nRerun as root, or unset .*\(start an engine first: there is",
    ),
    "macOS": (MAC, r"because this is macOS, not Linux; and no Docker engine can be used"),
    "macOS, asked for the host": (
        replace(MAC, asked=HOST), r"this is macOS.*\nUse a machine with Linux, or unset FLEET_DAE",
    ),
    "Windows": (WINDOWS, r"this is Windows.*\n.*WSL 2"),
    "Windows, Docker": (replace(WINDOWS, **DOCKED), r"WSL 2"),
    "an unknown processor": (replace(LINUX, platform=""), r"no image is built for this machine's"),
    "root, no Go, no Docker": (
        replace(LINUX, lacks=TOOLS + DAEMONS),
        r"no Go to build pulumi, docker-build, buildkit, registry.*socket.*\n.*Install Go",
    ),
    "root, no Go, asked for the host": (
        replace(LINUX, asked=HOST, lacks=DAEMONS, **UNASKED),
        r"no Go to build buildkit.*\nInstall Go .*, or unset FLEET_DAEMONS, and Docker is used, or",
    ),
    "user, Docker, nothing to be had": (
        replace(USER, lacks=TOOLS, **DOCKED),
        r"no Go to build pulumi, docker-build, nor.*\nInstall Go",
    ),
    "macOS, Docker, nothing to be had": (
        replace(MAC, lacks=TOOLS, **DOCKED),
        r"no Go to build pulumi, docker-build, nor.*\nInstall Go",
    ),
    "asked for Docker, without one": (
        replace(LINUX, asked=DOCKER), r"FLEET_DAEMONS is docker; and no Docker.*or unset FLEET_DAE",
    ),
    "data in Docker, which is gone": (
        replace(LINUX, before=DOCKER), r"so before; and no Docker.*\nStart that engine.*docker-eng",
    ),
    "data in Docker, asked for the host": (
        replace(LINUX, before=DOCKER, asked=HOST, **DOCKED),
        r"kept with FLEET_DAEMONS=docker.*clean",
    ),
    "data on the host, not root": (
        replace(USER, before=HOST, **DOCKED),
        r"can't run on this machine: this user is not root.*\nRerun as root, or run make clean",
    ),
    "a misspelt wish": (replace(LINUX, asked="Docker"), r"is 'Docker'; expected docker or host"),
}  # fmt: skip


@pytest.mark.parametrize("case", CHOSEN)
def test_daemons_are_placed(case: str) -> None:
    machine, place, because = CHOSEN[case]
    decision = decide(machine)
    assert decision.place == place
    assert because in decision.because


@pytest.mark.parametrize("case", REFUSED)
def test_what_stands_in_the_way_is_named_with_the_ways_out(case: str) -> None:
    machine, expected = REFUSED[case]
    with pytest.raises(TroubleError, match=rf"(?s){expected}"):
        decide(machine)


def test_that_docker_is_as_good_as_root_is_said() -> None:
    told = line_of(decide(replace(USER, **DOCKED)), SOCKET)
    assert f"in Docker ({SOCKET}), because this user is not root" in told
    assert "can become root there" in told
    told = line_of(decide(replace(USER, **DOCKED)), SOCKET, rootless=True)
    assert "has all rights of the user who runs it" in told
    assert "root there" not in told


def test_the_other_place_is_named_where_it_can_be_had() -> None:
    other = "FLEET_DAEMONS=host"
    assert other in line_of(decide(replace(LINUX, **DOCKED)), SOCKET)
    for machine in (USER, MAC):
        assert other not in line_of(decide(replace(machine, **DOCKED)), SOCKET)
    assert "FLEET_DAEMONS" not in line_of(decide(LINUX), "")
