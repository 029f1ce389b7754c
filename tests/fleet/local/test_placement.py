"""Where registry and builder run: one table of machines, users, engines, programs and wishes."""

import re
from dataclasses import replace
from typing import Any

import pytest

from fleet.console import TroubleError
from fleet.local.placement import DOCKER, HOST, Machine, decide, line_of
from fleet.local.toolchain.lacking import Lacking

SOCKET = "unix:///var/run/docker.sock"
NO_SOCKET = "there is no socket of a Docker engine"
LINUX = Machine(system="Linux", platform="linux/amd64", root=True, no_docker=NO_SOCKET)
USER = replace(LINUX, root=False)
CONTAINER = replace(LINUX, privileged=False)
MAC = Machine(system="Darwin", platform="linux/arm64", root=False, no_docker=NO_SOCKET)
WINDOWS = Machine(system="Windows", platform="linux/amd64", root=False)
DOCKED: dict[str, Any] = {"docker": SOCKET, "no_docker": ""}
UNASKED: dict[str, Any] = {"docker": "", "no_docker": ""}
NO_GO = "there is none on PATH"
# Without Go: a plugin that nobody recorded yet, and beside it what the makers' sites don't offer.
PLUGIN = Lacking(names=("docker-build",), unrecorded=frozenset({"docker-build"}), no_go=NO_GO)
DAEMONS = Lacking(names=("buildkit", "registry"), no_go=NO_GO)
TOOLS = replace(PLUGIN, names=("pulumi", "docker-build"))
BOTH = replace(PLUGIN, names=("buildkit", "registry", "docker-build"))
ALL = replace(PLUGIN, names=("pulumi", "buildkit", "registry", "docker-build"))
GO = r"nstall Go 1\.26 or newer \(https://go\.dev/dl/\)"
CHECKSUMS = rf"{GO}, or run make checksums once: [^\n]*"
ELSEWHERE = "name a builder of yours for each platform under fleet:builders"
NEITHER = (
    "no SHA-256 is recorded of the archive of docker-build, the makers' site offers no archive of "
    "pulumi, buildkit, registry, or no answer"
)

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
    "root in a container, Docker": (replace(CONTAINER, **DOCKED), DOCKER, "root may not mount"),
    # Where none does, root on Linux gets daemons of the machine: a builder without root is none of
    # ours (docs/adr).
    "root": (LINUX, HOST, f"no Docker engine can be used ({NO_SOCKET})"),
    "root, arm64": (replace(LINUX, platform="linux/arm64"), HOST, NO_SOCKET),
    "user, other builders": (replace(USER, builder=False), HOST, NO_SOCKET),
    "root in a container, other builders": (replace(CONTAINER, builder=False), HOST, NO_SOCKET),
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
        USER,
        rf"not root, which .* no socket .*\nStart Docker .*, or rerun as root, or {ELSEWHERE}\.$",
    ),
    "user, asked for the host": (
        replace(USER, asked=HOST, **DOCKED),
        r"on this machine: this user.*\nRerun as root, or unset FLEET_DAEMONS to use Docker, or",
    ),
    "user, asked for the host, no Docker": (
        replace(USER, asked=HOST), r"\nRerun as root, or unset .*\(start an engine first: there is",
    ),
    "root in a container": (
        CONTAINER,
        rf"root may not mount.*no Docker.*\nRerun outside .*, or start .*, or {ELSEWHERE}\.$",
    ),
    "root in a container, asked for the host": (
        replace(CONTAINER, asked=HOST, **DOCKED),
        r"can't run on this machine: root may .*\nStart this container .*, or unset FLEET_DAEMON",
    ),
    "root in a container, before on the host": (
        replace(CONTAINER, before=HOST), r"machine: root may .*\nStart this container .* make cl",
    ),
    "root in a container, no Go": (
        replace(CONTAINER, lacks=PLUGIN), rf"not mount.*docker-b.*\nIn any case, i{CHECKSUMS}$",
    ),
    "user in a container": (
        replace(CONTAINER, root=False),
        r"not root, .* \(and root may not mount here.*, or start this .* and rerun as root, or",
    ),
    "macOS": (
        MAC,
        r"because this is macOS, not Linux; and no Docker.*\nStart .*, or use a stack whose .*\.$",
    ),
    "macOS, a registry elsewhere": (
        replace(MAC, registry=False), rf"\nStart Docker .*, or use .* Linux, or {ELSEWHERE}\.$",
    ),
    "macOS, asked for the host": (
        replace(MAC, asked=HOST), r"this is macOS.*\nUse a machine with Linux, or unset FLEET_DAE",
    ),
    "Windows": (WINDOWS, r"this is Windows.*\n.*WSL 2"),
    "Windows, Docker": (replace(WINDOWS, **DOCKED), r"WSL 2"),
    "an unknown processor": (
        replace(LINUX, platform=""), r"no image is built for this machine's.*\n.*, or use a stack",
    ),
    # Docker does not bring the plugin: by itself it is no way out, and is not offered as one.
    "root, no Go": (
        replace(LINUX, lacks=PLUGIN),
        rf"^docker-build can't be had: no SHA-256 is recorded of its archive, .*\nI{CHECKSUMS}$",
    ),
    "root, no Go, sites out of reach": (
        replace(LINUX, lacks=ALL),
        rf"^pulumi, buildkit, registry, docker-build can't be had: {NEITHER}, .*\nI{GO}\.$",
    ),
    "root, no Go, the daemons' sites out of reach": (
        replace(LINUX, lacks=BOTH),
        rf"^registry and .* docker-build can't .*\nI{GO}\.\nOr: Start .*, and i{CHECKSUMS}$",
    ),
    "root, no Go, only daemons missing": (
        replace(LINUX, lacks=DAEMONS),
        rf"\nI{GO}, or put what is missing on PATH .*\.\nOr: Start Docker [^,]*use it\.$",
    ),
    "root, no Go, asked for the host": (
        replace(LINUX, asked=HOST, lacks=DAEMONS, **UNASKED),
        rf"buildkit, registry can't.*\nI{GO}.*\nOr: Unset FLEET_DAEMONS to use Docker \(if",
    ),
    "user, Docker, no Go": (
        replace(USER, lacks=PLUGIN, **DOCKED),
        rf"^docker-build can't be had: .*\. Docker does not bring it\.\nI{CHECKSUMS}$",
    ),
    "user, Docker, nothing to be had": (
        replace(USER, lacks=ALL, **DOCKED),
        rf"^pulumi, docker-build can't .*\. Docker does not bring them\.\nI{GO}\.$",
    ),
    "macOS, Docker, nothing to be had": (
        replace(MAC, lacks=TOOLS, **DOCKED), rf"^pulumi, docker-build can't .*\nI{GO}\.$",
    ),
    # All that is missing is in one refusal.
    "user, no Go": (
        replace(USER, lacks=PLUGIN),
        rf"not root.*no socket.*docker-build can't .*\nStart .*\nIn any case, i{CHECKSUMS}$",
    ),
    "user, no Go, the daemons' sites out of reach": (
        replace(USER, lacks=BOTH),
        rf"\nStart Docker [^\n]*, and i{CHECKSUMS}\nOr: Rerun as root, and i{GO}\.\nOr: Name ",
    ),
    "macOS, no Go": (
        replace(MAC, lacks=PLUGIN), rf"this is macOS.*\nStart .*\nIn any case, i{CHECKSUMS}$",
    ),
    "asked for Docker, without one": (
        replace(LINUX, asked=DOCKER), r"FLEET_DAEMONS is docker; and no Docker.*or unset FLEET_DAE",
    ),
    "user, asked for Docker, without one": (
        replace(USER, asked=DOCKER), r"; and no Docker.*\nStart Docker [^,]*, or use a stack",
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
        r"this user is not root.*\nRerun as root, or run make clean, .* to use Docker, or",
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
    with pytest.raises(TroubleError) as refused:
        decide(machine)
    assert re.search(expected, str(refused.value), re.DOTALL), refused.value


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
    for machine in (USER, MAC, CONTAINER):
        assert other not in line_of(decide(replace(machine, **DOCKED)), SOCKET)
    assert "FLEET_DAEMONS" not in line_of(decide(LINUX), "")
