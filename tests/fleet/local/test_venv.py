"""The virtual environment is remade exactly when its lock changed."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from fleet.local import venv
from tests.fleet.local.examples import command

# Stands for the Python of an environment: its pip notes the lock that it is given, or fails.
PYTHON = """
for last; do :; done
echo "${last##*/}" >>"$INSTALLED"
exit "${PIP_FAILS:-0}"
"""

REAL_PYTHON = sys.executable
PROGRAM = """
import os

def main(given):
    print(*given, os.environ.get("PYTHONPATH"), sep="\\n")
    return 3
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with both locks, where making an environment takes no time."""
    for name in ("requirements.lock", "requirements-dev.lock"):
        (tmp_path / name).write_text(name)
    maker = command(
        tmp_path,
        "maker",
        f'mkdir -p "$3/bin"; cp {tmp_path}/python "$3/bin/python"; touch "$3/bin/pip" "$3/new"',
    )
    command(tmp_path, "python", PYTHON)
    monkeypatch.setattr(sys, "executable", str(maker))
    monkeypatch.setenv("INSTALLED", str(tmp_path / "installed"))
    return tmp_path


def installed(root: Path) -> list[str]:
    path = root / "installed"
    return path.read_text().split() if path.exists() else []


def test_it_is_installed_once(root: Path) -> None:
    venv.ensure(root, dev=False)
    venv.ensure(root, dev=False)
    assert installed(root) == ["requirements.lock"]


def test_how_long_it_took_is_said(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = iter((100.0, 132.4))
    monkeypatch.setattr("time.monotonic", lambda: next(moments))
    venv._install(root / ".venv", root / "requirements.lock")
    begun, ended = capsys.readouterr().err.splitlines()
    assert (begun, ended) == (
        "venv: installing requirements.lock ...",
        "venv: installing requirements.lock: 32 s",
    )


def printed(path: Path, *arguments: str, cwd: Path) -> list[str]:
    done = subprocess.run([path, *arguments], check=False, cwd=cwd, stdout=PIPE, text=True)
    assert done.returncode == 3
    return done.stdout.splitlines()


@pytest.fixture
def whole(root: Path) -> Path:
    """A checkout whose environment has a real Python; its program prints what it is given."""
    folder = root / "fleet" / "cli"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(PROGRAM)
    venv.ensure(root, dev=False)
    python = root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(REAL_PYTHON)
    return root


def test_the_command_runs_the_program_of_its_checkout_from_any_folder(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    # A module of the folder where it is called is not the program's.
    (elsewhere / "fleet.py").write_text("raise SystemExit('not this one')")
    path = Path(".venv", "bin", "fleet")
    shown = printed(whole / path, "plan", "--stack", "a b", cwd=elsewhere)
    assert shown == ["plan", "--stack", "a b", "None"]
    moved = whole.rename(whole.with_name("it's moved"))
    assert printed(moved / path, "up", cwd=elsewhere) == ["up", "None"]
    (elsewhere / "link").symlink_to(moved / path)
    assert printed(elsewhere / "link", "down", cwd=elsewhere) == ["down", "None"]


def test_an_environment_that_is_there_gets_the_command_of_this_release(root: Path) -> None:
    venv.ensure(root, dev=False)
    path = root / ".venv" / "bin" / "fleet"
    written = path.read_text()
    path.write_text("of another release")
    venv.ensure(root, dev=False)
    assert path.read_text() == written
    path.unlink()
    venv.ensure(root, dev=False)
    assert os.access(path, os.X_OK)
    assert installed(root) == ["requirements.lock"], "nothing was installed for it"


def test_an_environment_that_can_not_be_written_serves_without_the_command(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    venv.ensure(root, dev=False)
    path = root / ".venv" / "bin" / "fleet"
    path.unlink()

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    venv.ensure(root, dev=False)
    assert not path.exists()
    assert "fleet can't be written: Permission denied" in capsys.readouterr().err


def test_nothing_is_built_to_install_it(root: Path) -> None:
    command(root, "python", 'echo "$@" >>"$INSTALLED"')
    venv.ensure(root, dev=False)
    assert {"--only-binary=:all:", "--require-hashes"} <= set(installed(root))


def test_the_development_lock_serves_for_the_other_too(root: Path) -> None:
    venv.ensure(root, dev=True)
    venv.ensure(root, dev=False)
    assert installed(root) == ["requirements-dev.lock"]


def test_development_tools_are_added_to_what_is_there(root: Path) -> None:
    venv.ensure(root, dev=False)
    (root / ".venv" / "new").unlink()
    venv.ensure(root, dev=True)
    assert installed(root) == ["requirements.lock", "requirements-dev.lock"]
    assert not (root / ".venv" / "new").exists()


@pytest.mark.parametrize("dev", [True, False])
def test_a_changed_lock_makes_a_new_environment(root: Path, dev: bool) -> None:
    venv.ensure(root, dev=dev)
    (root / ".venv" / "lingers").touch()
    for name in ("requirements.lock", "requirements-dev.lock"):
        (root / name).write_text("changed")
    venv.ensure(root, dev=dev)
    assert len(installed(root)) == 2
    assert not (root / ".venv" / "lingers").exists()


def test_an_environment_that_a_person_made_is_not_removed(root: Path) -> None:
    command(root / ".venv" / "bin", "python", PYTHON)
    command(root / ".venv" / "bin", "pip", "exit 0")
    (root / ".venv" / "theirs").touch()
    venv.ensure(root, dev=False)
    assert (root / ".venv" / "theirs").exists()


@pytest.mark.parametrize("dev", [True, False])
def test_an_environment_whose_python_is_gone_is_made_anew(root: Path, dev: bool) -> None:
    venv.ensure(root, dev=dev)
    python = root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(root / "gone")
    venv.ensure(root, dev=dev)
    assert len(installed(root)) == 2
    assert python.exists()


def test_an_environment_whose_making_was_interrupted_is_made_anew(root: Path) -> None:
    command(root / ".venv" / "bin", "python", "exit 1")
    venv.ensure(root, dev=False)
    assert installed(root) == ["requirements.lock"]


def test_a_new_environment_that_can_not_be_made_leaves_the_old_one_in_its_place(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.ensure(root, dev=False)
    (root / ".venv" / "old").touch()
    (root / "requirements.lock").write_text("changed")
    monkeypatch.setenv("PIP_FAILS", "1")
    with pytest.raises(subprocess.CalledProcessError):
        venv.ensure(root, dev=False)
    assert (root / ".venv" / "old").exists()
    monkeypatch.setenv("PIP_FAILS", "0")
    venv.ensure(root, dev=False)
    assert not (root / ".venv" / "old").exists()
    assert not (root / ".venv.old").exists()


def test_the_old_environment_outlasts_a_kill_while_another_is_made(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.ensure(root, dev=False)
    (root / ".venv").rename(root / ".venv.old")
    command(root / ".venv" / "bin", "python", "exit 1")
    monkeypatch.setenv("PIP_FAILS", "1")
    with pytest.raises(subprocess.CalledProcessError):
        venv.ensure(root, dev=False)
    assert (root / ".venv" / "bin" / "pip").exists()
    venv.ensure(root, dev=False)
    assert len(installed(root)) == 2, "it is what the lock names"


def test_what_was_cut_off_while_tools_were_added_is_not_taken_for_whole(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.ensure(root, dev=False)
    monkeypatch.setenv("PIP_FAILS", "1")
    with pytest.raises(subprocess.CalledProcessError):
        venv.ensure(root, dev=True)
    monkeypatch.setenv("PIP_FAILS", "0")
    venv.ensure(root, dev=False)
    assert len(installed(root)) == 3


@pytest.mark.parametrize("dev", [True, False])
def test_another_feature_release_of_python_makes_a_new_environment(
    root: Path, monkeypatch: pytest.MonkeyPatch, dev: bool
) -> None:
    venv.ensure(root, dev=dev)
    (root / ".venv" / "lingers").touch()
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    venv.ensure(root, dev=dev)
    assert len(installed(root)) == 2
    assert not (root / ".venv" / "lingers").exists()
    monkeypatch.setattr(sys, "version_info", (3, 99, 1))
    venv.ensure(root, dev=dev)
    assert len(installed(root)) == 2


def test_an_environment_that_cannot_be_removed_is_told_in_a_line(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "elsewhere").mkdir()
    (root / ".venv").symlink_to(root / "elsewhere")
    monkeypatch.setattr(venv, "__file__", str(root / "fleet" / "local" / "venv.py"))
    assert venv.main([]) == 1
    assert "error: the virtual environment was not made: " in capsys.readouterr().err


def test_a_failed_install_is_tried_again(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_FAILS", "1")
    monkeypatch.setattr(venv, "__file__", str(root / "fleet" / "local" / "venv.py"))
    assert venv.main([]) == 1
    assert "the virtual environment was not made" in capsys.readouterr().err
    monkeypatch.setenv("PIP_FAILS", "0")
    assert venv.main([]) == 0
    assert len(installed(root)) == 2


def test_a_python_that_is_too_old_is_told_which_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert venv.main([]) == 1
    assert "Python 3.11 or newer is needed" in capsys.readouterr().err
