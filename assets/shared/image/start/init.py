"""Process 1 of a container: runs the command that it is given as its only child, until that ends.

Process 1 gets no signal that it does not catch, and takes in every orphan (pid_namespaces(7)). A
shell that runs a prestart script answers no signal until its command ends, and uvicorn reaps no
orphans and has no answer to SIGQUIT: so neither can be process 1 itself.

It stays for as long as the container lives, so it imports next to nothing: with pathlib and
contextlib it took twice the memory.
"""
# ruff: noqa: PTH112, PTH118, PTH120, PTH123, SIM105

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# What a process does to itself is not for others (signal(7)).
OWN = {signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGTRAP}
STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
TEMPORARY = ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108 - where tempfile looks
# Tenths of a second; engines give ten seconds before they kill.
PATIENCE = 80
MEMORY = "/dev/shm"  # noqa: S108 - writable also under a root that is read-only


def main(command: list[str]) -> int:
    """Run the command; return its exit status, or 128 and the signal that killed it."""
    waited = signal.valid_signals() - OWN
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    child = start(command, before)
    stops: set[int] = set()
    prestart_stops = 0
    while True:
        number = signal.sigwaitinfo(waited).si_signo
        if number == signal.SIGCHLD:
            if (status := reap(child)) is None:
                continue
            if prestart_stops:
                wait_for_group(child)
            # uvicorn ends in order and raises the signal again. For process 1 that had no effect.
            return 0 if -status in stops else status if status >= 0 else 128 - status
        if number in STOPS and in_prestart(child):
            prestart_stops += 1
            send(os.killpg, child, signal.SIGTERM)
        elif number in STOPS:
            # gunicorn answers SIGINT and SIGQUIT in the same way. uvicorn has no answer to SIGQUIT,
            # and with several workers it catches and ignores it.
            number = signal.SIGINT if number == signal.SIGQUIT else number
            stops.add(number)
            send(os.kill, child, number)
        elif catches(child, number):
            # Any other is dropped, as the kernel does for process 1.
            send(os.kill, child, number)


def start(command: list[str], mask: set[signal.Signals | int]) -> int:
    """Start the command in a process group of its own, in front of the terminal if there is one."""
    settings = {**os.environ, **temporary(dict(os.environ))}
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        # Sockets of systemd's protocol are for the process that it names (sd_listen_fds(3)).
        if settings.get("LISTEN_PID") == str(parent):
            settings["LISTEN_PID"] = str(os.getpid())
        # Python ignores these, and what is ignored stays so in whatever is run.
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.execvpe(command[0], command, settings)  # noqa: S606 - the start script gave it
    try:
        os.setpgid(child, child)
    except OSError:  # it did so itself, and is another program by now
        pass
    try:
        if os.tcgetpgrp(0) == os.getpgrp():
            os.tcsetpgrp(0, child)
    except OSError:  # no terminal
        pass
    return child


def temporary(environ: dict[str, str]) -> dict[str, str]:
    """Return where temporary files go, if no folder that Python looks at can be written to."""
    named = [environ[name] for name in ("TMPDIR", "TEMP", "TMP") if environ.get(name)]
    if any(writable(folder) for folder in (*named, *TEMPORARY, ".")) or not writable(MEMORY):
        return {}
    return {"TMPDIR": MEMORY}


def writable(folder: str) -> bool:
    """Tell whether files can be made in the folder."""
    return os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)


def send(how: Callable[[int, int], None], child: int, number: int) -> None:
    """Send a signal to the child or, by `os.killpg`, to its group."""
    try:
        how(child, number)
    except OSError:  # it just ended, or became another user's
        pass


def in_prestart(child: int) -> bool:
    """Tell whether the child still sources the prestart script."""
    script = os.path.join(os.path.dirname(__file__), "prestart.sh")
    try:
        with open(f"/proc/{child}/cmdline", "rb") as file:
            return os.fsencode(script) in file.read().split(b"\0")
    except OSError:  # it just ended
        return False


def catches(child: int, number: int) -> bool:
    """Tell whether the child has a handler for this signal (proc(5), SigCgt)."""
    try:
        with open(f"/proc/{child}/status", "rb") as file:
            found = [line for line in file if line.startswith(b"SigCgt:")]
    except OSError:  # it just ended
        return False
    return bool(int(found[0].split()[1], 16) >> number - 1 & 1)


def reap(child: int) -> int | None:
    """Reap all that ended; return the child's status if it did, negative for a signal."""
    ended = None
    try:
        while (found := os.waitpid(-1, os.WNOHANG | os.WUNTRACED))[0]:
            if os.WIFSTOPPED(found[1]):
                # Nobody could make it go on after a Ctrl-Z.
                if os.WSTOPSIG(found[1]) == signal.SIGTSTP:
                    send(os.killpg, child, signal.SIGCONT)
            elif found[0] == child:
                ended = os.waitstatus_to_exitcode(found[1])
    except ChildProcessError:  # none is left
        pass
    return ended


def wait_for_group(child: int) -> None:
    """Give what a prestart script was waiting for time to end in order: it got SIGTERM, too."""
    for _ in range(PATIENCE):
        try:
            os.killpg(child, 0)
        except OSError:  # all ended
            return
        signal.sigtimedwait({signal.SIGCHLD}, 0.1)
        reap(child)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
