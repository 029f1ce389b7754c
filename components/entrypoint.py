"""How the program ends: once the engine has answered all that it was asked.

The SDK's own waiting (``pulumi.runtime.stack.wait_for_rpcs``) has two loops: over the requests to
the engine, each awaited in turn, and over the outputs, where it waits for *any* of all that are
pending and then begins again, which looks at each of them each time. A program that merely declares
its resources gets to the second loop before a single request was begun, so that all of its waiting
is done there: quadratic in the outputs. At 500 version tags a program that changed nothing took 100
seconds of processor time, and a third of it without that (SDK 3.259; benchmarks/README.md).

So the program gives the event loop a turn before it ends. Then every request has begun, and the SDK
waits in its first loop, where failures end the program as they do in the second.

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
    """Have the engine run what this decorates, and wait for all that it asks for.

    It is run once the program's modules were read; a program has one. What it raises ends the
    program as if it was raised there.
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
