"""How the start script of python-uvicorn hands the settings on to uvicorn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.assets.starting import Container


def test_uvicorn_is_started_with_every_default(uvicorn: Container) -> None:
    start = uvicorn.start()
    assert start.server == "uvicorn"
    assert start.address == "0.0.0.0:80"
    assert start.option("--workers") == "1"
    assert start.option("--log-level") == "info"
    assert "--reload" not in start.words
    assert start.errors == ""


def test_workers_win_over_uvicorns_own_variable(uvicorn: Container) -> None:
    assert uvicorn.start(WEB_CONCURRENCY="2").option("--workers") == "2"
    assert uvicorn.start(WEB_CONCURRENCY="2", WORKERS="3").option("--workers") == "3"


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_uvicorn_takes_a_host_without_brackets(uvicorn: Container, host: str) -> None:
    assert uvicorn.start(HOST=host).option("--host") == "::1"


def test_trace_is_a_level_of_uvicorn(uvicorn: Container) -> None:
    assert uvicorn.start(LOG_LEVEL="Trace").option("--log-level") == "trace"


def test_reload_takes_the_place_of_workers(uvicorn: Container) -> None:
    start = uvicorn.start(RELOAD="true", WORKERS="3")
    assert "--reload" in start.words
    assert "--workers" not in start.words


def test_extra_flags_come_last_and_keep_quotes_and_stars(uvicorn: Container) -> None:
    start = uvicorn.start(UVICORN_EXTRA_FLAGS="--header 'x-a:b c' * $(id) --workers 9")
    assert start.words[-7:] == ["--header", "x-a:b c", "*", "$(id)", "--workers", "9", "main:app"]


def test_an_open_quote_is_refused(uvicorn: Container) -> None:
    start = uvicorn.start(UVICORN_EXTRA_FLAGS="--header 'open")
    assert (start.status, start.words) == (1, [])
    assert "UVICORN_EXTRA_FLAGS: No closing quotation; check the quotes" in start.errors


def test_uvicorns_own_variables_are_told_to_be_overridden(uvicorn: Container) -> None:
    start = uvicorn.start(UVICORN_PORT="8134", UVICORN_HOST="tcp://10.0.0.1", UVICORN_ROOT_PATH="/")
    assert start.address == "0.0.0.0:80"
    assert start.errors == "start.sh: UVICORN_PORT is not used; give it as PORT\n"
