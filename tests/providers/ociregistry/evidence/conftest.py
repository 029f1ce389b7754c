"""A registry with and without the referrers API, and a version tag with evidence."""

from typing import Any

import pytest

from tests.fleet.evidence.examples import P256
from tests.providers.ociregistry.declared import Declared
from tests.providers.ociregistry.evidence.stated import (
    REF,
    SIGNING,
)
from tests.providers.ociregistry.registry_fake import FakeRegistry


@pytest.fixture(params=[False, True], ids=["fallback tag", "referrers API"])
def registry(registry: FakeRegistry, request: pytest.FixtureRequest) -> FakeRegistry:
    registry.lists_referrers = request.param
    return registry


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    environment[SIGNING] = P256
    return environment


@pytest.fixture
def inputs(declared: Declared) -> dict[str, Any]:
    return declared.evidence(declared.version(REF))
