"""When a missing package is judged: before anything is started, and only if it is called on."""

import os
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.local import (
    debian,
    disk_forecast,
    disk_space,
    environment,
    first_steps,
    place_daemons,
    prepare,
)
from fleet.local.base_images import bases, rootfs
from fleet.local.base_images.bases import StandIn
from fleet.local.docker import daemons
from fleet.local.paths import Checkout
from fleet.local.place_daemons import Placed
from fleet.local.requirements import Needs
from fleet.local.toolchain.toolchain import Supply
from tests.fleet.local.examples import command, declared, needs

NOTHING = Supply(there={}, plugins=(), downloads=(), builds=())
STAND_IN = StandIn(host="localhost:5443", python="3.13", base="slim", platforms=("linux/arm64",))


class StartedError(Exception):
    """Containers are started."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout of a user of Docker who is not root, without docker.io and without packages."""
    made = declared(tmp_path, monkeypatch)
    placed = Placed(docker="unix:///srv/docker.sock", tools=needs().without_daemons, supply=NOTHING)
    monkeypatch.setattr(place_daemons, "place", lambda *_: placed)
    monkeypatch.setattr(bases, "wanted", lambda *_: [STAND_IN])
    monkeypatch.setattr(disk_forecast, "show", lambda *_, **__: None)
    monkeypatch.setattr(disk_space, "require_for_containers", lambda *_: None)
    monkeypatch.setattr(first_steps, "first_steps", lambda *_, **__: [])
    monkeypatch.setattr(rootfs, "can_make", lambda: True)
    monkeypatch.setattr(debian, "_PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    command(tmp_path / "bin", "docker", "echo '{}'")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")

    def start(*_: object) -> None:
        raise StartedError

    monkeypatch.setattr(daemons, "start", start)
    return made


def test_what_can_t_be_installed_is_missed_before_containers_are_started(here: Checkout) -> None:
    with pytest.raises(TroubleError, match="packages are missing: mmdebstrap"):
        prepare.prepare(here, "dev")


def test_where_all_root_file_systems_are_kept_nothing_makes_any(
    here: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    for recipe in STAND_IN.recipes.values():
        rootfs.place(here, recipe).mkdir(parents=True)

    def provide(*_: object) -> None:
        raise StartedError

    # Packages are installed before that.
    monkeypatch.setattr(daemons, "start", lambda *_: None)
    monkeypatch.setattr(environment, "provide", provide)
    with pytest.raises(StartedError):
        prepare.prepare(here, "dev")


def test_a_base_that_only_the_lock_asks_for_is_judged_too(
    here: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(*_: object) -> None:
        pytest.fail("mmdebstrap is called, and is not there")

    monkeypatch.setattr(bases, "ensure", made)
    before: Needs = needs(bases=())
    with pytest.raises(TroubleError, match="packages are missing: mmdebstrap"):
        prepare._with_compilers(here, before, "", {})
