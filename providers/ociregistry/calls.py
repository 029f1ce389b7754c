"""The engine's requests that are under way, and their end where the run is interrupted."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from fleet.registry.interruption import readable


class Calls:
    """Carries out requests until `interrupt`.

    An interrupt ends each wait and each copy at once, and refuses what comes after it. A write
    that was sent is waited for, and a removal that was begun is finished or put back.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._interrupted = False

    async def answer(self, request: Coroutine[Any, Any, Any]) -> Any:
        """Return the result of a request.

        :raises InterruptedRunError: if the run is interrupted, before or meanwhile.
        """
        if self._interrupted:
            request.close()
            raise readable(asyncio.CancelledError())
        task = asyncio.ensure_future(request)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await task
        except asyncio.CancelledError as error:
            # Not so where the engine itself went away: it hears no answer.
            if self._interrupted:
                raise readable(error) from None
            raise

    def interrupt(self) -> None:
        """End what is under way, and refuse the rest."""
        self._interrupted = True
        for task in tuple(self._tasks):
            task.cancel()

    async def ended(self) -> None:
        """Return when nothing is under way any more."""
        if self._tasks:
            await asyncio.wait(self._tasks)
