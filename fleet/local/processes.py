"""Daemons: started detached, remembered by pid and start time, stopped by pid."""

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fleet.console import TroubleError, say, tail_of
from fleet.local import mounts, private_files
from fleet.local.child_environment import child_environment
from fleet.local.paths import Checkout

_PROC = Path("/proc")
# Appended to, so that what is cut off by hand does not leave a hole.
_NEW_LOG = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True, kw_only=True)
class Record:
    """A process that was started here.

    ``born`` tells it from a later process of the same number; ``fingerprint`` tells whether it
    runs with the configuration that is wanted now.
    """

    pid: int
    born: str
    fingerprint: str

    @property
    def alive(self) -> bool:
        """True if this very process still runs."""
        return birth(self.pid) == self.born


def birth(pid: int) -> str | None:
    """Return what no later process of the same number shares: boot and start tick.

    ``None`` when there is no such process, or only its exit status is left (proc_pid_stat(5),
    fields 3, 20 and 22). One whose first thread ended before the others still holds its files and
    its ports: a registry that was told to end did so for some milliseconds on a busy machine.
    """
    fields = _stat(pid)
    if not fields or (fields[0] in ("Z", "X") and int(fields[17]) <= 1):
        return None
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{fields[19]}"


def read_record(path: Path) -> Record | None:
    """Return the record at ``path``, or ``None`` when there is none that can be read."""
    try:
        return Record(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """A daemon of ``checkout``, as it is wanted now.

    ``name`` is that of its record, its log and its temporary folder, ``title`` what a person calls
    it, ``place`` where it answers. ``file`` is that of its configuration ``config``; the files
    ``reads`` are read at its start too. ``settings`` go into its environment.
    """

    checkout: Checkout
    name: str
    title: str
    place: str
    argv: tuple[str, ...]
    file: Path
    config: str
    reads: tuple[Path, ...]
    answers: Callable[[], bool]
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of all that decides how it runs."""
        contents = [path.read_bytes() for path in self.reads if path.exists()]
        parts = [self.config.encode(), *map(os.fsencode, self.argv), *contents]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def ensure(daemon: Daemon, *, require: Callable[[], None] = lambda: None) -> None:
    """Have ``daemon`` answer; one that already does, as it is wanted, is kept.

    ``require`` raises where it can't be started, once an older one has ended.

    :raises TroubleError: when it does not start.
    """
    here = daemon.checkout
    record, log = _record(here, daemon.name), here.state / "log" / f"{daemon.name}.log"
    known = read_record(record)
    is_ours = known and known.alive and known.fingerprint == daemon.fingerprint
    if is_ours and daemon.answers():
        return
    stop(record)
    require()
    here.make_run()
    daemon.file.parent.mkdir(exist_ok=True)
    daemon.file.write_text(daemon.config)
    env = environment(here.tmp / daemon.name, **daemon.settings)
    started = start(daemon.argv, env=env, log=log, record=record, fingerprint=daemon.fingerprint)
    wait_until(daemon.answers, started, name=daemon.title, log=log)
    say(f"{daemon.title}: {daemon.place} (pid {started.pid})")


def stop_daemon(checkout: Checkout, name: str) -> Record | None:
    """Stop the daemon ``name`` if it was started from ``checkout``; its data stays."""
    return stop(_record(checkout, name))


def _record(checkout: Checkout, name: str) -> Path:
    return checkout.run / f"{name}.pid"


def start(
    argv: Sequence[str], *, env: Mapping[str, str], log: Path, record: Path, fingerprint: str
) -> Record:
    """Start ``argv`` as a session of its own that holds none of our files, and remember it."""
    for folder in (log.parent, record.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(log, _NEW_LOG, 0o600), "wb") as printed:
        process = subprocess.Popen(
            argv, env=env, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    # It outlives this process, which does not wait for it.
    process.returncode, pid = 0, process.pid
    started = Record(pid=pid, born=birth(pid) or "", fingerprint=fingerprint)
    temporary = record.with_suffix(".new")
    temporary.write_text(json.dumps(asdict(started)))
    temporary.replace(record)
    return started


def environment(tmp: Path, **more: str) -> dict[str, str]:
    """Return the environment of a daemon: no secret of the shell's, and ``tmp`` emptied for it."""
    mounts.remove(tmp)
    private_files.make_folder(tmp)
    return child_environment(TMPDIR=str(tmp), **more)


def wait_until(ready: Callable[[], bool], started: Record, *, name: str, log: Path) -> None:
    """Return when ``ready`` says so.

    :raises TroubleError: with the end of the log, when the process ends or 60 s pass before.
    """

    def is_over() -> bool:
        return ready() or not started.alive

    if not until(is_over, 60):
        raise TroubleError(f"{name} did not answer within 60 s. {_end_of(log)}")
    if not started.alive:
        raise TroubleError(f"{name} ended as soon as it was started. {_end_of(log)}")


def stop(path: Path, *, patience: float = 20) -> Record | None:
    """Stop the process recorded at ``path`` and what it started; return it if it ran.

    It has ``patience`` seconds to end by itself; what is left then is killed.
    """
    known = read_record(path)
    if known and not known.alive:
        known = None
    if known:
        family = {known.pid: known.born} | descendants(known.pid)
        _signal(known.pid, signal.SIGTERM)
        until(lambda: not known.alive, patience)
        family |= descendants(known.pid)
        left = [Record(pid=pid, born=born, fingerprint="") for pid, born in family.items()]
        for each in left:
            if each.alive:
                _signal(each.pid, signal.SIGKILL)
        until(lambda: not any(each.alive for each in left), patience)
    path.unlink(missing_ok=True)
    return known


def descendants(pid: int) -> dict[int, str]:
    """Return the births, by pid, of all that ``pid`` started, directly or not."""
    stats = {int(e.name): _stat(int(e.name)) for e in _PROC.iterdir() if e.name.isdigit()}
    parents = {child: int(fields[1]) for child, fields in stats.items() if fields}
    found: dict[int, str] = {}
    layer = {pid}
    while layer:
        layer = {child for child, parent in parents.items() if parent in layer}
        found |= {child: born for child in layer if (born := birth(child))}
    return found


def _stat(pid: int) -> list[str]:
    """Return what the kernel says of a process, from its state on; nothing where there is none."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Tell whether ``condition`` became true within ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _end_of(log: Path) -> str:
    text = log.read_text(errors="replace") if log.exists() else ""
    return f"The end of {log}:\n{tail_of(text)}"
