"""What a run takes on the disk, and what is held there."""

import json
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.declaration.problems import DeclarationError
from fleet.local import build_times, disk_forecast, disk_held, disk_space
from fleet.local.base_images import rootfs
from fleet.local.base_images.bases import StandIn
from fleet.local.disk_forecast import Part, report
from fleet.local.docker import daemons, record
from fleet.local.place_daemons import Placed
from fleet.local.toolchain import golang, modules
from fleet.local.toolchain.toolchain import Supply
from tests.fleet.local.examples import PLATFORMS, checkout, command, needs

NOTHING = Supply(there={}, plugins=(), downloads=(), builds=())


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_forecast, "planned_builds", lambda *_: frozenset({"a", "b"}))
    monkeypatch.setattr(disk_space, "free", lambda _: 10**12)
    monkeypatch.setattr(disk_space, "mounted_at", lambda _: Path("/"))


def engine(folder: Path, patch: pytest.MonkeyPatch, **values: str) -> Placed:
    """A Docker engine that says ``values`` of itself; nothing is there, and Go is ``go``."""
    command(folder / "bin", "docker", f"echo '{json.dumps(values)}'")
    command(folder / "bin", "go", f"printf '%s\\n' {folder}/home/go-build {folder}/home/mod")
    patch.setenv("PATH", f"{folder}/bin:/usr/bin:/bin")
    supply = replace(
        NOTHING,
        plugins=(modules.GITHUB, modules.DOCKER_BUILD),
        builds=(modules.PULUMI, modules.GITHUB),
        downloads=(modules.REGISTRY, modules.DOCKER_BUILD),
    )
    return Placed(docker="unix:///srv/docker.sock", tools=needs(), supply=supply)


PROGRAMS = (
    "4.0 GB for Go's build cache (pulumi, github), 4.0 GB for Go's modules, "
    "200.0 MB for 2 built tools, 250.0 MB for 1 downloaded archive, 200.0 MB for 2 plugins"
)
DATA = (
    "300.0 MB for the images of registry and BuildKit, "
    "300.0 MB for 2 builds on 3 platforms, 660.0 MB for 1 slim base on 3 platforms"
)


@pytest.mark.usefixtures("planned")
def test_each_part_is_said_with_its_figure_and_what_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    placed = engine(tmp_path, monkeypatch, Name=socket.gethostname(), DockerRootDir=str(tmp_path))
    monkeypatch.setattr(disk_space, "free", lambda _: 71 * 10**9)
    disk_forecast.show(checkout(tmp_path), needs(), placed, [], builds=True)
    takes = f"disk /: this takes about 9.9 GB: {PROGRAMS}, {DATA}; 71.0 GB are free\n"
    assert capsys.readouterr().err == takes


@pytest.mark.usefixtures("planned")
def test_what_lies_on_another_disk_is_compared_with_what_is_free_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "var-lib-docker"
    data.mkdir()
    placed = engine(tmp_path, monkeypatch, Name=socket.gethostname(), DockerRootDir=str(data))
    monkeypatch.setattr(disk_space, "device", lambda path: int(path == data))
    monkeypatch.setattr(disk_space, "mounted_at", lambda path: path if path == data else "/")
    free = {data: 1_200_000_000}
    monkeypatch.setattr(disk_space, "free", lambda path: free.get(path, 9 * 10**9))
    disk_forecast.show(checkout(tmp_path), needs(), placed, [], builds=True)
    assert capsys.readouterr().err.splitlines() == [
        f"disk /: this takes about 8.7 GB: {PROGRAMS}; 9.0 GB are free",
        f"disk {data}: this takes about 1.3 GB: {DATA}; 1.2 GB are free",
        f"warning: the disk {data} may become full. Interrupt this to make room first.",
    ]


