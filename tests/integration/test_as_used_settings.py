"""The servers' own settings beside those of the images: they count, or a line says what wins."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.integration.applications import application
from tests.integration.container import Container, Runs
from tests.integration.family import BOOTED, LONE, PARENT, TAGS, WITH_GUNICORN
from tests.integration.workshop import IMAGE

# As Kubernetes adds them for a Service of that name.
LINKS = {
    "UVICORN_SERVICE_HOST": "10.96.0.12",
    "UVICORN_SERVICE_PORT": "8000",
    "UVICORN_PORT": "tcp://10.96.0.12:8000",
    "UVICORN_PORT_8000_TCP": "tcp://10.96.0.12:8000",
    "UVICORN_PORT_8000_TCP_PROTO": "tcp",
    "UVICORN_PORT_8000_TCP_PORT": "8000",
    "UVICORN_PORT_8000_TCP_ADDR": "10.96.0.12",
}
LINKS |= {name.replace("UVICORN", "GUNICORN"): value for name, value in LINKS.items()}
CONF = 'workers = 1\nloglevel = "debug"\nbind = "0.0.0.0:9000"\n'
AT_9000 = "--bind 0.0.0.0:9000"
H11 = "uvicorn_worker.UvicornH11Worker"
each_image = pytest.mark.parametrize("image", TAGS)
each_with_gunicorn = pytest.mark.parametrize("image", WITH_GUNICORN)


@each_image
@pytest.mark.parametrize("settings", [{}, {"RELOAD": "true"}], ids=["serving", "reloading"])
def test_variables_of_a_kubernetes_service_do_no_harm(
    run: Runs, image: str, settings: dict[str, str]
) -> None:
    flags = {"UVICORN_EXTRA_FLAGS": "--root-path /api"} if image != PARENT else {}
    env = {**LINKS, **settings, **flags, "PORT": "8080"}
    with run(image, env=env, files={"app/main.py": application(image)}) as container:
        connection = container.connection()
        assert container.get().status == 200
        connection.request("GET", "/")
        assert connection.getresponse().getheader("root-path") == ("/api" if flags else None)
        connection.close()
    assert container.told == []


@dataclass(frozen=True, kw_only=True)
class Row:
    """The settings, and their effect: how many workers, where, and what must be said of it."""

    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    workers: int = 4
    port: int = 80
    printed: str = ""
    told: tuple[str, ...] = ()


EXTRA, ARGS = "GUNICORN_EXTRA_FLAGS", "GUNICORN_CMD_ARGS"
ROWS = {
    "our defaults": Row(),
    "WEB_CONCURRENCY": Row(env={"WEB_CONCURRENCY": "1"}, workers=1),
    "WORKERS before WEB_CONCURRENCY": Row(
        env={"WEB_CONCURRENCY": "1", "WORKERS": "2"}, workers=2
    ),
    "arguments: workers": Row(env={ARGS: "--workers 1"}, workers=1),
    "WORKERS before arguments": Row(
        env={ARGS: "--workers 1", "WORKERS": "2"}, workers=2, told=("WORKERS",)
    ),
    "arguments: bind": Row(env={ARGS: AT_9000}, port=9000),
    "PORT before arguments": Row(env={ARGS: AT_9000, "PORT": "8080"}, port=8080, told=("PORT",)),
    "HOST before arguments": Row(
        env={ARGS: AT_9000, "HOST": "127.0.0.1"}, port=80, told=("HOST",)
    ),
    "arguments: loglevel": Row(env={ARGS: "--log-level debug"}, printed="[DEBUG]"),
    "the conf": Row(files={"app/gunicorn.conf.py": CONF}, workers=1, port=9000, printed="[DEBUG]"),
    "WORKERS, PORT and LOG_LEVEL before the conf": Row(
        env={"WORKERS": "2", "PORT": "8080", "LOG_LEVEL": "debug"},
        files={"app/gunicorn.conf.py": CONF.replace("debug", "error")},
        workers=2, port=8080, printed="[DEBUG]", told=("WORKERS", "PORT", "LOG_LEVEL"),
    ),
    "a conf that is named by a flag": Row(
        env={EXTRA: "-c /app/other.py"}, files={"app/other.py": CONF}, workers=1, port=9000,
        printed="[DEBUG]",
    ),
    "a conf that is named by arguments": Row(
        env={ARGS: "--config /app/other.py"}, files={"app/other.py": CONF}, workers=1, port=9000,
        printed="[DEBUG]",
    ),
    "flags before arguments and conf": Row(
        env={ARGS: "--workers 3", EXTRA: "--workers 2"}, files={"app/gunicorn.conf.py": CONF},
        workers=2, port=9000, printed="[DEBUG]", told=(ARGS, "gunicorn.conf.py"),
    ),
}  # fmt: skip


@each_with_gunicorn
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_the_settings_of_gunicorn_count_as_gunicorn_documents_them(
    run: Runs, image: str, row: Row
) -> None:
    files = {"app/main.py": application(image), **row.files}
    with run(image, env=row.env, files=files) as container:
        container.get(port=row.port)
        assert workers(image, container, row.workers) == row.workers, container.output
    assert row.printed in container.output
    assert [any(name in line for line in container.told) for name in row.told] == [True] * len(
        row.told
    )
    assert len(container.told) == len(row.told), container.told


@pytest.mark.parametrize(
    "given",
    [
        {"env": {ARGS: f"-k {H11}"}},
        {"env": {EXTRA: f"-k {H11}"}},
        {"files": {"app/gunicorn.conf.py": f'worker_class = "{H11}"\n'}},
    ],
    ids=["arguments", "flags", "conf"],
)
def test_a_worker_class_of_the_user_takes_the_place_of_ours(
    run: Runs, given: dict[str, Any]
) -> None:
    with run(IMAGE, **given) as container:
        assert container.get().json()["scope"] == "http"
    assert f"Using worker: {H11}" in container.output


@pytest.mark.parametrize(
    ("settings", "number"),
    [({}, 1), ({"WEB_CONCURRENCY": "2"}, 2), ({"WEB_CONCURRENCY": "3", "WORKERS": "2"}, 2)],
    ids=["default", "WEB_CONCURRENCY", "WORKERS"],
)
def test_uvicorn_alone_counts_its_workers_in_the_same_way(
    run: Runs, settings: dict[str, str], number: int
) -> None:
    with run(LONE, env=settings, files={"app/main.py": application(LONE)}) as container:
        container.get()
        assert workers(LONE, container, number) == number
    assert container.told == []


def workers(image: str, container: Container, expected: int) -> int:
    """Stop the container once as many workers as expected were started; return how many were."""
    container.until_printed(BOOTED[image], expected)
    container.signal("TERM")
    assert container.wait() == 0, container.output
    return container.output.count(BOOTED[image])
