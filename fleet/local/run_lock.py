"""Runs side by side, of one checkout or several: what one of them changes, others wait for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleet.console import say
from fleet.local.paths import Checkout


@contextmanager
def alone(lock: Path, waiting: str) -> Iterator[None]:
    """Keep out every other run that asks for ``lock``; say ``waiting`` when another has it."""
    # Windows has no such module, and is refused with a reason before.
    import fcntl  # noqa: PLC0415

    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def alone_on_this_machine(checkout: Checkout) -> Iterator[None]:
    """Keep out the runs of all other checkouts, while what they share is changed.

    That is Debian's packages, the formats of the kernel, and the user's cache.
    """
    with alone(checkout.cache / "lock", "waiting for a run in another checkout"):
        yield
