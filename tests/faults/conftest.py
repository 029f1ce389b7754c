"""A real registry behind a proxy, and a provider that speaks to it through that proxy."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine.reading import Reading
from tests.engine.registries import Distribution
from tests.engine.seeding import move_tag, push_build, push_image, push_index, sha
from tests.faults.chaos import DEADLINE_SECONDS
from tests.faults.proxy import Proxy, Rules, proxied
from tests.providers.ociregistry.engine_fake import STALE, TAG, Engine

OWNER = "fleet/dev"
PLATFORMS = ("linux/amd64", "linux/arm64")
GRAMMAR = [{"kind": "LATEST", "pattern": r"py[0-9.]+-LATEST"}]
OLD, NEW, LATEST, STRAY = "py3.11-0.33.0", "py3.11-0.34.0", "py3.11-LATEST", "py3.8-LATEST"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let connections that a deadline cuts be closed by the collector: httpcore forgets some.

    It does where the deadline ends an attempt to connect; the operating system's side is closed.
    """
    cut = pytest.mark.filterwarnings("ignore:unclosed (transport|<socket):ResourceWarning")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(cut)


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Collect them within their own test, not in another that rightly takes them for a fault."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Distribution]:
    with Distribution(tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture
def rules() -> Rules:
    return Rules()


@pytest.fixture
def proxy(distribution: Distribution, rules: Rules) -> Iterator[Proxy]:
    with proxied(distribution, rules) as started:
        yield started


@pytest.fixture
def engine(proxy: Proxy, tmp_path: Path) -> Iterator[Engine]:
    environment = {"FLEET_PLAIN_HTTP": proxy.host, "DOCKER_CONFIG": str(tmp_path)}
    with Engine(environment, deadline=DEADLINE_SECONDS) as started:
        yield started


@dataclass(frozen=True, kw_only=True)
class Place:
    """One test's own repository, and inputs that declare something in it."""

    registry: Distribution
    host: str
    name: str

    @property
    def view(self) -> Reading:
        return Reading(self.registry, self.name)

    @property
    def build(self) -> str:
        return f"{self.name}/build"

    def version(self, tag: str = NEW, **overrides: Any) -> dict[str, Any]:
        built = self.built(tag)
        inputs = {"ref": f"{self.host}/{self.name}:{tag}", "owner": OWNER, "identity": tag}
        return {**inputs, "source": built, "platforms": list(PLATFORMS), **overrides}

    def built(self, seed: str) -> str:
        """Push an index as a build does; return its reference."""
        digest = push_build(self.registry, self.build, seed, PLATFORMS)
        return f"{self.host}/{self.build}@{digest}"

    def pointer(self, digest: str, tag: str = LATEST, **overrides: Any) -> dict[str, Any]:
        source = f"{self.host}/{self.name}@{digest}"
        ref = f"{self.host}/{self.name}:{tag}"
        return {"ref": ref, "owner": OWNER, "source": source, **overrides}

    def stale(self, *pointers: str, **overrides: Any) -> dict[str, Any]:
        inputs = {
            "repository": f"{self.host}/{self.name}",
            "owner": OWNER,
            "pointers": sorted(pointers),
            "grammar": GRAMMAR,
            "policy": {"LATEST": "remove"},
            "maxRemovals": 1.0,
        }
        return {**inputs, **overrides}

    def published(self, *tags: str, annotations: dict[str, str] | None = None) -> str:
        """Publish an index under `tags`, as an older way did; return its digest."""
        children = push_image(self.registry, self.name, PLATFORMS, tags[0])
        return push_index(self.registry, self.name, tags, children, annotations)

    def move(self, tag: str, reference: str) -> None:
        move_tag(self.registry, self.name, tag, reference)


@pytest.fixture
def place(distribution: Distribution, proxy: Proxy, request: pytest.FixtureRequest) -> Place:
    name = f"rows/n{sha(request.node.nodeid.encode())[-16:]}"
    return Place(registry=distribution, host=proxy.host, name=name)


__all__ = ["LATEST", "NEW", "OLD", "PLATFORMS", "STALE", "STRAY", "TAG", "Place"]
