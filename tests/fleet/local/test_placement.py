"""Where registry and builder run: one table of machines, users, engines, programs and wishes."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.console import TroubleError
from fleet.local.placement import DOCKER, HOST, Decision, Machine, decide, line_of

SOCKET = "unix:///var/run/docker.sock"
NO_SOCKET = "there is no socket of a Docker engine"
LINUX = Machine(system="Linux", platform="linux/amd64", root=True, no_docker=NO_SOCKET)
USER = replace(LINUX, root=False)
MAC = Machine(system="Darwin", platform="linux/arm64", root=False, no_docker=NO_SOCKET)
WINDOWS = Machine(system="Windows", platform="linux/amd64", root=False)
DOCKED: dict[str, Any] = {"docker": SOCKET, "no_docker": ""}
TOOLS = ("pulumi", "docker-build")
DAEMONS = ("buildkit", "registry")
NO_GO: dict[str, Any] = {"host_lacks": TOOLS + DAEMONS, "docker_lacks": TOOLS}
NO_GO_BUT_ARCHIVES_OF_PULUMI: dict[str, Any] = {"host_lacks": DAEMONS}

CHOSEN = {
    # Who is root on Linux gets daemons of the machine, be there Docker or not.
    "root": (LINUX, HOST, "it can run them"),
    "root, arm64": (replace(LINUX, platform="linux/arm64"), HOST, "it can run them"),
    "root, Docker": (replace(LINUX, **DOCKED), HOST, "it can run them"),
    "root, Docker, asked": (replace(LINUX, asked=DOCKER, **DOCKED), DOCKER, "FLEET_DAEMONS"),
    "root, Docker, no Go": (
        replace(LINUX, **DOCKED, **NO_GO_BUT_ARCHIVES_OF_PULUMI), DOCKER, "no Go to build buildkit",
    ),
    # Who is not gets Docker: a builder without root is none of ours (docs/adr).
    "user, Docker": (replace(USER, **DOCKED), DOCKER, "this user is not root"),
    "user, Docker, no Go": (
        replace(USER, **DOCKED, **NO_GO_BUT_ARCHIVES_OF_PULUMI), DOCKER, "this user is not root",
    ),
    "user, Docker, arm64": (
        replace(USER, platform="linux/arm64", **DOCKED), DOCKER, "this user is not root",
    ),
    "user, other builders": (replace(USER, builder=False), HOST, "it can run them"),
    "macOS, Docker": (replace(MAC, **DOCKED), DOCKER, "this is macOS, not Linux"),
    "macOS on Intel, Docker": (
        replace(MAC, platform="linux/amd64", **DOCKED), DOCKER, "this is macOS, not Linux",
    ),
    # Data stays where it is.
    "root, Docker, before": (replace(LINUX, before=DOCKER, **DOCKED), DOCKER, "it was so before"),
    "root, before": (replace(LINUX, before=HOST, **DOCKED), HOST, "it was so before"),
    "asked as before": (replace(USER, asked=DOCKER, before=DOCKER, **DOCKED), DOCKER, "is docker"),
}  # fmt: skip

REFUSED = {
    "user": (USER, r"not root, which the builder .*no socket of a Docker.*\n.*as root.*builders"),
    "user, asked for the host": (
        replace(USER, asked=HOST, **DOCKED), r"can't run on this machine: this user.*\n.*=docker",
    ),
    "macOS": (MAC, r"because this is macOS, not Linux; and no Docker engine can be used"),
    "macOS, asked for the host": (replace(MAC, asked=HOST), r"this is macOS.*\n.*start Docker"),
    "Windows": (WINDOWS, r"this is Windows.*\n.*WSL 2"),
    "Windows, Docker": (replace(WINDOWS, **DOCKED), r"WSL 2"),
    "an unknown processor": (replace(LINUX, platform=""), r"no image is built for this machine's"),
    "root, no Go, no Docker": (
        replace(LINUX, **NO_GO), r"no Go to build pulumi, docker-build, buildkit, registry.*socket",
    ),
    "user, Docker, nothing to be had": (
        replace(USER, **DOCKED, **NO_GO), r"no Go to build pulumi, docker-build, nor.*\nInstall Go",
    ),
    "macOS, Docker, nothing to be had": (
        replace(MAC, **DOCKED, **NO_GO), r"no Go to build pulumi, docker-build, nor.*\nInstall Go",
    ),
    "data in Docker, which is gone": (replace(LINUX, before=DOCKER), r"so before; and no Docker"),
    "data in Docker, asked for the host": (
        replace(LINUX, before=DOCKER, asked=HOST, **DOCKED),
        r"kept with FLEET_DAEMONS=docker.*clean",
    ),
    "data on the host, not root": (
        replace(USER, before=HOST, **DOCKED), r"can't run on this machine: this user is not root",
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
    told = line_of(Decision(place=DOCKER, because="this user is not root"), SOCKET)
    assert f"in Docker ({SOCKET}), because this user is not root" in told
    assert "can become root" in told
    assert "FLEET_DAEMONS=host" in told
    assert "Docker" not in line_of(Decision(place=HOST, because="it can run them"), "")
