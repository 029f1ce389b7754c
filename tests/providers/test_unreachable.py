from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from providers.ociregistry.errors import (
    AuthenticationError,
    ConflictError,
    PartialRemovalError,
    RegistryError,
    UnreachableError,
)
from providers.ociregistry.index import OWNER_ANNOTATION
from tests.providers.declared import NAME, Declared
from tests.providers.engine_fake import STALE, TAG, Engine, Resource
from tests.providers.registry_fake import FakeRegistry

TRIES = 5
FAR = "registry.example"


def stale_inputs(host: str) -> dict[str, Any]:
    return {
        "repository": f"{host}/{NAME}",
        "owner": "fleet/dev",
        "pointers": ["py3.11-LATEST"],
        "grammar": [{"kind": "LATEST", "pattern": ".*-LATEST"}],
        "policy": {"LATEST": "remove"},
    }


@pytest.fixture
def stopped(engine: Engine, declared: Declared, registry: FakeRegistry) -> FakeRegistry:
    """A registry that resets every connection, after three tags and their remover were up."""
    for tag in ("v1", "v2", "v3"):
        engine.up(TAG, tag, declared.version(tag))
    registry.push_index(NAME, "py3.11-LATEST", {OWNER_ANNOTATION: "fleet/dev"})
    engine.up(STALE, "s", stale_inputs(registry.host))
    engine.restart()
    registry.fault("", reset=True, times=10_000)
    registry.log.clear()
    return registry


class TestTags:
    def test_a_refresh_keeps_the_state_and_warns_at_each_tag(
        self, engine: Engine, stopped: FakeRegistry
    ) -> None:
        before = dict(engine.resources)
        for tag in ("v1", "v2", "v3"):
            engine.refresh(tag)
        assert engine.resources == before
        assert len(engine.warnings) == 3
        for tag, warning in zip(("v1", "v2", "v3"), engine.warnings, strict=True):
            assert warning.startswith(f"{stopped.host}/{NAME}:{tag} could not be verified: ")
            assert warning.endswith("; the state is kept")
        assert "the connection failed" in engine.warnings[0]

    def test_only_the_first_tag_of_a_dead_host_costs_its_tries_and_waits(
        self, engine: Engine, stopped: FakeRegistry
    ) -> None:
        for tag in ("v1", "v2", "v3"):
            engine.refresh(tag)
        assert len(stopped.log) == TRIES
        assert len(engine.waits) == TRIES - 1

    def test_an_up_of_what_is_declared_already_needs_no_registry(
        self, engine: Engine, declared: Declared, stopped: FakeRegistry
    ) -> None:
        assert engine.up(TAG, "v1", declared.version("v1")).kind == "same"

    def test_a_write_asks_the_registry_in_any_case(
        self, engine: Engine, declared: Declared, stopped: FakeRegistry
    ) -> None:
        engine.refresh("v1")
        stopped.faults.clear()
        moved = stopped.push_index(NAME, "v1")
        with pytest.raises(ConflictError, match=moved):
            engine.up(TAG, "v1", declared.version("v1", "changed"), refresh=False)

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            ({"status": 401}, AuthenticationError),
            ({"status": 403}, AuthenticationError),
            ({"status": 500}, RegistryError),
            ({"status": 418}, RegistryError),
            ({"status": 200, "headers": {"Docker-Content-Digest": "nonsense"}}, RegistryError),
        ],
    )
    def test_a_registry_that_answers_is_no_unreachable_one(
        self,
        engine: Engine,
        stopped: FakeRegistry,
        fault: dict[str, Any],
        error: type[RegistryError],
    ) -> None:
        stopped.faults.clear()
        stopped.fault("manifests/v1", times=99, **fault)
        with pytest.raises(error) as caught:
            engine.refresh("v1")
        assert not isinstance(caught.value, UnreachableError)
        assert engine.warnings == []

    def test_an_import_from_a_dead_host_is_an_error(
        self, engine: Engine, declared: Declared, stopped: FakeRegistry
    ) -> None:
        with pytest.raises(UnreachableError, match="the connection failed"):
            engine.adopt(TAG, "other", f"{declared.place}:other")


class TestStalePointers:
    def test_a_declared_repository_is_an_error_that_names_the_remedies(
        self, engine: Engine, stopped: FakeRegistry
    ) -> None:
        with pytest.raises(UnreachableError) as caught:
            engine.up(STALE, "s", stale_inputs(stopped.host))
        for part in (f"{stopped.host}/{NAME}: ", "the connection failed", "run again", "took its"):
            assert part in str(caught.value)

    def test_after_a_refresh_found_the_host_dead_the_error_comes_at_once(
        self, engine: Engine, stopped: FakeRegistry
    ) -> None:
        engine.refresh("v1")
        stopped.log.clear()
        with pytest.raises(UnreachableError, match="a moment ago"):
            engine.up(STALE, "s", stale_inputs(stopped.host))
        assert stopped.log == []

    def test_one_on_loopback_that_left_the_declaration_is_forgotten_with_a_warning(
        self, engine: Engine, stopped: FakeRegistry
    ) -> None:
        engine.delete("s")
        (warning,) = engine.warnings
        assert f"{stopped.host}/{NAME} is forgotten" in warning

    def test_a_registry_that_dies_among_the_removals_is_an_error_that_names_what_went(
        self, engine: Engine, stopped: FakeRegistry
    ) -> None:
        stopped.faults.clear()
        stopped.fault("GET .*/py3.11-LATEST", reset=True, times=99)
        with pytest.raises(PartialRemovalError, match="removed before that: nothing"):
            engine.delete("s")


class TestFarRegistry:
    @pytest.fixture(params=[httpx.ConnectError("no such name"), httpx.ConnectTimeout("slow")])
    def far(self, request: pytest.FixtureRequest) -> Iterator[Engine]:
        def handle(_: httpx.Request) -> httpx.Response:
            raise request.param

        http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
        with Engine({}, http=http) as engine:
            yield engine

    def test_one_that_left_the_declaration_is_an_error_with_the_command_for_a_lost_registry(
        self, far: Engine
    ) -> None:
        inputs = stale_inputs(FAR)
        far.resources["s"] = Resource(STALE, f"{FAR}/{NAME}", inputs, inputs)
        with pytest.raises(UnreachableError) as caught:
            far.delete("s")
        urn = "urn:pulumi:dev::fleet::fleet:index:ImageTag$ociregistry:index:StalePointers::s"
        assert f"`pulumi state delete '{urn}'`" in str(caught.value)
        assert far.warnings == []


class TestWrites:
    """They ask the registry whatever a read of another resource found a moment ago."""

    def test_a_removal_of_an_image_that_left_asks_again(
        self, engine: Engine, declared: Declared, stopped: FakeRegistry
    ) -> None:
        engine.refresh("v1")
        stopped.faults.clear()
        stopped.log.clear()
        engine.delete("s")
        assert any(line.startswith(("HEAD", "GET")) for line in stopped.log)

    def test_a_tag_is_written_though_a_read_failed_a_moment_ago(
        self, engine: Engine, declared: Declared, stopped: FakeRegistry
    ) -> None:
        engine.refresh("v1")
        stopped.faults.clear()
        engine.up(TAG, "v9", declared.version("v9"))
        assert declared.registry.pullable(NAME, "v9")
