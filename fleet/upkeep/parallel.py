"""Work on many items with a bounded number at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

LIMIT = 16
"""Items in work at a time; the transport holds back further, to 8 requests."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


async def each(
    work: Callable[[_Item], Awaitable[_Result]], items: Iterable[_Item], limit: int = LIMIT
) -> list[_Result]:
    """Return the results of ``work`` in the order of ``items``; the first error ends all.

    Only ``limit`` coroutines exist at a time, so that ten thousand items cost no more memory
    than their results.
    """
    waiting = enumerate(items)
    results: dict[int, _Result] = {}

    async def worker() -> None:
        for position, item in waiting:
            results[position] = await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(limit):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [results[position] for position in sorted(results)]
