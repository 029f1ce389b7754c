"""A synchronous front of the exchange, for callers without an event loop."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Self

import httpx

from fleet.http.errors import HttpError
from fleet.http.exchange import Exchange
from fleet.http.message import Call, Reply
from fleet.http.opening import open_http
from fleet.http.retry import RetryPolicy

_AT_ONCE = 8


class Blocking:
    """A client that returns when the answer is complete; close it after use.

    It is used by one thread, and by none that runs an event loop.
    """

    def __init__(
        self,
        *,
        opened: Callable[[], httpx.AsyncClient] = open_http,
        retry: RetryPolicy | None = None,
        deadline: float = 30.0,
    ) -> None:
        self._retry = retry or RetryPolicy()
        self._runner = asyncio.Runner()
        self._exchange = Exchange(opened(), deadline=deadline)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def once(self, call: Call, authorization: str = "") -> Reply:
        """Send `call` once, as `Exchange.once`."""
        return self._runner.run(self._exchange.once(call, authorization))

    def send(self, call: Call, authorization: str = "") -> Reply:
        """Send `call` until the answer is final; only for what may be repeated, such as a read.

        :raises HttpError: if no answer comes, or none that can be read.
        """

        async def send() -> Reply:
            return await self._exchange.once(call, authorization)

        return self._runner.run(self._retry.run(send, call.place))

    def send_all(self, calls: Iterable[Call]) -> list[Reply]:
        """Send `calls`, each as `send` does, some at the same time; the answers are in their order.

        :raises HttpError: as `send`, of the first that fails.
        """

        async def send_all() -> list[Reply]:
            slots = asyncio.Semaphore(_AT_ONCE)

            async def send(call: Call) -> Reply:
                async with slots:
                    return await self._retry.run(lambda: self._exchange.once(call), call.place)

            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(send(call)) for call in calls]
            return [task.result() for task in tasks]

        try:
            return self._runner.run(send_all())
        except* HttpError as errors:
            error: BaseException = errors
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
        raise error

    def close(self) -> None:
        """Close all connections."""
        try:
            self._runner.run(self._exchange.http.aclose())
        finally:
            self._runner.close()
