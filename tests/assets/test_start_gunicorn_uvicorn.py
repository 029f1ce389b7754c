"""How the start script of python-gunicorn-uvicorn hands the settings on to both servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.assets.starting import Container


def test_what_nobody_asked_for_is_not_said_to_gunicorn(gunicorn_uvicorn: Container) -> None:
    start = gunicorn_uvicorn.start()
    conf = str(gunicorn_uvicorn.lib / "gunicorn.conf.py")
    assert start.words == ["gunicorn", "--config", conf, "main:app"]
    assert start.errors == ""


def test_only_the_applications_folder_is_on_the_module_path(gunicorn_uvicorn: Container) -> None:
    assert gunicorn_uvicorn.start().environ["PYTHONPATH"] == str(gunicorn_uvicorn.app)
    assert gunicorn_uvicorn.start(PYTHONPATH="/srv").environ["PYTHONPATH"] == "/srv"


@pytest.mark.parametrize(
    ("host", "bind"),
    [("127.0.0.1", "127.0.0.1:80"), ("::", "[::]:80"), ("[::1]", "[::1]:80")],
)
def test_host_and_port_are_joined_for_gunicorn(
    gunicorn_uvicorn: Container, host: str, bind: str
) -> None:
    assert gunicorn_uvicorn.start(HOST=host).option("--bind") == bind


def test_uvicorn_takes_a_host_without_brackets(gunicorn_uvicorn: Container) -> None:
    assert gunicorn_uvicorn.start(HOST="[::1]", RELOAD="true").option("--host") == "::1"


def test_port_and_workers_are_passed_on(gunicorn_uvicorn: Container) -> None:
    start = gunicorn_uvicorn.start(PORT="65535", WORKERS="1")
    assert start.option("--bind") == "0.0.0.0:65535"
    assert start.option("--workers") == "1"


def test_trace_is_debug_for_gunicorn_and_trace_for_its_workers(gunicorn_uvicorn: Container) -> None:
    start = gunicorn_uvicorn.start(LOG_LEVEL="trace")
    assert start.option("--log-level") == "debug"
    assert start.environ["LOG_LEVEL"] == "trace"


def test_trace_is_passed_on_to_uvicorn_itself(gunicorn_uvicorn: Container) -> None:
    assert gunicorn_uvicorn.start(LOG_LEVEL="trace", RELOAD="true").option("--log-level") == "trace"


def test_reload_starts_uvicorn_alone(gunicorn_uvicorn: Container) -> None:
    start = gunicorn_uvicorn.start(RELOAD="true", HOST="127.0.0.1", PORT="8000")
    assert start.server == "uvicorn"
    assert "--reload" in start.words
    assert start.option("--host") == "127.0.0.1"
    assert start.option("--port") == "8000"
    assert start.words[-1] == "main:app"


@pytest.mark.parametrize("value", ["false", "False", "no", "off", "0"])
def test_reload_can_be_said_to_be_off(gunicorn_uvicorn: Container, value: str) -> None:
    assert gunicorn_uvicorn.start(RELOAD=value).server == "gunicorn"


def test_gunicorns_extra_flags_keep_quotes_and_stars(gunicorn_uvicorn: Container) -> None:
    start = gunicorn_uvicorn.start(GUNICORN_EXTRA_FLAGS="--name 'my app' --reuse-port * $(id) `id`")
    position = start.words.index("--name")
    expected = ["--name", "my app", "--reuse-port", "*", "$(id)", "`id`"]
    assert start.words[position:-3] == expected


def test_uvicorns_extra_flags_reach_uvicorn(gunicorn_uvicorn: Container) -> None:
    start = gunicorn_uvicorn.start(
        RELOAD="true", UVICORN_EXTRA_FLAGS="--header 'x-a:b c' --lifespan on"
    )
    assert start.option("--header") == "x-a:b c"
    assert start.option("--lifespan") == "on"


@pytest.mark.parametrize("name", ["GUNICORN_EXTRA_FLAGS", "GUNICORN_CMD_ARGS"])
def test_gunicorns_settings_are_said_to_be_unused_by_uvicorn(
    gunicorn_uvicorn: Container, name: str
) -> None:
    start = gunicorn_uvicorn.start(RELOAD="true", **{name: "--preload"})
    assert (start.status, start.server) == (0, "uvicorn")
    assert "--preload" not in start.words
    assert "gunicorn's settings are not used while RELOAD=true" in start.errors


def test_uvicorns_own_variables_mean_nothing_while_reloading_either(
    gunicorn_uvicorn: Container,
) -> None:
    start = gunicorn_uvicorn.start(
        RELOAD="true",
        UVICORN_ROOT_PATH="/api",
        UVICORN_PORT="tcp://10.96.0.12:8000",
        UVICORN_SERVICE_HOST="10.96.0.12",
    )
    assert start.server == "uvicorn"
    assert not {"UVICORN_ROOT_PATH", "UVICORN_PORT"} & set(start.environ)
    assert start.environ["UVICORN_SERVICE_HOST"] == "10.96.0.12"
    assert start.errors == (
        "start.sh: UVICORN_ROOT_PATH is not read by this image; give its flag in"
        " UVICORN_EXTRA_FLAGS\n"
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"GUNICORN_EXTRA_FLAGS": "--name 'open"},
        {"UVICORN_EXTRA_FLAGS": "--header 'open", "RELOAD": "true"},
    ],
)
def test_an_open_quote_is_refused(gunicorn_uvicorn: Container, settings: dict[str, str]) -> None:
    start = gunicorn_uvicorn.start(**settings)
    assert (start.status, start.words) == (1, [])
    assert "EXTRA_FLAGS: No closing quotation; check the quotes" in start.errors
