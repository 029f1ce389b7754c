from collections.abc import Iterator

import pytest

from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.declared import Declared
from tests.providers.ociregistry.engine_fake import Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry, http_date


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
