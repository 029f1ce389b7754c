"""What a worker does with a stop that comes before it has handlers of its own: it ends.

A worker is forked with its master's handlers, which put a signal into a queue that the master
alone reads. So it would go on, and gunicorn would wait its whole grace of 30 s for it: that is what
became of a stop while the first workers start. Loaded once, in the master.
"""

from __future__ import annotations

import os
import signal

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_MASTER = os.getpid()
# The master's mask during a fork of its own; empty at any other time, and in what workers fork.
_masks: list[set[int | signal.Signals]] = []


def _before() -> None:
    if os.getpid() == _MASTER:
        _masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, STOPS))


def _in_child() -> None:
    if _masks:
        for number in STOPS:
            signal.signal(number, lambda *_: os._exit(0))
    _after()


def _after() -> None:
    if _masks:
        signal.pthread_sigmask(signal.SIG_SETMASK, _masks.pop())


os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_in_child)
