"""The first process of a container: what it passes on, and how it ends.

That it takes in orphans is seen where it is process 1, in tests/integration.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.assets.starting import ASSETS

INIT = ASSETS / "shared/image/start/init.py"
# Says that it is ready, then each signal that it gets; the last one ends it.
SERVER = """
import os, signal, sys
def got(number, frame):
    print(signal.Signals(number).name, flush=True)
    if number in (signal.SIGTERM, signal.SIGINT): os._exit(5)
for name in sys.argv[1:]: signal.signal(signal.Signals[name], got)
print("ready", flush=True)
while True: signal.pause()
"""
# Ends by SIGTERM, as uvicorn does, but not before another signal came.
ENDS_LATER = """
import signal
def end(number, frame):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTERM)
signal.signal(signal.SIGTERM, lambda *_: print("stopping", flush=True))
signal.signal(signal.SIGWINCH, end)
signal.signal(signal.SIGINT, end)
print("ready", flush=True)
while True: signal.pause()
"""
# Says that it waits, and that it is stopped. It ends without a word once its parent is gone.
WAITS = """
import os, signal, sys, time
def stop(number, frame):
    print("stopped", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
print("waits", flush=True)
sys.stdin.read()
time.sleep(1)
"""
HAS_IT_WAIT = """
mkfifo fifo
"$PYTHON" -c "$WAITS" <fifo &
exec 3>fifo
wait
echo goes on
"""
TOLD = "import os, json; print(json.dumps(dict(os.environ, PID=os.getpid(), GROUP=os.getpgrp())))"


def begun(
    *command: str, script: Path = INIT, environ: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-IS", str(script), *command],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **(environ or {})},
        start_new_session=True,
    )


def prestart(folder: Path, text: str, **environ: str) -> subprocess.Popen[str]:
    """Run ``text`` as the script beside it that sources an application's prestart script."""
    init, script = folder / "init.py", folder / "prestart.sh"
    init.write_bytes(INIT.read_bytes())
    script.write_text(text)
    return begun("/bin/sh", str(script), script=init, environ=environ)


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def served(*catches: str) -> subprocess.Popen[str]:
    """A server that catches these signals, once it is ready."""
    process = begun(sys.executable, "-c", SERVER, *catches)
    assert lines(process, 1) == ["ready"]
    return process


@pytest.mark.parametrize("status", [0, 1, 77])
def test_it_ends_as_its_command_does(status: int) -> None:
    with begun(sys.executable, "-c", f"raise SystemExit({status})") as process:
        assert process.wait() == status


def test_a_command_that_is_killed_is_told_as_shells_do() -> None:
    with begun("/bin/sh", "-c", "kill -KILL $$") as process:
        assert process.wait() == 128 + signal.SIGKILL


@pytest.mark.parametrize("name", ["HUP", "USR1", "USR2", "WINCH", "TTIN", "TTOU", "CONT"])
def test_every_signal_is_passed_on(name: str) -> None:
    with served(f"SIG{name}", "SIGTERM") as process:
        process.send_signal(signal.Signals[f"SIG{name}"])
        assert lines(process, 1) == [f"SIG{name}"]
        process.terminate()
        assert (lines(process, 1), process.wait()) == (["SIGTERM"], 5)


@pytest.mark.parametrize("caught", [(), ("SIGQUIT",)], ids=["not caught", "caught"])
def test_sigquit_is_sigint_whether_or_not_a_server_catches_it(caught: tuple[str, ...]) -> None:
    with served("SIGINT", *caught) as process:
        process.send_signal(signal.SIGQUIT)
        assert (lines(process, 1), process.wait()) == (["SIGINT"], 5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_ends_by_the_stop_signal_ended_in_order(number: signal.Signals) -> None:
    with served() as process:
        process.send_signal(number)
        assert process.wait() == 0


@pytest.mark.parametrize("later", [signal.SIGWINCH, signal.SIGQUIT])
def test_a_signal_that_comes_after_the_stop_does_not_undo_it(later: signal.Signals) -> None:
    with begun(sys.executable, "-c", ENDS_LATER) as process:
        assert lines(process, 1) == ["ready"]
        process.terminate()
        assert lines(process, 1) == ["stopping"]
        process.send_signal(later)
        assert process.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_stop_while_prestart_waits_reaches_what_it_waits_for(
    number: signal.Signals, tmp_path: Path
) -> None:
    script = f"cd {tmp_path}\n{HAS_IT_WAIT}"
    with prestart(tmp_path, script, PYTHON=sys.executable, WAITS=WAITS) as process:
        assert lines(process, 1) == ["waits"]
        process.send_signal(number)
        assert process.wait() == 128 + signal.SIGTERM
        # The end of the last of them closes the pipe that they all hold.
        assert process.stdout is not None
        assert process.stdout.read() == "stopped\n"


def told(**environ: str) -> dict[str, str]:
    with begun(sys.executable, "-c", TOLD, environ=environ) as process:
        (line,) = lines(process, 1)
        process.wait()
        return {**json.loads(line), "INIT": process.pid}


def test_sockets_that_were_passed_to_it_are_passed_on() -> None:
    named = f'LISTEN_PID=$$ exec {sys.executable} -IS {INIT} {sys.executable} -c "$0"'
    process = subprocess.run(
        ["/bin/sh", "-c", named, TOLD], capture_output=True, text=True, check=True
    )
    seen = json.loads(process.stdout)
    assert seen["LISTEN_PID"] == str(seen["PID"])
    assert told(LISTEN_PID="1")["LISTEN_PID"] == "1"


def test_its_command_has_a_process_group_of_its_own() -> None:
    seen = told()
    assert seen["GROUP"] == seen["PID"]
    assert seen["PID"] != seen["INIT"]


def test_what_python_ignores_is_not_ignored_by_what_it_runs() -> None:
    ignored = "grep SigIgn /proc/self/status"
    with begun("/bin/sh", "-c", ignored) as process:
        (line,) = lines(process, 1)
        assert int(line.split()[1], 16) >> signal.SIGPIPE - 1 & 1 == 0
        assert int(line.split()[1], 16) >> signal.SIGXFSZ - 1 & 1 == 0
        process.wait()


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1", "SIGALRM"])
def test_a_signal_that_nobody_catches_is_dropped_as_for_process_1(name: str) -> None:
    with served("SIGTERM") as process:
        process.send_signal(signal.Signals[name])
        process.terminate()
        assert (lines(process, 1), process.wait()) == (["SIGTERM"], 5)


def test_a_terminals_pause_does_not_last() -> None:
    command = "kill -TSTP $$; echo goes on"
    with begun("/bin/sh", "-c", command) as process:
        assert lines(process, 1) == ["goes on"]
        assert process.wait() == 0


def test_what_a_prestart_script_waits_for_may_end_in_order(tmp_path: Path) -> None:
    migration = (
        "trap 'kill $!; sleep 0.3; echo rolled back; exit' TERM; echo migrates; sleep 600 & wait"
    )
    with prestart(tmp_path, 'sh -c "$MIGRATION"\n', MIGRATION=migration) as process:
        assert lines(process, 1) == ["migrates"]
        process.terminate()
        assert lines(process, 1) == ["rolled back"]
        assert process.wait() == 128 + signal.SIGTERM
