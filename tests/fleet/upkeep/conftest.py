"""What the tests of upkeep share: a registry in memory and a client of it."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from fleet.registry.client import Client
from fleet.registry.reference import Repository
from fleet.registry.transport import Transport
from fleet.upkeep.state import Removed, Remover
from tests.fleet.upkeep.fleet_stack import FleetStack
from tests.fleet.upkeep.sweeping import DIGEST, Run, Sweeper
from tests.providers.ociregistry.registry_fake import FakeRegistry
from tests.registries.live import LiveRegistry, distribution, live

__all__ = ["distribution", "live"]


@pytest.fixture
def stack(tmp_path: Path, live: LiveRegistry) -> FleetStack:
    return FleetStack(tmp_path / "checkout", live)


@pytest.fixture
def run(registry: FakeRegistry) -> Run:
    """Run a coroutine function on a client of the registry, and close that."""

    def go(work: Callable[[Client], Coroutine[Any, Any, Any]]) -> Any:
        async def inside() -> Any:
            transport = Transport(environment={"FLEET_PLAIN_HTTP": registry.host})
            try:
                return await work(Client(transport))
            finally:
                await transport.close()

        return asyncio.run(inside())

    return go


@pytest.fixture
def sweeper(registry: FakeRegistry, run: Run) -> Sweeper:
    return Sweeper(registry, run)


def remover(place: Repository, **fields: Any) -> Remover:
    values: dict[str, Any] = {
        "name": "fleet::s",
        "pointers": frozenset(),
        "grammar": (("LATEST", r"py[0-9.]+-LATEST"),),
        "policies": {"LATEST": "remove"},
        **fields,
    }
    return Remover(repository=place, **values)


def removed(place: Repository, tag: str, digest: str = DIGEST, at: str = "2026-01-01") -> Removed:
    return Removed(repository=place, tag=tag, digest=digest, removed_at=at)
