"""A command run to its end, with the time and memory of every process that it started."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.engine.stack import kill_session, members

_EVERY_SECONDS: Final = 0.2
_MEBIBYTE: Final = 1024
_ROLES: Final = {
    "pulumi-resource-docker-build": "docker-build",
    "providers.ociregistry": "ociregistry",
    "pulumi-language-python-exec": "program",
    "pulumi-language-python": "host",
    "pulumi": "engine",
}
"""By what a process's command line names, the first that does; others go by their own name."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """The cost of one kind of process: peak resident memory in MiB, processor time in seconds."""

    megabytes: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Ran:
    """The end of a command; ``megabytes`` is the peak of all its processes together."""

    code: int
    seconds: float
    printed: str
    megabytes: float
    usage: Mapping[str, Usage]


class Sampler:
    """Looks at the processes of a session until it is stopped (proc_pid_status(5))."""

    def __init__(self, session: int) -> None:
        self._session = session
        self._done = threading.Event()
        self._seen: dict[int, tuple[str, Usage]] = {}
        self.megabytes = 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, Usage]:
        """Return what each kind of process cost; processes of a kind are added up."""
        self._done.set()
        self._thread.join()
        found: dict[str, Usage] = {}
        for role, usage in self._seen.values():
            before = found.get(role, Usage(megabytes=0, seconds=0))
            found[role] = Usage(
                megabytes=before.megabytes + usage.megabytes,
                seconds=before.seconds + usage.seconds,
            )
        return found

    def _watch(self) -> None:
        while not self._done.wait(_EVERY_SECONDS):
            self._look()

    def _look(self) -> None:
        resident = 0.0
        for pid in members(self._session):
            folder = Path("/proc") / str(pid)
            try:
                fields = status_of((folder / "status").read_text())
                spent = seconds_of((folder / "stat").read_text())
                role = role_of((folder / "cmdline").read_text())
            except OSError:  # it has ended meanwhile
                continue
            if "VmHWM" not in fields:  # it is ending, and has given its memory and name back
                continue
            resident += fields["VmRSS"]
            usage = Usage(megabytes=fields["VmHWM"], seconds=spent)
            self._seen[pid] = (role, usage)
        self.megabytes = max(self.megabytes, resident)


def run(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Ran:
    """Run ``argv`` as a session of its own; nothing of it is left when this returns."""
    begun = time.monotonic()
    process = subprocess.Popen(
        argv,
        cwd=cwd, env=dict(env), text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    sampler = Sampler(process.pid)
    try:
        printed, _ = process.communicate()
        seconds = time.monotonic() - begun
    finally:
        usage = sampler.stop()
        if process.poll() is None:
            kill_session(process)
    return Ran(
        code=process.returncode,
        seconds=seconds,
        printed=printed,
        megabytes=sampler.megabytes,
        usage=usage,
    )


def role_of(command: str) -> str:
    """Return what a process is, by its command line as ``/proc`` has it."""
    words = [os.path.basename(word) for word in command.split("\0")]  # noqa: PTH119 - no path
    return next((role for part, role in _ROLES.items() if part in words), words[0])


def status_of(text: str) -> dict[str, float]:
    """Return the memory lines of ``/proc/<pid>/status`` in MiB, by name."""
    lines = (line.partition(":") for line in text.splitlines() if line.endswith(" kB"))
    return {key: int(value.split()[0]) / _MEBIBYTE for key, _, value in lines}


def seconds_of(stat: str) -> float:
    """Return the processor time in ``/proc/<pid>/stat``, user and system together."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
