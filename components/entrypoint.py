"""How the program runs under the SDK: three costs of SDK 3.259 left out (benchmarks/README.md).

- It waits for all pending outputs again and again, which is quadratic in these, unless the requests
  to the engine were begun before: so the event loop gets a turn. At 500 version tags that saves two
  thirds of 100 processor seconds.
- It tells the engine of each resource by which calls it was declared (``sys.tracebacklimit`` says
  how many): 1.6 kB per resource, with paths of this machine, that the state keeps.
- It tells the engine five lines for debugging a resource, each in a call that all else waits for:
  half of the processor time at 150 version tags. They are left out, also under ``pulumi --debug``.
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
    pulumi.log.debug = lambda *_, **__: None

    async def program() -> None:
        with untraced():
            declare()
        await asyncio.sleep(0)

    pulumi.run(program)
    return declare


@contextmanager
def untraced() -> Iterator[None]:
    """Declare resources without the calls that led there; an error in the block keeps its own."""
    sys.tracebacklimit = 1
    try:
        yield
    finally:
        del sys.tracebacklimit