@pytest.mark.usefixtures("planned")
def test_what_is_free_here_is_said_where_docker_is_in_a_virtual_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    placed = engine(tmp_path, monkeypatch)
    monkeypatch.setattr(disk_space, "free", lambda _: 8 * 10**9)
    disk_forecast.show(checkout(tmp_path), needs(), placed, [], builds=True)
    assert capsys.readouterr().err.splitlines() == [
        f"disk /: this takes about 8.7 GB: {PROGRAMS}; 8.0 GB are free",
        "warning: the disk / may become full. Interrupt this to make room first.",
        f"disk of Docker: this takes about 1.3 GB: {DATA}; what is free there can't be seen",
    ]


def test_a_disk_is_known_by_where_it_is_mounted(tmp_path: Path) -> None:
    assert disk_space.mounted_at(Path("/proc/self/fd/none")) == Path("/proc")
    there = disk_space.mounted_at(tmp_path / "not" / "made")
    assert tmp_path.is_relative_to(there)
    assert disk_space.device(there) == disk_space.device(tmp_path)


def test_room_for_just_that_is_no_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [Part(size=50 * 10**6, name="1 build on 1 platform", place=tmp_path)]
    monkeypatch.setattr(disk_space, "free", lambda _: 49 * 10**6)
    assert len(report(parts)) == 2
    monkeypatch.setattr(disk_space, "free", lambda _: 50 * 10**6)
    assert len(report(parts)) == 1


@pytest.mark.usefixtures("planned")
def test_what_was_built_here_before_takes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, wanted = checkout(tmp_path), needs()
    placed = Placed(docker="", tools=wanted, supply=NOTHING)

    def said(*stand_ins: StandIn, builds: bool = True) -> str:
        disk_forecast.show(here, wanted, placed, stand_ins, builds=builds)
        return capsys.readouterr().err

    here.make_state()
    assert "2 builds on 3 platforms, 660.0 MB for 1 slim base" in said()
    assert said(builds=False) == "", "a preview builds nothing"
    build_times.add(here, {"a": 1.0})
    assert "1 build on 3 platforms;" in said()
    build_times.add(here, {"b": 1.0})
    assert said() == ""


def stand_in(python: str, base: str) -> StandIn:
    return StandIn(host="localhost:5443", python=python, base=base, platforms=PLATFORMS)


@pytest.mark.usefixtures("planned")
def test_a_preview_takes_room_for_the_bases_that_it_makes_on_both_disks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here, found = checkout(tmp_path), [stand_in("3.11", "slim"), stand_in("3.11", "full")]
    placed = Placed(docker="", tools=needs(), supply=NOTHING)
    here.make_state()
    here.cache.mkdir()
    monkeypatch.setattr(disk_space, "device", lambda path: int(path == here.cache))
    monkeypatch.setattr(disk_space, "mounted_at", lambda path: path)

    def said(*, builds: bool = False) -> list[str]:
        disk_forecast.show(here, needs(), placed, found, builds=builds)
        return capsys.readouterr().err.splitlines()

    cached = f"disk {here.cache}: this takes about 510.0 MB: 510.0 MB for 6 root file systems; "
    kept = "450.0 MB for 1 slim base on 3 platforms, 1.9 GB for 1 full base on 3 platforms; "
    free = "1000.0 GB are free"
    assert said() == [
        cached + free,
        f"disk {here.state}: this takes about 2.4 GB: {kept}{free}",
    ]
    builds = "300.0 MB for 2 builds on 3 platforms"
    assert (
        said(builds=True)[1]
        == f"disk {here.state}: this takes about 2.7 GB: {builds}, {kept}{free}"
    )
    disk_forecast.show_stand_ins(here, "", found[1:])
    assert "390.0 MB for 3 root file systems" in capsys.readouterr().err
    for recipe in (made for each in found for made in each.recipes.values()):
        rootfs.place(here, recipe).mkdir(parents=True)
    assert said() == [f"disk {here.state}: this takes about 2.4 GB: {kept}{free}"]
    here.bases_file.write_text("3.11-slim: x\n3.11-full: y\n")
    assert said() == [], "these are made already"
    shutil.rmtree(here.cache / "rootfs")
    assert said() == [], "nor is a root file system made again for what the registry has"


