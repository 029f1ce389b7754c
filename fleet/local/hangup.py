"""A closed terminal (SIGHUP), passed on to a child process as an interrupt (SIGINT).

The engine ends in order when it is interrupted. A hangup would end it at once, with its lock held.
"""

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

Passing = Callable[["subprocess.Popen[Any]"], None]


@contextmanager
def passed_on_hangup() -> Iterator[Passing]:
    """Ignore hangups, and yield a function that has the first one interrupt the process given.

    A child that is started in between ignores hangups too, for it inherits that, as does what it
    starts: the closed terminal itself then stops neither. A hangup that is ignored already
    (``nohup``) stays ignored.
    """
    before = signal.getsignal(signal.SIGHUP)
    if before == signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield _nothing
        return

    def passing(process: "subprocess.Popen[Any]") -> None:
        def interrupt(_number: int, _frame: FrameType | None) -> None:
            # Once: shell and kernel may both send it, and twice is an order to stop at once.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            process.send_signal(signal.SIGINT)

        signal.signal(signal.SIGHUP, interrupt)

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield passing
    finally:
        signal.signal(signal.SIGHUP, before)


def _nothing(_process: "subprocess.Popen[Any]") -> None:
    return
