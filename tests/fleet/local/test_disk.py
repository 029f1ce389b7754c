"""What a run takes on the disk."""

from pathlib import Path

import pytest

from fleet.declaration.problems import DeclarationError
from fleet.local import build_times, disk_forecast, disk_space
from fleet.local.disk_forecast import Work, report
from fleet.local.place_daemons import Placed
from fleet.local.toolchain.toolchain import Supply
from tests.fleet.local.examples import checkout, needs

NOTHING = Supply(there={}, plugins=(), downloads=(), builds=())


def test_each_part_is_said_with_its_figure_and_what_is_free() -> None:
    work = Work(programs=["pulumi", "buildkit"], builds=4, bases=2, platforms=3, containers=True)
    (said,) = report(work, 71 * 10**9)
    assert said == (
        "disk: this takes up to 10.7 GB: 8.0 GB for Go's caches (pulumi, buildkit), "
        "300.0 MB for the images of registry and BuildKit, 600.0 MB for 4 builds on 3 platforms, "
        "1.8 GB for 2 bases on 3 platforms; 71.0 GB are free"
    )


def test_less_room_than_that_is_a_warning() -> None:
    said = report(Work(builds=1), 49 * 10**6)
    assert said[0].endswith("50.0 MB for 1 build on 1 platform; 49.0 MB are free")
    assert said[1].startswith("warning: the disk may become full")
    assert len(report(Work(builds=1), 50 * 10**6)) == 1
    assert report(Work(builds=1), None)[0].endswith(
        "1 platform; what is free in Docker can't be seen"
    )


def test_nothing_to_make_is_nothing_to_say() -> None:
    assert report(Work(bases=0, builds=0, platforms=3), 1) == []


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_forecast, "planned_builds", lambda *_: frozenset({"a", "b"}))
    monkeypatch.setattr(disk_space, "free", lambda _: 10**12)


@pytest.mark.usefixtures("planned")
def test_what_was_built_here_before_takes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, wanted = checkout(tmp_path), needs()
    placed = Placed(docker="", tools=wanted, supply=NOTHING)

    def said(*, builds: bool = True) -> str:
        disk_forecast.show(here, wanted, placed, builds=builds)
        return capsys.readouterr().err

    here.make_state()
    assert "2 builds on 3 platforms, 900.0 MB for 1 base" in said()
    assert said(builds=False) == "", "a preview builds nothing"
    build_times.add(here, {"a": 1.0})
    assert "1 build on 3 platforms;" in said()
    build_times.add(here, {"b": 1.0})
    assert said() == ""


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
    disk_forecast.show(here, wanted, placed, builds=True)
    assert "4 builds on 3 platforms" in capsys.readouterr().err
