from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.declared import Declared
from tests.providers.ociregistry.engine_fake import Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry, http_date, serving


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with serving() as fake:
        yield fake


@pytest.fixture
def environment(registry: FakeRegistry, tmp_path: Path) -> dict[str, str]:
    return {"FLEET_PLAIN_HTTP": registry.host, "DOCKER_CONFIG": str(tmp_path)}


@pytest.fixture
def call(registry: FakeRegistry, environment: dict[str, str]) -> Caller:
    return Caller(registry, environment)


@pytest.fixture
def engine(registry: FakeRegistry, environment: dict[str, str]) -> Iterator[Engine]:
    with Engine(environment) as started:
        # The registry's clock agrees with that of the provider's machine.
        registry.clock = lambda: http_date(started.now)
        yield started


@pytest.fixture
def declared(registry: FakeRegistry) -> Declared:
    return Declared(registry)
