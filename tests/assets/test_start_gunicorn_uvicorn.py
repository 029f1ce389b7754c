"""How the start script of python-gunicorn-uvicorn hands the settings on to both servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.assets.starting import Container


def test_gunicorn_is_started_with_every_default(gunicorn_uvicorn: Container) -> None:
    start = gunicorn_uvicorn.start()
    assert start.server == "gunicorn"
    assert start.option("--bind") == "0.0.0.0:80"
    assert start.option("--workers") == "4"
    assert start.option("--log-level") == "info"
    assert start.option("-k") == "asgi_worker.UvicornWorker"
    assert start.errors == ""


def test_the_applications_folder_comes_before_ours_on_the_module_path(
    gunicorn_uvicorn: Container,
) -> None:
    ours = gunicorn_uvicorn.lib
    assert gunicorn_uvicorn.start().environ["PYTHONPATH"] == f"{gunicorn_uvicorn.app}:{ours}"
    assert gunicorn_uvicorn.start(PYTHONPATH="/srv").environ["PYTHONPATH"] == f"/srv:{ours}"


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
    expected = ["--name", "my app", "--reuse-port", "*", "$(id)", "`id`", "main:app"]
    assert start.words[position:] == expected


@pytest.mark.parametrize("flags", ["-k asgi", "-kasgi", "--worker-class asgi", "--worker-class=x"])
def test_a_worker_class_of_the_users_is_the_only_one(
    gunicorn_uvicorn: Container, flags: str
) -> None:
    words = gunicorn_uvicorn.start(GUNICORN_EXTRA_FLAGS=flags).words
    named = [word for word in words if word.startswith(("-k", "--worker-c"))]
    assert named == [flags.split(maxsplit=1)[0]]


def test_uvicorn_flags_with_a_worker_class_of_the_users_are_refused(
    gunicorn_uvicorn: Container,
) -> None:
    start = gunicorn_uvicorn.start(
        GUNICORN_EXTRA_FLAGS="-k asgi", UVICORN_EXTRA_FLAGS="--lifespan on"
    )
    assert (start.status, start.words) == (1, [])
    assert "UVICORN_EXTRA_FLAGS has no effect with the worker class" in start.errors


def test_uvicorns_extra_flags_reach_uvicorn(gunicorn_uvicorn: Container) -> None:
    start = gunicorn_uvicorn.start(
        RELOAD="true", UVICORN_EXTRA_FLAGS="--header 'x-a:b c' --lifespan on"
    )
    assert start.option("--header") == "x-a:b c"
    assert start.option("--lifespan") == "on"


def test_gunicorns_extra_flags_are_said_to_be_unused_by_uvicorn(
    gunicorn_uvicorn: Container,
) -> None:
    start = gunicorn_uvicorn.start(RELOAD="true", GUNICORN_EXTRA_FLAGS="--preload")
    assert (start.status, start.server) == (0, "uvicorn")
    assert "--preload" not in start.words
    assert "GUNICORN_EXTRA_FLAGS is not used while RELOAD=true" in start.errors


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
