"""Folders that are closed to this user: root's, whose variables `su user -c` keeps, for example."""

import os
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.local import (
    certificates,
    cleanup,
    disk_held,
    docker_config,
    prepare,
    truncated_state,
)
from fleet.local.docker import engine
from fleet.local.paths import Checkout
from fleet.local.toolchain import golang
from tests.fleet.local.examples import checkout, closed, command, declared, needs


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of another user's, and the own home of this one."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    made = tmp_path / "theirs"
    made.mkdir()
    closed(made, monkeypatch)
    return made


def test_sockets_beside_one_that_is_closed_are_tried(
    tmp_path: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = command(tmp_path / "bin", "docker", "echo linux").parent
    env = {"PATH": f"{path}:/usr/bin:/bin", "XDG_RUNTIME_DIR": str(theirs)}
    ours = tmp_path / "home" / ".docker" / "run" / "docker.sock"
    sockets = [theirs / "docker.sock", ours]
    monkeypatch.setattr(engine, "_sockets", lambda _: sockets)
    with pytest.raises(TroubleError, match="there is no socket of a Docker engine"):
        engine.find(checkout(tmp_path), env)
    ours.parent.mkdir(parents=True)
    ours.touch()
    assert engine.find(checkout(tmp_path), env) == f"unix://{ours}"


def test_of_a_closed_docker_configuration_nothing_is_shown(tmp_path: Path, theirs: Path) -> None:
    here, env = checkout(tmp_path), {"DOCKER_CONFIG": str(theirs / "docker")}
    with pytest.raises(TroubleError, match=f"no such builder: mine .looked in {theirs}"):
        docker_config.require_builders(here, needs(builders=("mine",)), env)
    docker_config.share(here, needs(builders=("mine",)), env)
    assert not (here.docker_config / "contexts").is_symlink()


def test_closed_authorities_and_states_are_not_there(
    tmp_path: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(theirs / "authorities.pem"))
    assert certificates.system_bundle(checkout(tmp_path)) != theirs / "authorities.pem"
    env = {"PULUMI_BACKEND_URL": f"file://{theirs}/state"}
    assert truncated_state.remedy(tmp_path, "dev", env) == ""


def test_sockets_that_can_t_lie_in_the_closed_folder_are_told_and_none_are_removed(
    tmp_path: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(theirs))
    here = Checkout(root=tmp_path / ("d" * 100), cache=tmp_path / "cache")
    here.root.mkdir()
    with pytest.raises(TroubleError, match=r"(?s)can't be made .*\nSet XDG_RUNTIME_DIR"):
        here.make_run()
    cleanup.down(here)


def test_a_cache_of_another_user_is_told_before_anything_is_made(
    tmp_path: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = declared(tmp_path, monkeypatch).root
    here = Checkout(root=root, cache=theirs / "cache" / "image-fleet")
    monkeypatch.setattr(golang, "caches", lambda: None)
    assert disk_held.report(here) == ""
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != theirs and may(path, mode))
    with pytest.raises(TroubleError, match=rf"not write to {theirs}\.\nSet XDG_CACHE_HOME"):
        prepare.prepare(here, "dev")
    assert not here.state.exists()
