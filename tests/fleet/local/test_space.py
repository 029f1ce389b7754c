"""Room on the disk, and states that a full one has cut."""

import json
import os
import shlex
import shutil
import socket
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.local import (
    debian,
    disk_forecast,
    disk_space,
    emulation,
    first_steps,
    place_daemons,
    prepare,
    truncated_state,
)
from fleet.local.base_images import bases
from fleet.local.docker import daemons, record
from fleet.local.docker.engine import EngineError
from fleet.local.place_daemons import Placed
from fleet.local.toolchain import toolchain
from fleet.local.toolchain.toolchain import Supply
from tests.fleet.local.examples import command, declared, needs


def disk(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    usage = shutil._ntuple_diskusage(10**12, 10**12 - free, free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)


def test_a_preview_on_a_full_disk_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = declared(tmp_path, monkeypatch)
    disk(monkeypatch, disk_space.FOR_DAEMONS)
    with pytest.raises(TroubleError, match=r"2\.0 GB are free where .*at least 2\.3 GB"):
        prepare.prepare(here, "dev")
    assert not here.state.exists()


def in_docker(folder: Path, monkeypatch: pytest.MonkeyPatch, *, free: bool = False) -> Placed:
    """Place registry and builder in a Docker engine that answers."""
    supply = Supply(there={}, plugins=(), downloads=(), builds=())
    placed = Placed(docker="unix:///srv/docker.sock", tools=needs(), supply=supply, free=free)
    monkeypatch.setattr(place_daemons, "place", lambda *_: placed)
    monkeypatch.setattr(bases, "wanted", lambda *_: [])
    monkeypatch.setattr(disk_forecast, "show", lambda *_, **__: None)
    monkeypatch.setattr(first_steps, "first_steps", lambda *_, **__: [])
    monkeypatch.setattr(debian, "require", lambda _: None)
    told = {"Name": socket.gethostname(), "DockerRootDir": str(folder)}
    command(folder / "bin", "docker", f"echo {shlex.quote(json.dumps(told))}")
    monkeypatch.setenv("PATH", f"{folder}/bin:/usr/bin:/bin")
    return placed


def test_docker_is_tried_before_minutes_are_spent_on_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = declared(tmp_path, monkeypatch)
    placed = in_docker(tmp_path, monkeypatch)

    def refuse(*_: object) -> None:
        raise TroubleError("privileged containers are forbidden")

    monkeypatch.setattr(daemons, "start", refuse)
    monkeypatch.setattr(toolchain, "ensure", lambda *_: pytest.fail("programs were built"))
    with pytest.raises(TroubleError, match="privileged"):
        prepare.prepare(here, "dev")
    assert record.endpoint(here) == ""
    monkeypatch.setattr(disk_space, "FOR_DAEMONS", 10**18)
    record.write(here, placed.docker)
    with pytest.raises(TroubleError, match=rf"are free where {tmp_path} lies"):
        prepare.prepare(here, "dev")


@pytest.mark.parametrize(
    ("free", "kept", "way"),
    [
        (True, False, r"\nOr run FLEET_DAEMONS=host make up: .*$"),
        (True, True, r"\nOr run make clean, then FLEET_DAEMONS=host make up: .*$"),
        (False, False, "forbidden$"),
    ],
)
def test_an_engine_that_is_of_no_use_is_told_with_the_other_place_where_that_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, free: bool, kept: bool, way: str
) -> None:
    here = declared(tmp_path, monkeypatch)
    placed = in_docker(tmp_path, monkeypatch, free=free)

    def refuse(*_: object) -> None:
        if kept:
            # The registry's container is made, and the builder's image can't be pulled.
            record.write(here, placed.docker)
        raise EngineError("privileged containers are forbidden")

    monkeypatch.setattr(daemons, "start", refuse)
    with pytest.raises(TroubleError, match=way):
        prepare.prepare(here, "dev")


def test_the_kernel_is_asked_for_emulators_before_minutes_are_spent_on_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = declared(tmp_path, monkeypatch)
    supply = Supply(there={}, plugins=(), downloads=(), builds=())
    placed = Placed(docker="", tools=needs(), supply=supply)
    monkeypatch.setattr(place_daemons, "place", lambda *_: placed)
    monkeypatch.setattr(bases, "wanted", lambda *_: [])
    monkeypatch.setattr(disk_forecast, "show", lambda *_, **__: None)
    monkeypatch.setattr(first_steps, "first_steps", lambda *_, **__: [])
    monkeypatch.setattr(debian, "install", lambda *_: None)

    def refuse(_: object) -> None:
        raise TroubleError("mount -t binfmt_misc failed")

    monkeypatch.setattr(emulation, "enable", refuse)
    monkeypatch.setattr(toolchain, "ensure", lambda *_: pytest.fail("programs were built"))
    with pytest.raises(TroubleError, match="binfmt_misc failed"):
        prepare.prepare(here, "dev")


def state(folder: Path, text: str) -> Path:
    path = folder / "state" / ".pulumi" / "stacks" / "fleet" / "dev.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def remedy(folder: Path, url: str = "") -> str:
    env = {"PULUMI_BACKEND_URL": url or f"file://{folder}/state?no_tmp_dir=true"}
    return truncated_state.remedy(folder, "dev", env)


WHOLE = json.dumps({"version": 3, "checkpoint": {"stack": "dev"}})


def test_a_whole_state_and_one_that_is_elsewhere_need_no_remedy(tmp_path: Path) -> None:
    assert remedy(tmp_path) == ""
    state(tmp_path, WHOLE)
    assert remedy(tmp_path) == ""
    state(tmp_path, WHOLE[:20])
    assert remedy(tmp_path, "s3://bucket") == ""
    assert "Not whole" in remedy(tmp_path, "file://state"), "read from the project's folder"


@pytest.mark.parametrize("text", ["", WHOLE[:20], "[]", "{}", "\0" * 100])
def test_the_newest_whole_copy_is_the_one_that_is_put_back(tmp_path: Path, text: str) -> None:
    path = state(tmp_path, text)
    backups = tmp_path / "state" / ".pulumi" / "backups" / "fleet" / "dev"
    backups.mkdir(parents=True)
    for age, (name, content) in enumerate(
        [("cut", WHOLE[:30]), ("it's newest", WHOLE), ("older", WHOLE)]
    ):
        copy = backups / f"dev.{name}.json"
        copy.write_text(content)
        os.utime(copy, (1000 - age, 1000 - age))
    told = remedy(tmp_path)
    assert "older" not in told
    script = told.splitlines()[-1]
    assert os.system(script) == 0  # noqa: S605 - the very line that a person is to run
    assert path.read_text() == WHOLE
    assert remedy(tmp_path) == ""


def test_a_lock_that_a_full_disk_cut_is_removed(tmp_path: Path) -> None:
    state(tmp_path, WHOLE)
    folder = tmp_path / "state" / ".pulumi" / "locks" / "organization" / "fleet" / "dev"
    folder.mkdir(parents=True)
    (folder / "1.json.tmp").touch()
    (folder / "2.json").write_text("{}")
    told = remedy(tmp_path)
    assert told.splitlines()[-1] == f"  rm {folder}/1.json.tmp"
    assert "2.json" not in told
