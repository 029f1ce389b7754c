"""How the program ends: once the engine has answered all that it was asked.

The SDK's own waiting (``pulumi.runtime.stack.wait_for_rpcs``) has two loops: over the requests to
the engine, each awaited in turn, and over the outputs, where it waits for *any* of all that are
pending and then begins anew, which looks at each of them each time. A program that merely declares
its resources gets to the second loop before a single request was begun, so that all of its waiting
is done there: quadratic in the outputs. At 500 version tags a program that changed nothing took 100
seconds of processor time, and a third of it without that (SDK 3.259; benchmarks/README.md).

So the program gives the event loop a turn before it ends. Then every request has begun, and the SDK
waits in its first loop, where failures end the program as they do in the second.
"""

import asyncio
from collections.abc import Callable

import pulumi


def run(declare: Callable[[], None]) -> Callable[[], None]:
    """Have the engine run what this decorates, and wait for all that it asks for.

    It is run once the program's modules were read; a program has one. What it raises ends the
    program as if it was raised there.
    """

    async def program() -> None:
        declare()
        await asyncio.sleep(0)

    pulumi.run(program)
    return declare
