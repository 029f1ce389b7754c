"""Starts the container's own start script, and watches what it starts."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

# Emulated platforms take tens of seconds to start on a loaded builder; a broken server is noticed
# at once because its process ends.
READY_SECONDS = 120
POLL_SECONDS = 0.1
TELL_SECONDS = 10
START_SCRIPT = "/start.sh"
T = TypeVar("T")


class ServerError(RuntimeError):
    """The server ended by itself, or did not become as expected in time."""


class Answer:
    """One HTTP answer: status, headers in lower case, body as text."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read().decode("utf-8", "replace")


class Server:
    """The start script in a session of its own; leaving the context kills what is left of it.

    Raises OSError when the script cannot be run at all.
    """

    def __init__(self, settings: dict[str, str], port: int, user: int = 0) -> None:
        self._settings = settings
        self._user = user
        # A named file, left behind in the container that is thrown away with it.
        self._log = Path(tempfile.mkdtemp(prefix="verify-")) / "output"
        self.port = port
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [START_SCRIPT],
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Nothing is said of users where none but this one can be had.
                **({"user": user, "group": 0, "extra_groups": []} if user else {}),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    def again(self) -> Server:
        """Kill what is left of it, and start another with the same settings."""
        self.kill()
        return Server(self._settings, self.port, self._user)

    def kill(self) -> None:
        """Kill what is left of it, and wait until all of that is gone, and its port free."""
        deadline = time.monotonic() + READY_SECONDS
        while (members := self.members()) and time.monotonic() < deadline:
            for pid in members:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(POLL_SECONDS)
            self._reap()
        self.process.wait()

    def _reap(self) -> None:
        """Take in what ended, orphans too: the verification is process 1 of its container.

        For who waits for a group to end, an orphan that nobody takes in is still there.
        """
        with contextlib.suppress(ChildProcessError):
            while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if ended.si_pid == self.process.pid:
                    self.process.poll()
                else:
                    os.waitpid(ended.si_pid, 0)

    def output(self, awaited: str = "") -> str:
        """All that the server printed so far, standard output and error in one.

        A line about a request may follow its answer, so what is ``awaited`` gets some time.
        """
        deadline = time.monotonic() + TELL_SECONDS
        while True:
            text = self._log.read_text("utf-8", "replace")
            if awaited in text or time.monotonic() > deadline or self.process.poll() is not None:
                return text
            time.sleep(POLL_SECONDS)

    def get(self, path: str = "/") -> Answer:
        """Ask once over loopback; raises OSError or HTTPException while nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"connection": "close"})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def answer(self) -> Answer:
        """Wait until the server answers; raises `ServerError` when it ends or stays silent."""
        return self.until("an HTTP answer", self.try_get)

    def until(self, what: str, attempt: Callable[[], T | None]) -> T:
        """Poll until the attempt returns something; raises `ServerError` when it never does."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            result = attempt()
            if result is not None:
                return result
            if self.process.poll() is not None:
                status = self.process.returncode
                raise ServerError(f"ended with status {status} instead of {what}")
            time.sleep(POLL_SECONDS)
        raise ServerError(f"not {what} within {READY_SECONDS} s")

    def try_get(self) -> Answer | None:
        """Ask once; return None while nothing answers."""
        try:
            return self.get()
        except (OSError, http.client.HTTPException):
            return None

    def wait(self) -> int | None:
        """Return the exit status once the server has ended by itself, None if it never does."""
        try:
            return self.process.wait(READY_SECONDS)
        except subprocess.TimeoutExpired:
            return None

    def members(self) -> list[int]:
        """The living processes of the server's session."""
        return [pid for pid, _, session in _processes() if session == self.process.pid]

    def workers(self) -> list[int]:
        """The living children of the process that serves."""
        return _children(self.serving())

    def serving(self) -> int:
        """The process that serves: the child of what start.sh became, which only passes on."""
        first = self.process.pid
        children = _children(first) if "/init.py" in self.command_line(first) else []
        return children[0] if children else first

    def command_line(self, pid: int | None = None) -> str:
        """The command line of a process, by default of the one that serves."""
        return _read(Path(f"/proc/{pid or self.serving()}/cmdline")).replace("\0", " ")

    def stop(self, number: int, seconds: float) -> list[int]:
        """Send a signal as a container stop does; return what still lives after these seconds."""
        deadline = time.monotonic() + seconds
        self.process.send_signal(number)
        while time.monotonic() < deadline:
            self._reap()
            if not self.members():
                return []
            time.sleep(POLL_SECONDS)
        return self.members()


def _processes() -> list[tuple[int, int, int]]:
    """Process id, parent and session of all living processes (proc(5), `stat`); no zombies."""
    found = []
    for folder in Path("/proc").iterdir():
        fields = _stat(folder.name) if folder.name.isdigit() else []
        if fields and fields[0] not in "ZX":
            found.append((int(folder.name), int(fields[1]), int(fields[3])))
    return found


def _children(of: int) -> list[int]:
    return [pid for pid, parent, _ in _processes() if parent == of]


def _stat(pid: str) -> list[str]:
    """Return the fields of proc(5), `stat`, from the state on; none of a process that is gone."""
    # The command in parentheses may hold spaces; the fields that follow it may not.
    return _read(Path("/proc") / pid / "stat").rpartition(")")[2].split()


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:  # the process ended meanwhile
        return ""
