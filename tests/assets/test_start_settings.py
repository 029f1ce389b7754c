"""How start.sh hands the settings of the environment on to the servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.assets.starting import IMAGE

if TYPE_CHECKING:
    from tests.assets.starting import Container


def test_gunicorn_is_started_with_every_default(container: Container) -> None:
    start = container.start()
    assert start.server == "gunicorn"
    assert start.option("--bind") == "0.0.0.0:80"
    assert start.option("--workers") == "4"
    assert start.option("--log-level") == "info"
    assert start.option("-k") == "asgi_worker.UvicornWorker"
    assert start.errors == ""


def test_empty_settings_are_the_defaults(container: Container) -> None:
    names = ["HOST", "PORT", "WORKERS", "LOG_LEVEL", "RELOAD", "MODULE_NAME", "VARIABLE_NAME"]
    names += ["APP_MODULE", "PRE_START_PATH", "GUNICORN_EXTRA_FLAGS", "UVICORN_EXTRA_FLAGS"]
    assert container.start(**dict.fromkeys(names, "")).words == container.start().words


def test_the_applications_folder_comes_before_ours_on_the_module_path(
    container: Container,
) -> None:
    ours = IMAGE / "start"
    assert container.start().environ["PYTHONPATH"] == f"{container.app}:{ours}"
    assert container.start(PYTHONPATH="/srv").environ["PYTHONPATH"] == f"/srv:{ours}"


@pytest.mark.parametrize(
    ("host", "bind"),
    [("127.0.0.1", "127.0.0.1:80"), ("::", "[::]:80"), ("[::1]", "[::1]:80")],
)
def test_host_and_port_are_joined_for_gunicorn(container: Container, host: str, bind: str) -> None:
    assert container.start(HOST=host).option("--bind") == bind


def test_uvicorn_takes_a_host_without_brackets(container: Container) -> None:
    assert container.start(HOST="[::1]", RELOAD="true").option("--host") == "::1"


def test_port_and_workers_are_passed_on(container: Container) -> None:
    start = container.start(PORT="65535", WORKERS="1")
    assert start.option("--bind") == "0.0.0.0:65535"
    assert start.option("--workers") == "1"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "8 0", "tcp://10.0.0.1:80", "9" * 30])
def test_a_port_that_cannot_be_is_refused(container: Container, port: str) -> None:
    start = container.start(PORT=port)
    assert (start.status, start.words) == (1, [])
    expected = f"start.sh: PORT is '{port}'; give a whole number from 1 to 65535\n"
    assert start.errors == expected


@pytest.mark.parametrize("workers", ["0", "two", "1.5", "1001", "-4"])
def test_a_number_of_workers_that_cannot_be_is_refused(container: Container, workers: str) -> None:
    start = container.start(WORKERS=workers)
    assert (start.status, start.words) == (1, [])
    assert f"WORKERS is '{workers}'; give a whole number from 1 to 1000" in start.errors


@pytest.mark.parametrize("level", ["critical", "error", "warning", "info", "debug", "DEBUG"])
def test_log_levels_are_passed_on_in_lower_case(container: Container, level: str) -> None:
    start = container.start(LOG_LEVEL=level)
    assert start.option("--log-level") == level.lower()
    assert start.environ["LOG_LEVEL"] == level.lower()


def test_trace_is_debug_for_gunicorn_and_trace_for_its_workers(container: Container) -> None:
    start = container.start(LOG_LEVEL="trace")
    assert start.option("--log-level") == "debug"
    assert start.environ["LOG_LEVEL"] == "trace"


def test_trace_is_passed_on_to_uvicorn_itself(container: Container) -> None:
    assert container.start(LOG_LEVEL="trace", RELOAD="true").option("--log-level") == "trace"


def test_an_unknown_log_level_is_refused(container: Container) -> None:
    start = container.start(LOG_LEVEL="loud")
    assert (start.status, start.words) == (1, [])
    assert "LOG_LEVEL is 'loud'; give critical, error, warning" in start.errors


def test_reload_starts_uvicorn_alone(container: Container) -> None:
    start = container.start(RELOAD="true", HOST="127.0.0.1", PORT="8000")
    assert start.words[:2] == ["uvicorn", "--reload"]
    assert start.option("--host") == "127.0.0.1"
    assert start.option("--port") == "8000"
    assert start.words[-1] == "main:app"


@pytest.mark.parametrize("value", ["false", "False", "no", "off", "0"])
def test_reload_can_be_said_to_be_off(container: Container, value: str) -> None:
    assert container.start(RELOAD=value).server == "gunicorn"


def test_an_unclear_reload_is_refused(container: Container) -> None:
    start = container.start(RELOAD="maybe")
    assert (start.status, start.words) == (1, [])
    assert "RELOAD is 'maybe'; give true or false" in start.errors


def test_gunicorns_extra_flags_keep_quotes_and_stars(container: Container) -> None:
    start = container.start(GUNICORN_EXTRA_FLAGS="--name 'my app' --reuse-port * $(id) `id`")
    position = start.words.index("--name")
    expected = ["--name", "my app", "--reuse-port", "*", "$(id)", "`id`", "main:app"]
    assert start.words[position:] == expected


@pytest.mark.parametrize("flags", ["-k asgi", "-kasgi", "--worker-class asgi", "--worker-class=x"])
def test_a_worker_class_of_the_users_is_the_only_one(container: Container, flags: str) -> None:
    words = container.start(GUNICORN_EXTRA_FLAGS=flags).words
    named = [word for word in words if word.startswith(("-k", "--worker-c"))]
    assert named == [flags.split(maxsplit=1)[0]]


def test_uvicorn_flags_with_a_worker_class_of_the_users_are_refused(container: Container) -> None:
    start = container.start(GUNICORN_EXTRA_FLAGS="-k asgi", UVICORN_EXTRA_FLAGS="--lifespan on")
    assert (start.status, start.words) == (1, [])
    assert "UVICORN_EXTRA_FLAGS has no effect with the worker class" in start.errors


def test_uvicorns_extra_flags_reach_uvicorn(container: Container) -> None:
    start = container.start(RELOAD="true", UVICORN_EXTRA_FLAGS="--header 'x-a:b c' --lifespan on")
    assert start.option("--header") == "x-a:b c"
    assert start.option("--lifespan") == "on"


def test_gunicorns_extra_flags_are_said_to_be_unused_by_uvicorn(container: Container) -> None:
    start = container.start(RELOAD="true", GUNICORN_EXTRA_FLAGS="--preload")
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
def test_an_open_quote_is_refused(container: Container, settings: dict[str, str]) -> None:
    start = container.start(**settings)
    assert (start.status, start.words) == (1, [])
    assert "EXTRA_FLAGS: No closing quotation; check the quotes" in start.errors
