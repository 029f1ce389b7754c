"""The registry client for a command, opened and closed inside its event loop."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from fleet.registry.client import Client
from fleet.registry.github_packages import Packages, is_ghcr
from fleet.registry.login import find_logins
from fleet.registry.transport import Transport
from fleet.upkeep.prune.digests import Distribution, GitHub

_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A client, and the way of listing and deleting digests that fits a host."""

    registry: Client
    transport: Transport

    def versions_of(self, host: str) -> Distribution:
        """Return GitHub's Packages API for its registry, else the plain specification."""
        if is_ghcr(host, self.transport.environment):
            return GitHub(packages=Packages(self.transport), registry=self.registry)
        return Distribution(registry=self.registry)


@asynccontextmanager
async def opened(logins: Mapping[str, Mapping[str, str]]) -> AsyncIterator[Opened]:
    """Yield a client that takes credentials and trust from this process's environment.

    ``logins`` name the variables of each host's login, as the provider's configuration does.
    """
    found = find_logins(logins, os.environ)
    async with Transport(environment=os.environ, logins=found) as transport:
        yield Opened(registry=Client(transport), transport=transport)


def asked(
    logins: Mapping[str, Mapping[str, str]], work: Callable[[Client], Awaitable[_Result]]
) -> _Result:
    """Return the result of ``work`` with a client that is open for so long."""

    async def run() -> _Result:
        async with opened(logins) as connection:
            return await work(connection.registry)

    return asyncio.run(run())
