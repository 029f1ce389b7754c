"""How the program ends: once the engine has answered all that it was asked.

The SDK waits (``pulumi.runtime.stack.wait_for_rpcs``) for each request to the engine in turn, then
for *any* of all pending outputs, again and again, which is quadratic in these. A program that
merely declares its resources gets to the second loop before a single request was begun: at 500
version tags one that changed nothing took 100 seconds of processor time, and a third of it with the
turn of the event loop that it is given here (SDK 3.259; benchmarks/README.md). Failures end the
program in either loop.

And the SDK tells the engine of each resource by which calls it was declared, some eighteen frames
with the paths of this machine, which the state then keeps: 1.6 kB a resource, a quarter of what it
keeps of a version tag (SDK 3.259). How many there are, ``sys.tracebacklimit`` says.

And it tells the engine five lines for debugging a resource, each in a call that all else waits for:
half of the processor time of a program that changes nothing, at 150 version tags (SDK 3.259). They
are left out, also under ``pulumi --debug``.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pulumi


def run(declare: Callable[[], None]) -> Callable[[], None]:
    """Have the engine run what this decorates, once, and wait for all that it asks for.

    What it raises ends the program as if it was raised where it stands.
    """
    pulumi.log.debug = _unsaid

    async def program() -> None:
        with untraced():
            declare()
        await asyncio.sleep(0)

    pulumi.run(program)
    return declare


def _unsaid(*_: object, **__: object) -> None:
    """Say nothing."""


@contextmanager
def untraced() -> Iterator[None]:
    """Leave out of the state by which calls a resource was declared, for the length of a block.

    An error in it is told with all its calls: what is printed of it is made after the block.
    """
    sys.tracebacklimit = 1
    try:
        yield
    finally:
        del sys.tracebacklimit
