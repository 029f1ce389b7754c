"""What asks for the kind of this machine, on kinds that these tests do not run on."""

import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.local import (
    builder,
    certificates,
    cleanup,
    debian,
    emulation,
    mounts,
    place_daemons,
    platforms,
    ports,
    processes,
)
from fleet.local.base_images import bases
from fleet.local.docker import record
from fleet.local.paths import Checkout
from fleet.local.toolchain import modules, published
from fleet.lock.model import platform_of
from tests.fleet.local.examples import PLATFORMS, checkout, command, needs
from tests.ports import free_port


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of machine, and what follows from it; ``foreign`` is what its kernel emulates."""

    system: str
    machine: str
    platform: str
    foreign: tuple[str, ...]
    engine: str


LINUX_AMD64 = Kind(
    system="Linux", machine="x86_64", platform="linux/amd64",
    foreign=("qemu-aarch64", "qemu-arm"), engine="linux-x64",
)  # fmt: skip
LINUX_ARM64 = Kind(
    system="Linux", machine="aarch64", platform="linux/arm64",
    foreign=("qemu-x86_64", "qemu-arm"), engine="linux-arm64",
)  # fmt: skip
MAC_ARM64 = Kind(
    system="Darwin", machine="arm64", platform="linux/arm64", foreign=(), engine="darwin-arm64"
)
MAC_AMD64 = Kind(
    system="Darwin", machine="x86_64", platform="linux/amd64", foreign=(), engine="darwin-x64"
)
ROOT = Path(__file__).parents[3]
KINDS = (LINUX_AMD64, LINUX_ARM64, MAC_ARM64, MAC_AMD64)
MACS = (MAC_ARM64, MAC_AMD64)


def be(kind: Kind, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let this machine pass for one of another ``kind``; on macOS there is no /proc."""
    patch.setattr(platform, "system", lambda: kind.system)
    patch.setattr(platform, "machine", lambda: kind.machine)
    if kind.system == "Darwin":
        patch.setattr(processes, "_PROC", folder / "proc")
        patch.setattr(mounts, "_TABLE", folder / "proc/self/mountinfo")


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_kind_has_its_platform_its_archives_and_its_go(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(kind, tmp_path, monkeypatch)
    assert platform_of(platform.machine()) == kind.platform, "the one that is checked whole"
    assert modules.target() == (kind.system.lower(), kind.platform.rpartition("/")[2])
    assert modules.target() in published._TARGETS
    address = published.address(modules.PULUMI, modules.target())
    assert address.endswith(f"-{kind.engine}.tar.gz")


@pytest.mark.parametrize("kind", [LINUX_AMD64, LINUX_ARM64], ids=str)
def test_linux_emulates_what_is_not_its_own(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(kind, tmp_path, monkeypatch)
    assert platforms.native() == kind.platform
    assert tuple(emulation.emulated(PLATFORMS)) == kind.foreign


@pytest.mark.parametrize("kind", MACS, ids=str)
def test_on_macos_registry_and_builder_are_placed_in_docker_and_need_no_package(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    be(kind, tmp_path, monkeypatch)
    command(tmp_path / "bin", "go", "echo go version go1.26.1 darwin/arm64")
    command(tmp_path / "bin", "docker", "case $3 in info) echo {} ;; *) echo linux ;; esac")
    env = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "DOCKER_HOST": "unix:///srv/docker.sock"}
    monkeypatch.setenv("PATH", env["PATH"])
    placed = place_daemons.place(checkout(tmp_path), needs(), env)
    assert placed.docker == env["DOCKER_HOST"]
    assert "because this is macOS, not Linux" in capsys.readouterr().err
    assert debian.wanted(placed.tools, stand_ins=False) == {}
    assert placed.supply.there == {}


@pytest.mark.parametrize("kind", MACS, ids=str)
def test_on_macos_certificates_ports_and_the_end_need_nothing_of_linux(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(kind, tmp_path, monkeypatch)
    here = checkout(tmp_path)
    calls = tmp_path / "calls"
    answer = "case $1 in version) echo linux ;; *) echo 1a2b ;; esac"
    command(tmp_path / "bin", "docker", f'shift 2; echo "$@" >>{calls}; {answer}')
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))  # without openssl
    certificates.ensure(here)
    record.write(here, "unix:///srv/docker.sock")
    ports.require_free(free_port(), setting="x")
    label = f"label=io.github.multi-py.fleet.checkout={record.identity(here)}"
    cleanup.clean(here)
    assert not here.state.exists()
    assert calls.read_text().splitlines()[-4:] == [
        f"container ls --quiet --all --filter={label}", "container rm --force 1a2b",
        f"volume ls --quiet --filter={label}", "volume rm --force 1a2b",
    ]  # fmt: skip


def test_on_windows_a_reason_is_given(tmp_path: Path) -> None:
    """There is no module fcntl there."""
    here = checkout(tmp_path)
    shutil.copy(ROOT / "Pulumi.dev.yaml", here.root)
    shutil.copytree(ROOT / "assets", here.root / "assets")
    script = (
        "import asyncio, platform, sys; sys.modules['fcntl'] = None; "
        "platform.system = lambda: 'Windows'; from fleet.cli.main import main; "
        f"sys.exit(main(['up', '--root', '{here.root}']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 1
    assert "Use a Linux of WSL 2" in done.stderr


@pytest.mark.parametrize("kind", MACS, ids=str)
def test_on_macos_a_base_has_no_stand_in(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(kind, tmp_path, monkeypatch)
    stand_in = bases.StandIn(host="h", python="3.13", base="slim", platforms=PLATFORMS)
    with pytest.raises(TroubleError, match=r"python:3\.13-slim .*takes Linux, .*\n.*base-registry"):
        bases.require(checkout(tmp_path), needs(), [stand_in])
    bases.require(checkout(tmp_path), needs(), [])


def builder_of(folder: Path, *known: str) -> Checkout:
    here = checkout(folder)
    command(here.bin, "buildctl", f"echo {' '.join(known)}")
    return here


def test_a_64_bit_arm_need_not_run_32_bit_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(LINUX_ARM64, tmp_path, monkeypatch)
    monkeypatch.setattr(emulation, "_KERNEL", tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    (tmp_path / "register").touch()
    emulation.enable(("linux/arm/v7",))  # the kernel has no such format there
    builder.require_platforms(builder_of(tmp_path, "linux/arm64/", "linux/arm/v7"), needs(
        platforms=("linux/arm64", "linux/arm/v7")), "")  # fmt: skip
    with pytest.raises(TroubleError, match=r"can't build linux/arm/v7: neither .*\ndo that"):
        builder.require_platforms(builder_of(tmp_path, "linux/arm64/"), needs(
            platforms=("linux/arm64", "linux/arm/v7")), "do that")  # fmt: skip
