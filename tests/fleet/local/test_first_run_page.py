"""The samples of docs/first-run.md: what a run of a fresh clone really prints."""

import json
import shutil
import socket
import time
from pathlib import Path

import pytest

from fleet.local import debian, disk_forecast, disk_space
from fleet.local.base_images.bases import StandIn
from fleet.local.first_steps import first_steps
from fleet.local.paths import Checkout
from fleet.local.place_daemons import Placed
from fleet.local.remaining import Remaining
from fleet.local.requirements import Needs, read_needs
from fleet.local.toolchain import modules
from fleet.local.toolchain.toolchain import Supply
from tests.fleet.local.examples import checkout, command

ROOT = Path(__file__).parents[3]
PAGE = " ".join((ROOT / "docs/first-run.md").read_text().split())
PLUGINS = (modules.DOCKER_BUILD,)
IN_DOCKER = Supply(there={}, plugins=PLUGINS, downloads=(), builds=(modules.PULUMI, *PLUGINS))
HERE = Supply(
    there={},
    plugins=PLUGINS,
    downloads=(),
    builds=(modules.PULUMI, modules.BUILDKIT, modules.REGISTRY, *PLUGINS),
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A fresh clone on a machine with one disk, where the official bases can't be reached."""
    made = checkout(tmp_path)
    shutil.copy(ROOT / "Pulumi.dev.yaml", made.root)
    monkeypatch.setattr(disk_space, "device", lambda _: 1)
    monkeypatch.setattr(disk_space, "mounted_at", lambda _: Path("/"))
    monkeypatch.setattr(disk_space, "free", lambda _: 71 * 10**9)
    monkeypatch.setattr(debian, "missing", lambda _: ["runc"])
    return made


def asked(here: Checkout) -> tuple[Needs, list[StandIn]]:
    needs = read_needs(here.root, "dev")
    platforms = needs.platforms
    return needs, [
        StandIn(host=needs.host, python=python, base=base, platforms=platforms)
        for python, base in needs.bases
    ]


def is_on_the_page(said: str) -> bool:
    return bool(said.strip()) and " ".join(said.split()) in PAGE


def test_the_estimate_of_the_time(
    here: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    needs, stand_ins = asked(here)
    placed = Placed(docker="", tools=needs, supply=HERE)
    remaining = Remaining(first_steps(here, needs, placed, stand_ins, builds=True))
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    remaining.announce()
    with remaining.step("packages", "apt: runc"):
        clock[0] += 8
    with remaining.step("pulumi", "toolchain: building pulumi from Go modules"):
        clock[0] += 181
    said = [line for line in capsys.readouterr().err.splitlines() if "apt" not in line]
    assert len(said) == 3
    assert [line for line in said if not is_on_the_page(line)] == []


def test_the_estimate_of_the_room_on_a_machine_with_one_disk(
    here: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    needs, stand_ins = asked(here)
    placed = Placed(docker="", tools=needs, supply=HERE)
    disk_forecast.show(here, needs, placed, stand_ins, builds=True)
    said = capsys.readouterr().err
    assert is_on_the_page(said), said


def test_the_estimate_of_the_room_where_docker_has_a_disk_of_its_own(
    here: Checkout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    needs, stand_ins = asked(here)
    data = tmp_path / "docker"
    data.mkdir()
    told = json.dumps({"Name": socket.gethostname(), "DockerRootDir": str(data)})
    command(tmp_path / "bin", "docker", f"echo '{told}'")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setattr(disk_space, "device", lambda path: int(path == data))
    place = Path("/var/lib/docker")
    monkeypatch.setattr(disk_space, "mounted_at", lambda path: place if path == data else "/")
    room = {data: 12 * 10**9}
    monkeypatch.setattr(disk_space, "free", lambda path: room.get(path, 71 * 10**9))
    placed = Placed(docker="unix:///srv/x", tools=needs.without_daemons, supply=IN_DOCKER)
    disk_forecast.show(here, needs, placed, stand_ins, builds=True)
    said = capsys.readouterr().err
    assert is_on_the_page(said), said