@pytest.mark.usefixtures("planned")
def test_official_full_bases_have_a_figure_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, both = checkout(tmp_path), (("3.11", "slim"), ("3.12", "alpine"), ("3.13", "full"))
    here.make_state()
    placed = Placed(docker="", tools=needs(), supply=NOTHING)
    disk_forecast.show(here, needs(bases=both), placed, [], builds=True)
    said = capsys.readouterr().err
    for part in ("660.0 MB for 1 slim", "660.0 MB for 1 alpine", "5.4 GB for 1 full"):
        assert f"{part} base on 3 platforms" in said


@pytest.mark.usefixtures("planned")
def test_without_a_lock_the_declared_tags_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unlocked(*_: object) -> frozenset[str]:
        raise DeclarationError((), "")

    monkeypatch.setattr(disk_forecast, "planned_builds", unlocked)
    here, wanted = checkout(tmp_path), needs(tags=4)
    here.make_state()
    placed = Placed(docker="", tools=wanted, supply=NOTHING)
    disk_forecast.show(here, wanted, placed, [], builds=True)
    assert "4 builds on 3 platforms" in capsys.readouterr().err


@pytest.fixture
def no_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golang, "caches", lambda: None)


def filled(*folders: Path) -> None:
    """Have a file of 200 kB in each."""
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x" * 200_000)


@pytest.mark.usefixtures("no_go")
def test_what_is_held_here_is_measured(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    assert disk_held.report(here) == ""
    filled(here.state / "registry", here.cache / "tools", here.root / ".venv")
    said = disk_held.report(here)
    assert said.startswith("disk: registry 2")
    assert "BuildKit" not in said
    assert "tools and bases of all checkouts 2" in said
    assert f"kB ({here.cache}), .venv 2" in said
    assert "\n" not in said


def test_gos_caches_have_too_many_files_to_be_counted_and_are_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, fetched = tmp_path / "go-build", tmp_path / "mod"
    command(tmp_path / "bin", "go", f"printf '%s\\n' {built} {fetched}")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    here = checkout(tmp_path)
    filled(built, fetched)
    assert disk_held.report(here) == "", "they are of other programs"
    filled(here.cache / "tools")
    _, said = disk_held.report(here).splitlines()
    assert said == f"disk: not measured: Go's caches (du -sh {built} {fetched})"


@pytest.mark.usefixtures("no_go")
def test_a_folder_is_measured_for_a_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = checkout(tmp_path)
    filled(here.state / "buildkit")
    monkeypatch.setattr(disk_held, "_SECONDS", 0.3)
    command(tmp_path / "bin", "du", "exec sleep 60")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    named = f"du -sh {here.state}/buildkit"
    said = disk_held.report(here)
    assert said == f"disk: not measured: BuildKit's cache (more than 0 s: {named})"


@pytest.mark.usefixtures("no_go")
def test_of_a_large_registry_the_command_that_empties_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = checkout(tmp_path)
    filled(here.state / "registry")
    assert "prune" not in disk_held.report(here)
    monkeypatch.setattr(disk_held, "REGISTRY_LARGE", 150_000)
    assert "\ndisk: the registry keeps what was ever built. make prune APPLY=1" in disk_held.report(
        here
    )


@pytest.mark.usefixtures("no_go")
def test_what_is_held_in_docker_is_asked_of_the_containers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, script = checkout(tmp_path), f"case $* in *{daemons.IMAGES}) n=1000;; *) n=2000;; esac\n"
    command(tmp_path / "bin", "docker", f'{script} printf "$n\\t/x\\n"')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    record.write(here, "unix:///srv/docker.sock")
    kept = "BuildKit's cache 2.0 MB (kept below 20.0 GB)"
    assert disk_held.report(here) == f"disk: registry 1.0 MB, {kept}"
    command(tmp_path / "bin", "docker", "echo no such container >&2; exit 1")
    why = "(its container does not run or does not answer)"
    said = disk_held.report(here)
    assert said == f"disk: not measured: registry {why}, BuildKit's cache {why}"
    monkeypatch.setattr(disk_held, "_SECONDS", 0.3)
    command(tmp_path / "bin", "docker", "exec sleep 60")
    assert disk_held.report(here) == said, "an engine that hangs holds nothing up"
