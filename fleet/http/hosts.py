"""Which hosts answer: one that just did not is not asked again by every tag of it."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fleet.http.errors import ReadableError, UnreachableError

# Longer than a refresh takes to come to the next tag of the host, shorter than a person takes to
# start the registry and run again in a process that still lives.
_REMEMBERED_SECONDS = 30.0

_T = TypeVar("_T")


class Hosts:
    """Remembers for 30 s that a host could not be reached.

    Only reads go through here whose failure changes nothing: those of a refresh and of listings.
    A write, and the look right before it, asks the server in any case.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, float] = {}
        self._answered: set[str] = set()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ask(self, host: str, read: Callable[[], Awaitable[_T]]) -> _T:
        """Return what `read` returns; the first of a host goes ahead, and the others wait for it.

        :raises UnreachableError: if the host can't be reached, or could not within 30 s.
        """
        if host not in self._answered:
            async with self._locks[host]:
                if host not in self._answered:
                    return await self._try(host, read)
        return await self._try(host, read)

    async def _try(self, host: str, read: Callable[[], Awaitable[_T]]) -> _T:
        failed = self._failed.get(host)
        if failed is not None and self._clock() - failed < _REMEMBERED_SECONDS:
            raise UnreachableError(
                f"{host} could not be reached a moment ago, and is not asked again yet"
            )
        try:
            found = await read()
        except UnreachableError:
            self._failed[host] = self._clock()
            self._answered.discard(host)
            raise
        except ReadableError:
            self._answered.add(host)
            raise
        self._answered.add(host)
        return found
