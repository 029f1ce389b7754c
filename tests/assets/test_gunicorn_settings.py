"""Whose word gunicorn takes, read by the gunicorn that is installed here."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn_worker
from gunicorn.util import load_class

from tests.assets.starting import Container

if TYPE_CHECKING:
    from types import ModuleType

IMAGES = ("python-gunicorn", "python-gunicorn-uvicorn")


@dataclass(frozen=True, kw_only=True)
class Settled:
    """The settings that gunicorn gets beneath its flags, and its output."""

    settings: dict[str, Any]
    lines: list[str]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of an image, whose start scripts lie in ``container.lib``."""

    container: Container
    capsys: pytest.CaptureFixture[str]

    def load(self, name: str) -> ModuleType:
        spec = spec_from_file_location(f"start_sh_{name}", self.container.lib / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[spec.name] = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def of(self, flags: str = "", **environ: str) -> Settled:
        """Read the settings as gunicorn does under start.sh with these flags and variables."""
        self.capsys.readouterr()
        words = [*shlex.split(flags), "--config", "ours", "main:app"]
        found = self.load("gunicorn_settings").settings(words, environ, self.load)
        return Settled(settings=found, lines=self.capsys.readouterr().err.splitlines())

    def refused(self, flags: str = "", **environ: str) -> str:
        with pytest.raises(SystemExit) as ended:
            self.of(flags, **environ)
        return str(ended.value)


def settings_of(
    image: str, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Settings:
    container = Container(root=root, shell="sh", image=image)  # noqa: S604 - calls none
    container.prepare()
    monkeypatch.chdir(container.app)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Settings(container=container, capsys=capsys)


@pytest.fixture(params=IMAGES)
def settings(
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:
    return settings_of(request.param, tmp_path, capsys, monkeypatch)


@pytest.fixture
def asgi(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """The image that has a worker class of its own."""
    return settings_of("python-gunicorn-uvicorn", tmp_path, capsys, monkeypatch)


def test_the_defaults_of_the_image(settings: Settings) -> None:
    settled = settings.of()
    assert (settled.settings["bind"], settled.settings["workers"]) == (["0.0.0.0:80"], 4)
    own = settings.container.image == "python-gunicorn-uvicorn"
    assert ("worker_class" in settled.settings) == own
    assert settled.lines == []


def test_gunicorns_own_variable_counts_workers(settings: Settings) -> None:
    assert settings.of(WEB_CONCURRENCY="1").settings["workers"] == 1


def test_the_applications_settings_are_stronger_than_the_images(settings: Settings) -> None:
    settings.container.write(
        "gunicorn.conf.py", "workers = 1\nloglevel = 'debug'\ndef post_fork(*_): return 7\n"
    )
    settled = settings.of(WEB_CONCURRENCY="3")
    assert settled.settings["workers"] == 1
    assert settled.settings["loglevel"] == "debug"
    assert settled.settings["post_fork"]() == 7
    assert settled.lines == []


@pytest.mark.parametrize("place", ["other.py", "file:other.py", "python:package.conf"])
@pytest.mark.parametrize("where", ["flags", "variable"])
def test_settings_may_lie_elsewhere(
    settings: Settings, place: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.container.write("gunicorn.conf.py", "workers = 9\n")
    settings.container.write("other.py", "workers = 2\n")
    settings.container.write("package/conf.py", "workers = 2\n")
    monkeypatch.syspath_prepend(str(settings.container.app))
    words = f"--config {place}"
    found = settings.of(words) if where == "flags" else settings.of(GUNICORN_CMD_ARGS=words)
    assert found.settings["workers"] == 2
    sys.modules.pop("package.conf", None)
    sys.modules.pop("package", None)


def test_settings_that_are_named_must_be_there(settings: Settings) -> None:
    assert settings.refused("-c absent.py").startswith("start.sh: absent.py, which -c or --config")


def test_what_a_variable_of_gunicorns_says_is_left_to_it(settings: Settings) -> None:
    settled = settings.of(GUNICORN_CMD_ARGS="--workers 1 --bind 0.0.0.0:9000")
    assert settled.lines == []


@pytest.mark.parametrize(
    ("flags", "arguments", "line"),
    [
        ("--workers 2", "--workers 1", "workers 1 of GUNICORN_CMD_ARGS is not used: 2 wins"),
        ("--bind 0.0.0.0:8000", "-b :9000", "bind :9000 of GUNICORN_CMD_ARGS is not used"),
        ("--log-level info", "--log-level debug", "loglevel debug of GUNICORN_CMD_ARGS"),
        ("--workers 2", "--workers 2", None),
        ("", "--workers 2", None),
    ],
)
def test_an_argument_that_is_overridden_is_told_in_one_line(
    settings: Settings, flags: str, arguments: str, line: str | None
) -> None:
    lines = settings.of(flags, GUNICORN_CMD_ARGS=arguments).lines
    assert len(lines) == (1 if line else 0)
    assert all(found.startswith(f"start.sh: {line}") for found in lines)


@pytest.mark.parametrize(
    ("flags", "text", "line"),
    [
        ("--workers 2", "workers = 1", "workers 1 of gunicorn.conf.py is not used: 2 wins"),
        ("--bind 0.0.0.0:80", "bind = ['[::]:80']", "bind [::]:80 of gunicorn.conf.py is not used"),
        ("--log-level info", "loglevel = 'INFO'", None),
        ("", "wsgi_app = 'shop:app'", "wsgi_app shop:app of gunicorn.conf.py is not used"),
    ],
)
def test_a_setting_that_is_overridden_is_told_in_one_line(
    settings: Settings, flags: str, text: str, line: str | None
) -> None:
    settings.container.write("gunicorn.conf.py", f"{text}\n")
    lines = settings.of(flags).lines
    assert len(lines) == (1 if line else 0)
    assert all(found.startswith(f"start.sh: {line}") for found in lines)


@pytest.mark.parametrize("where", ["flags", "variable", "file"])
@pytest.mark.parametrize("named", ["gthread", "uvicorn_worker.UvicornH11Worker"])
def test_a_worker_class_of_the_users_is_the_only_one(
    asgi: Settings, where: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvicorn_worker, "UvicornH11Worker", None)
    given = f"-k {named}"
    if where == "file":
        asgi.container.write("gunicorn.conf.py", f"worker_class = '{named}'\n")
        assert asgi.of().settings["worker_class"] == named
    elif where == "flags":
        assert "worker_class" not in asgi.of(given).settings
    else:
        assert "worker_class" not in asgi.of(GUNICORN_CMD_ARGS=given).settings


@pytest.mark.parametrize("name", ["UvicornWorker", "UvicornH11Worker"])
def test_a_worker_class_of_uvicorns_is_this_images(
    asgi: Settings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = getattr(uvicorn_worker, name)
    monkeypatch.setattr(uvicorn_worker, name, before)
    asgi.container.write("gunicorn.conf.py", f"worker_class = 'uvicorn_worker.{name}'\n")
    settled = asgi.of(UVICORN_EXTRA_FLAGS="--root-path /api")
    chosen = load_class(settled.settings["worker_class"])
    assert issubclass(chosen, uvicorn_worker.UvicornWorker)
    assert chosen is not before
    assert chosen.CONFIG_KWARGS == {**before.CONFIG_KWARGS, "root_path": "/api"}


def test_uvicorn_flags_with_a_worker_class_of_the_users_are_refused(asgi: Settings) -> None:
    problem = asgi.refused("-k other", UVICORN_EXTRA_FLAGS="--lifespan on")
    assert problem.startswith("start.sh: UVICORN_EXTRA_FLAGS has no effect with the worker class")


def test_uvicorn_flags_are_settings_of_the_worker_class(asgi: Settings) -> None:
    flags = "--root-path /api --header 'x-a:b'"
    found = asgi.of(UVICORN_EXTRA_FLAGS=flags, UVICORN_PORT="tcp://10.0.0.1:80")
    settings = load_class(found.settings["worker_class"]).CONFIG_KWARGS
    assert settings["root_path"] == "/api"
    assert settings["headers"] == [["x-a", "b"]]
    assert "log_level" not in settings
    assert found.lines == []


def test_trace_is_a_level_of_uvicorns(asgi: Settings) -> None:
    found = asgi.of(LOG_LEVEL="trace").settings["worker_class"]
    assert load_class(found).CONFIG_KWARGS["log_level"] == "trace"


def test_uvicorn_flags_without_effect_are_refused_in_one_line(asgi: Settings) -> None:
    assert asgi.refused(UVICORN_EXTRA_FLAGS="--workers 2") == (
        "start.sh: UVICORN_EXTRA_FLAGS: --workers has no effect under gunicorn: use WORKERS"
    )


def test_uvicorns_own_variables_are_told_to_mean_nothing(asgi: Settings) -> None:
    (line,) = asgi.of(UVICORN_ROOT_PATH="/api").lines
    assert line.startswith("start.sh: UVICORN_ROOT_PATH is not read by this image")


def test_without_a_folder_for_it_there_is_no_control_socket(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = settings.load("gunicorn_settings")
    assert module.control_socket({}) == {}
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert module.control_socket({}) == {"control_socket_disable": True}
    assert module.control_socket({"control_socket": str(tmp_path / "socket")}) == {}


def test_a_port_that_may_not_be_bound_is_one_line_with_the_remedy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = settings.load("start_checks")
    monkeypatch.setattr(checks.socket.socket, "bind", refuse)
    problem = settings.refused()
    assert problem.startswith("start.sh: user ")
    assert problem.endswith("such as PORT=8000")
    assert settings.of("--bind unix:/tmp/gunicorn.sock").lines == []
    assert settings.of(LISTEN_FDS="1").lines == []


@pytest.mark.parametrize("bind", ["127.0.0.1:1,127.0.0.1:2", "x:99999", "x:abc"])
def test_an_address_that_is_gunicorns_to_judge_is_left_to_it(settings: Settings, bind: str) -> None:
    settings.container.write("gunicorn.conf.py", f"bind = '{bind}'\n")
    assert settings.of().settings["bind"] == bind


def refuse(*_: object) -> None:
    raise PermissionError


def test_no_folder_for_temporary_files_is_one_line(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(tempfile, "gettempdir", none)
    assert settings.refused() == (
        "start.sh: gunicorn needs a folder for temporary files; mount one that can be written to"
        " at /tmp"
    )
