"""The checks of what serves, and of its processes, fail when they should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.assets.verifying import load, scenario

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("stub_server")
ASGI = '{"scope": "http", "asgi": "3.0", "loop": "uvloop"}'
WSGI = '{"wsgi": "1.0"}'


def looked(report: Any, look: Callable[[Any], object], **settings: str) -> None:
    load("serving").run(scenario(**settings), report, look)


def test_an_asgi_answer_is_ok(report: Any) -> None:
    looked(report, lambda s: load("asgi").answered_by_asgi(s, "case", report), BODY=ASGI)
    assert report.failures == []


@pytest.mark.parametrize(
    "settings",
    [{"BODY": "Hello"}, {"BODY": "[]"}, {"BODY": WSGI}, {"BODY": ASGI, "SERVER": "gunicorn"}],
    ids=["no JSON", "no object", "no scope", "another server"],
)
def test_any_other_answer_is_no_asgi(report: Any, settings: dict[str, str]) -> None:
    looked(report, lambda s: load("asgi").answered_by_asgi(s, "case", report), **settings)
    assert len(report.failures) == 1
    assert "uvicorn serves it as ASGI" in report.failures[0]


@pytest.mark.parametrize(
    ("settings", "failed"),
    [
        ({"BODY": WSGI, "SERVER": "gunicorn"}, 0),
        ({"BODY": WSGI, "SERVER": "uvicorn"}, 1),
        ({"BODY": ASGI, "SERVER": "gunicorn"}, 1),
    ],
)
def test_only_gunicorn_and_wsgi_are_wsgi(
    report: Any, settings: dict[str, str], failed: int
) -> None:
    looked(report, lambda s: load("wsgi").answered_by_wsgi(s, "case", report), **settings)
    assert len(report.failures) == failed


def test_another_loop_than_the_installed_uvloop_fails(report: Any) -> None:
    check = load("asgi").check_loop
    with_uvloop = load("expect").Expect("3.11", {"uvloop": "1"}, "linux/amd64")
    without = load("expect").Expect("3.11", {"uvicorn": "1"}, "linux/amd64")
    check({"loop": "uvloop"}, with_uvloop, report)
    check({"loop": "asyncio"}, without, report)
    assert report.failures == []
    check({"loop": "asyncio"}, with_uvloop, report)
    assert "uvloop runs the application: expected uvloop, saw asyncio" in report.failures[0]


@pytest.mark.parametrize(("children", "failed"), [("2", []), ("3", ["2 workers"])])
def test_the_number_of_workers_must_be_exact(report: Any, children: str, failed: list[str]) -> None:
    processes = load("processes")

    def look(server: Any) -> None:
        server.answer()
        processes.check_gunicorn(server, "case", report, worker="UvicornWorker", workers=2)

    looked(report, look, CHILDREN=children, TELLS="Using worker: x.UvicornWorker")
    workers = [failure for failure in report.failures if "workers:" in failure]
    assert [part for part in failed if part in workers[0]] == failed
    assert len(workers) == len(failed)
    # This server is not a gunicorn of /usr/local/bin, and that is told as well.
    assert any("gunicorn serves" in failure for failure in report.failures)


def test_a_server_that_never_shows_an_edited_application_fails(
    report: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def look(server: Any) -> None:
        server.answer()
        monkeypatch.setattr(load("server"), "READY_SECONDS", 0.3)
        load("settings").check_reloading({}, server, "", report, command="uvicorn")

    looked(report, look)
    assert "the server serves: expected what it should" in report.failures[-1]
    assert "RELOAD serves" not in capsys.readouterr().out


def test_another_worker_class_fails(report: Any) -> None:
    processes = load("processes")

    def look(server: Any) -> None:
        server.answer()
        processes.check_gunicorn(server, "case", report, worker="UvicornWorker", workers=0)

    looked(report, look, TELLS="Using worker: gevent\nUvicornWorker")
    assert (
        "the worker class is UvicornWorker: expected a text with 'UvicornWorker'"
        in report.failures[0]
    )


@pytest.mark.parametrize(
    ("line", "failed"),
    [
        ("/usr/local/bin/python3 /usr/local/bin/gunicorn --bind", 0),
        ("/usr/bin/qemu-arm python3 /usr/local/bin/gunicorn --bind", 0),
        ("gunicorn: master [main:app]", 0),
        ("/bin/sh /start.sh", 1),
        ("/usr/local/bin/python3 /usr/local/bin/uvicorn --bind", 1),
        ("uvicorn: master [main:app]", 1),
    ],
)
def test_the_command_must_be_the_one_of_usr_local(report: Any, line: str, failed: int) -> None:
    class Server:
        def command_line(self) -> str:
            return line

    load("processes").check_command(Server(), "case", report, "gunicorn")
    assert len(report.failures) == failed
