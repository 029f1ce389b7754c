"""A client of release sources whose answers a test gives."""

from collections.abc import Callable

import httpx

from fleet.http.blocking import Blocking
from fleet.http.retry import RetryPolicy
from fleet.releases.pypi.fetch import open_client
from tests.fleet.http.mocked import mocked


def answering(
    handler: Callable[[httpx.Request], httpx.Response], waits: list[float] | None = None
) -> Blocking:
    """Return a client that asks `handler`; its pauses go into `waits` and are not made."""
    made = [] if waits is None else waits

    async def sleep(seconds: float) -> None:
        made.append(seconds)

    return open_client(lambda: mocked(handler), RetryPolicy(attempts=3, sleep=sleep))
