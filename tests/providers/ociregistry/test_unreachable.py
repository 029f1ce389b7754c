from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fleet.registry.errors import ConflictError, OciError, PartialRemovalError, UnreachableError
from fleet.registry.manifest import OWNER_ANNOTATION
from tests.providers.ociregistry.declared import NAME, Declared
from tests.providers.ociregistry.engine_fake import STALE, TAG, Engine, Resource
from tests.providers.ociregistry.registry_fake import FakeRegistry, serving

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
        before = {name: dict(found.outputs) for name, found in engine.resources.items()}
        for tag in ("v1", "v2", "v3"):
            engine.refresh(tag)
            assert (
                "could not be reached" in engine.resources[tag].outputs.pop("unread") or tag == "v1"
            )
        assert {name: found.outputs for name, found in engine.resources.items()} == before
        assert len(engine.warnings) == 3
        for tag, warning in zip(("v1", "v2", "v3"), engine.warnings, strict=True):
            assert warning.startswith(f"{stopped.host}/{NAME}:{tag} could not be verified")
            assert "could not be verified, and its state is kept: " in warning
        assert "the connection failed" in engine.warnings[0]

    def test_only_the_first_tag_of_a_dead_host_costs_its_tries_and_waits(
        self, engine: Engine, stopped: FakeRegistry
    ) -> None:
        for tag in ("v1", "v2", "v3"):
            engine.refresh(tag)
        assert len(stopped.log) == TRIES
        assert len(engine.waits) == TRIES - 1

    @pytest.mark.parametrize("preview", [True, False])
    def test_what_could_not_be_read_fails_and_is_as_it_was_once_it_can(
        self, engine: Engine, declared: Declared, stopped: FakeRegistry, preview: bool
    ) -> None:
        act = engine.preview if preview else engine.up
        with pytest.raises(OciError, match=r"v1 could not be verified.*the connection failed"):
            act(TAG, "v1", declared.version("v1"))
        stopped.faults.clear()
        engine.restart()
        step = act(TAG, "v1", declared.version("v1"))
        assert step.kind == "same"
        assert "unread" not in step.outputs

    def test_without_a_refresh_nothing_is_asked(
        self, engine: Engine, declared: Declared, stopped: FakeRegistry
    ) -> None:
        assert engine.up(TAG, "v1", declared.version("v1"), refresh=False).kind == "same"

    def test_one_that_is_declared_on_another_host_is_made_there(
        self, engine: Engine, declared: Declared, stopped: FakeRegistry
    ) -> None:
        with serving() as other:
            elsewhere = Declared(other)
            engine.close_to(other.host)
            assert engine.up(TAG, "v1", elsewhere.version("v1")).kind == "replace"
            assert other.pullable(NAME, "v1")

    def test_a_write_asks_the_registry_in_any_case(
        self, engine: Engine, declared: Declared, stopped: FakeRegistry
    ) -> None:
        engine.refresh("v1")
        engine.resources["v1"].outputs.pop("unread")
        stopped.faults.clear()
        moved = stopped.push_index(NAME, "v1")
        with pytest.raises(ConflictError, match=moved):
            engine.up(TAG, "v1", declared.version("v1", "changed"), refresh=False)

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ({"status": 401}, "401"),
            ({"status": 403}, "403"),
            ({"status": 500}, "500"),
            ({"status": 418}, "418"),
            ({"status": 200, "headers": {"Docker-Content-Digest": "nonsense"}}, ""),
        ],
    )
    def test_no_answer_of_a_registry_ends_a_refresh(
        self,
        engine: Engine,
        declared: Declared,
        stopped: FakeRegistry,
        fault: dict[str, Any],
        reason: str,
    ) -> None:
        stopped.faults.clear()
        stopped.fault("manifests/v1", times=99, **fault)
        engine.refresh("v1")
        (warning,) = engine.warnings
        assert reason in warning
        unread = engine.resources["v1"].outputs["unread"]
        assert (
            warning == f"{declared.place}:v1 could not be verified, and its state is kept: {unread}"
        )
        with pytest.raises(OciError, match="v1 could not be verified, so nothing is changed"):
            engine.preview(TAG, "v1", declared.version("v1"))
        assert engine.up(TAG, "v2", declared.version("v2")).kind == "same"

    def test_an_import_from_a_dead_host_is_an_error(
        self, engine: Engine, declared: Declared, stopped: FakeRegistry
    ) -> None:
        with pytest.raises(UnreachableError, match="the connection failed"):
            engine.adopt(TAG, "other", f"{declared.place}:other")


class TestStalePointers:
    def test_a_declared_repository_is_an_error_that_names_the_remedies(
        self, engine: Engine, stopped: FakeRegistry
    ) -> None:
        with pytest.raises(OciError) as caught:
            engine.preview(STALE, "s", stale_inputs(stopped.host))
        for part in (f"{stopped.host}/{NAME}: ", "the connection failed", "run again", "took its"):
            assert part in str(caught.value)

    def test_after_a_refresh_found_the_host_dead_the_error_comes_at_once(
        self, engine: Engine, stopped: FakeRegistry
    ) -> None:
        engine.refresh("v1")
        stopped.log.clear()
        with pytest.raises(OciError, match="a moment ago"):
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

    def test_one_that_left_the_declaration_is_an_error_with_the_remedy_for_a_lost_registry(
        self, far: Engine
    ) -> None:
        inputs = stale_inputs(FAR)
        far.resources["s"] = Resource(STALE, f"{FAR}/{NAME}", inputs, inputs)
        with pytest.raises(UnreachableError) as caught:
            far.delete("s")
        assert "declare `fleet:on-destroy: {pointers: keep}`" in str(caught.value)
        assert far.warnings == []

    def test_one_that_left_is_forgotten_where_pointers_are_declared_to_stay(
        self, far: Engine
    ) -> None:
        inputs = {**stale_inputs(FAR), "keepOnDestroy": True}
        far.resources["s"] = Resource(STALE, f"{FAR}/{NAME}", inputs, inputs)
        far.delete("s")
        assert "its record of removed names, which held nothing, goes with the state" in "".join(
            far.warnings
        )


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
