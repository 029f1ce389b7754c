"""A registry in memory, and what reads its images."""

from collections.abc import Callable

import pytest

from fleet.registry.client import Client
from fleet.registry.reference import Repository
from fleet.sbom.layer import Limits
from fleet.sbom.model import Contents
from fleet.sbom.reader import SbomReader
from tests.fleet.sbom.layers import NAME, push
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.registry_fake import FakeRegistry

Read = Callable[..., Contents]


@pytest.fixture
def repository(registry: FakeRegistry) -> Repository:
    return Repository(host=registry.host, name=NAME)


@pytest.fixture
def read(registry: FakeRegistry, environment: dict[str, str], repository: Repository) -> Read:
    """Read what an image of the given layers consists of."""

    def contents(
        *layers: bytes, limits: Limits | None = None, env: tuple[str, ...] = ()
    ) -> Contents:
        digest = push(registry, layers, env=env)

        async def asked(client: Client) -> Contents:
            reader = SbomReader(client, limits or Limits())
            (found,) = (await reader.contents(repository, digest)).values()
            return found

        return Caller(registry, environment)(asked)

    return contents
