"""UVICORN_EXTRA_FLAGS in a gunicorn worker, read by the uvicorn that is installed here."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.assets.starting import ASSETS

if TYPE_CHECKING:
    from types import ModuleType

pytest.importorskip("uvicorn", reason="uvicorn is not in this environment")


@pytest.fixture
def flags(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ASSETS / "python-gunicorn-uvicorn" / "image" / "start"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return importlib.import_module("uvicorn_flags")


@pytest.mark.parametrize("value", ["", "  "])
def test_no_flags_are_no_settings(flags: ModuleType, value: str) -> None:
    assert flags.config_settings(value) == {}


@pytest.mark.parametrize(
    ("value", "settings"),
    [
        ("--root-path /api", {"root_path": "/api"}),
        ("--timeout-keep-alive 30 --lifespan on", {"timeout_keep_alive": 30, "lifespan": "on"}),
        ("--no-server-header", {"server_header": False}),
        ("--no-access-log", {"access_log": False}),
        ("--factory", {"factory": True}),
        ("--header 'x-a: b c' --header x-d:e", {"headers": [["x-a", " b c"], ["x-d", "e"]]}),
    ],
)
def test_flags_become_settings_and_defaults_do_not(
    flags: ModuleType, value: str, settings: dict[str, Any]
) -> None:
    assert flags.config_settings(value) == settings


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("--workers 2", "--workers has no effect under gunicorn: use WORKERS"),
        ("--host :: --port 1", "use HOST; --port has no effect under gunicorn: use PORT"),
        ("--reload-dir /srv", "it needs RELOAD=true"),
        ("--access-log", "use --access-logfile - in GUNICORN_EXTRA_FLAGS"),
        ("--timeout 60", "No such option"),
        ("--timeout-keep-alive soon", "Invalid value for '--timeout-keep-alive'"),
        ("--header 'open", "No closing quotation; check the quotes"),
        ("--version", "--help and --version start no server"),
        ("other:app", "unexpected extra argument"),
    ],
)
def test_flags_without_effect_are_refused_with_a_remedy(
    flags: ModuleType, value: str, message: str
) -> None:
    with pytest.raises(flags.FlagError) as caught:
        flags.config_settings(value)
    assert message in str(caught.value)


def test_uvicorns_own_variables_are_no_flags(
    flags: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UVICORN_PORT", "tcp://10.96.0.12:8000")
    monkeypatch.setenv("UVICORN_ROOT_PATH", "/other")
    assert flags.config_settings("--lifespan on") == {"lifespan": "on"}


def test_uvicorns_own_variables_are_told_but_not_those_of_a_service(flags: ModuleType) -> None:
    environ = {
        "UVICORN_PORT": "tcp://10.96.0.12:8000",
        "UVICORN_SERVICE_HOST": "10.96.0.12",
        "UVICORN_EXTRA_FLAGS": "--lifespan on",
        "UVICORN_ROOT_PATH": "/api",
    }
    assert flags.variables(environ) == ["UVICORN_PORT", "UVICORN_ROOT_PATH"]
    assert flags.unread(environ) == [
        "UVICORN_ROOT_PATH is not read by this image; give its flag in UVICORN_EXTRA_FLAGS"
    ]
