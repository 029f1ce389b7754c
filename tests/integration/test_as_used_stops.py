"""Stopping the images: by each signal that their servers document, at each moment of a start."""

import re
from http.client import HTTPResponse

import pytest

from tests.integration.applications import application
from tests.integration.container import Runs
from tests.integration.family import TAGS, WITH_GUNICORN

SIGNALS = ("TERM", "INT", "QUIT")
KILLED = re.compile("KILL|out of memory|Traceback|CRITICAL")
each_image = pytest.mark.parametrize("image", TAGS)
each_signal = pytest.mark.parametrize("signal", SIGNALS)

# What it waits for does not come; a command of it ends in order, as a migration would.
WAITING = """\
#!/bin/sh
echo waiting
until false; do sleep 1; done
"""
MIGRATING = """\
python3 -c '
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("waiting", flush=True)
signal.sigwait({signal.SIGTERM})
print("rolled back", flush=True)
'
"""
# Each worker stays where it was just forked.
FORKED = """\
import os, time
def post_fork(server, worker):
    print("forked", flush=True)
    while not os.path.exists("/tmp/go"):
        time.sleep(0.02)
"""


@each_image
@each_signal
@pytest.mark.parametrize(
    "settings", [{}, {"RELOAD": "true"}, {"WORKERS": "2"}], ids=["bare", "reloading", "workers"]
)
def test_each_stop_signal_of_the_servers_ends_a_container_in_order(
    run: Runs, image: str, signal: str, settings: dict[str, str]
) -> None:
    with run(image, env=settings) as container:
        container.get()
        container.signal(signal)
        assert container.wait() == 0, container.output
        assert not KILLED.search(container.output), container.output


@pytest.mark.parametrize("image", WITH_GUNICORN)
@each_signal
def test_a_stop_is_lost_on_no_worker_that_is_just_forked(
    run: Runs, image: str, signal: str
) -> None:
    with run(image, files={"app/gunicorn.conf.py": FORKED}) as container:
        container.until_printed("forked", 4)
        container.signal(signal)
        assert container.wait() == 0, container.output
        assert not KILLED.search(container.output), container.output


@each_image
def test_a_request_that_is_being_answered_is_answered_before_the_end(run: Runs, image: str) -> None:
    with run(image, env={"WORKERS": "1"}, files={"app/main.py": application(image)}) as container:
        container.get()
        connection = container.connection()
        connection.request("GET", "/held")
        container.until_printed("held")
        container.signal("TERM")
        (container.root / "tmp/go").touch()
        response: HTTPResponse = connection.getresponse()
        assert (response.status, response.read()) == (200, b"let go")
        connection.close()
        assert container.wait() == 0, container.output


@each_image
@each_signal
@pytest.mark.parametrize("prestart", [WAITING, MIGRATING], ids=["waits", "migrates"])
def test_a_stop_ends_the_prestart_script_and_what_it_runs(
    run: Runs, image: str, signal: str, prestart: str
) -> None:
    with run(image, files={"app/prestart.sh": prestart}) as container:
        container.until_printed("waiting")
        container.signal(signal)
        assert container.wait() == 143, container.output
        told = container.output
    assert "rolled back" in told or prestart == WAITING, "its command was told as well"
    assert not KILLED.search(told), told
    assert "Listening" not in told, "nor does the start go on"
    assert "Uvicorn running" not in told


@each_image
def test_orphans_of_the_application_are_reaped(run: Runs, image: str) -> None:
    with run(image, env={"WORKERS": "1"}, files={"app/main.py": application(image)}) as container:
        orphans = {int(container.get("/orphan").body) for _ in range(3)}
        # A zombie is still among them.
        container.until(lambda: not orphans & set(container.processes()), "reaped all orphans")
