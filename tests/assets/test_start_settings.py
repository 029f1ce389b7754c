"""The settings that the start scripts of all images read alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.assets.starting import Container


def test_empty_settings_are_the_defaults(container: Container) -> None:
    names = ["HOST", "PORT", "WORKERS", "LOG_LEVEL", "RELOAD", "MODULE_NAME", "VARIABLE_NAME"]
    names += ["APP_MODULE", "PRE_START_PATH", "GUNICORN_EXTRA_FLAGS", "UVICORN_EXTRA_FLAGS"]
    assert container.start(**dict.fromkeys(names, "")).words == container.start().words


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


def test_an_unknown_log_level_is_refused(container: Container) -> None:
    start = container.start(LOG_LEVEL="loud")
    assert (start.status, start.words) == (1, [])
    assert "LOG_LEVEL is 'loud'; give critical, error, warning" in start.errors


def test_an_unclear_reload_is_refused(container: Container) -> None:
    start = container.start(RELOAD="maybe")
    assert (start.status, start.words) == (1, [])
    assert "RELOAD is 'maybe'; give true or false" in start.errors


def test_port_and_workers_are_passed_on(container: Container) -> None:
    start = container.start(PORT="65535", WORKERS="3")
    assert start.address == "0.0.0.0:65535"
    assert start.option("--workers") == "3"


def test_the_applications_folder_is_on_the_module_path(container: Container) -> None:
    assert container.start().environ["PYTHONPATH"].split(":")[0] == str(container.app)
    assert container.start(PYTHONPATH="/srv").environ["PYTHONPATH"].split(":")[0] == "/srv"


def test_gunicorns_variable_is_not_read_where_workers_are_given(container: Container) -> None:
    start = container.start(WORKERS="3", WEB_CONCURRENCY="auto")
    assert start.option("--workers") == "3"
    assert "WEB_CONCURRENCY" not in start.environ


def test_gunicorns_variable_is_checked(container: Container) -> None:
    start = container.start(WEB_CONCURRENCY="auto")
    assert start.errors == (
        "start.sh: WEB_CONCURRENCY is 'auto'; give a whole number from 1 to 1000\n"
    )


def test_a_log_level_that_nobody_gave_is_not_in_the_environment(container: Container) -> None:
    assert "LOG_LEVEL" not in container.start().environ


def test_flags_may_stand_on_lines_of_their_own(container: Container) -> None:
    name = "UVICORN_EXTRA_FLAGS" if container.image == "python-uvicorn" else "GUNICORN_EXTRA_FLAGS"
    flag = "--app-dir" if container.image == "python-uvicorn" else "--chdir"
    start = container.start(APP_MODULE="absent:app", **{name: f"\n{flag} /srv\n"})
    assert start.option(flag) == "/srv"


def test_flags_are_read_whatever_modules_the_application_has(container: Container) -> None:
    for module in ("shlex.py", "socket.py"):
        container.write(module, "raise SystemExit('the application')\n")
    name = "UVICORN_EXTRA_FLAGS" if container.image == "python-uvicorn" else "GUNICORN_EXTRA_FLAGS"
    assert container.start(**{name: "--name 'a b'"}).option("--name") == "a b"


def test_a_script_of_the_users_may_source_the_start_script(container: Container) -> None:
    wrapper = container.write(
        "wrapper.sh", f"echo once >>'{container.app}/ran'\nPORT=8080\n. '{container.script}'\n"
    )
    start = container.run(wrapper, {})
    assert start.address == "0.0.0.0:8080"
    assert (container.app / "ran").read_text("utf-8") == "once\n"
