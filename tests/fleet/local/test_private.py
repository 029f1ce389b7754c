"""Folders and files of this user alone."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.local import certificates, private_files, processes
from fleet.local.paths import SOCKET_PATH_LIMIT, Checkout
from tests.fleet.local.examples import checkout


@pytest.fixture
def open_umask() -> Iterator[None]:
    """A shell that gives everybody everything."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("open_umask")
@pytest.mark.parametrize("existing", [None, 0o755, 0o777])
def test_the_state_is_this_users_alone_also_where_it_was_not(
    tmp_path: Path, existing: int | None
) -> None:
    here = checkout(tmp_path)
    if existing is not None:
        here.state.mkdir(mode=existing)
        assert mode(here.state) == existing
    here.make_state()
    assert mode(here.state) == 0o700


def test_the_engine_is_kept_from_its_logs_until_somebody_removes_the_file(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    here.make_state()
    logs = here.pulumi_home / "logs"
    assert "`pulumi logs`" in logs.read_text()
    logs.unlink()
    here.make_state()
    assert not logs.exists()


@pytest.mark.usefixtures("open_umask")
def test_keys_are_this_users_alone(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    certificates.ensure(here)
    assert mode(here.state) == 0o700
    assert mode(here.tls / "server.key") == 0o600


@pytest.mark.usefixtures("open_umask")
def test_a_file_is_replaced_whole_and_a_link_is_not_followed(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "folder" / "ours"
    theirs.write_text("kept")
    ours.parent.mkdir()
    ours.symlink_to(theirs)
    private_files.write(ours, "kept")
    private_files.write(ours, "new")
    assert (theirs.read_text(), ours.read_text()) == ("kept", "new")
    assert mode(ours) == 0o600
    assert [path.name for path in ours.parent.iterdir()] == ["ours"]


def test_a_daemons_scratch_folder_is_emptied_and_a_link_in_its_place_is_removed(
    tmp_path: Path,
) -> None:
    theirs, tmp = tmp_path / "theirs", tmp_path / "tmp"
    (theirs / "file").mkdir(parents=True)
    tmp.symlink_to(theirs)
    processes.environment(tmp)
    assert (theirs / "file").exists()
    (tmp / "left").mkdir()
    processes.environment(tmp)
    assert list(tmp.iterdir()) == []
    assert mode(tmp) == 0o700


def test_a_scratch_folder_leaves_room_for_the_sockets_that_buildkit_makes_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "x"))
    (tmp_path / "x").mkdir()
    for length in range(10, 100):
        here = Checkout(root=Path("/" + "r" * length), cache=tmp_path)
        socket = here.tmp / "buildkitd" / ".buildkit-ssh-sock0123456789" / "ssh_auth_sock"
        inside = here.tmp == here.state / "tmp"
        assert inside is (here.tmp.parent != here.short)
        assert not inside or len(os.fsencode(socket)) <= SOCKET_PATH_LIMIT
    assert not inside, "a long path is not inside"
    deep = Checkout(root=tmp_path / ("d" * 100), cache=tmp_path)
    deep.root.mkdir()
    deep.make_run()
    assert mode(deep.short) == 0o700
