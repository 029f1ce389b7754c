"""One operation of a registry client against the fake."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from fleet.http.retry import RetryPolicy
from fleet.registry.client import Client
from fleet.registry.login import find_logins
from fleet.registry.reference import Repository
from fleet.registry.transport import Transport
from tests.providers.ociregistry.registry_fake import FakeRegistry

_T = TypeVar("_T")


class Caller:
    """Runs one operation of a client against the fake, and records its waits."""

    def __init__(self, registry: FakeRegistry, environment: dict[str, str]) -> None:
        self.registry = registry
        self.environment = environment
        self.waits: list[float] = []
        self.repository = Repository(host=registry.host, name="team/app")
        self.deadline = 5.0
        self.logins: dict[str, dict[str, str]] = {}

    def __call__(self, operation: Callable[[Client], Awaitable[_T]]) -> _T:
        async def run() -> _T:
            async with self._client() as client:
                return await operation(client)

        return asyncio.run(run())

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Client]:
        transport = Transport(
            environment=self.environment,
            retry=RetryPolicy(sleep=self._sleep),
            deadline=self.deadline,
            logins=find_logins(self.logins, self.environment),
        )
        try:
            yield Client(transport)
        finally:
            await transport.close()

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
