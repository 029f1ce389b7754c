"""How the start script of python-gunicorn hands the settings on to gunicorn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.assets.starting import Container


def test_what_nobody_asked_for_is_not_said_to_gunicorn(gunicorn: Container) -> None:
    start = gunicorn.start()
    assert start.server == "gunicorn"
    conf = str(gunicorn.lib / "gunicorn.conf.py")
    assert start.words == ["gunicorn", "--config", conf, "main:app"]
    assert start.errors == ""


@pytest.mark.parametrize("host", ["::", "[::]"])
def test_gunicorn_takes_a_host_with_brackets(gunicorn: Container, host: str) -> None:
    assert gunicorn.start(HOST=host).option("--bind") == "[::]:80"


def test_trace_is_debug_for_gunicorn(gunicorn: Container) -> None:
    assert gunicorn.start(LOG_LEVEL="trace").option("--log-level") == "debug"


def test_reload_is_gunicorns_own(gunicorn: Container) -> None:
    start = gunicorn.start(RELOAD="true", WORKERS="2")
    assert start.server == "gunicorn"
    assert "--reload" in start.words
    assert start.option("--workers") == "2"


def test_extra_flags_come_last_and_keep_quotes_and_stars(gunicorn: Container) -> None:
    start = gunicorn.start(GUNICORN_EXTRA_FLAGS="-k gevent --name 'my app' * $(id)")
    assert start.words[-9:-3] == ["-k", "gevent", "--name", "my app", "*", "$(id)"]


def test_an_open_quote_is_refused(gunicorn: Container) -> None:
    start = gunicorn.start(GUNICORN_EXTRA_FLAGS="--name 'open")
    assert (start.status, start.words) == (1, [])
    assert "GUNICORN_EXTRA_FLAGS: No closing quotation; check the quotes" in start.errors


@pytest.mark.parametrize("flags", ["--bind :9000", "-b :9000", "-b:9000", "--preload\n-b :9000\n"])
def test_an_address_in_the_extra_flags_is_the_only_one(gunicorn: Container, flags: str) -> None:
    words = gunicorn.start(PORT="8080", GUNICORN_EXTRA_FLAGS=flags).words
    assert [word for word in words if ":8080" in word] == []
