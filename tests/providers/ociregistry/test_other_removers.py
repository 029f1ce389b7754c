"""Two removers of one repository, in processes that know nothing of each other."""

import asyncio
from typing import Any

import pytest

from fleet.registry.errors import OciError, UndoRecordError
from fleet.registry.reference import Repository
from fleet.registry.undo_log import Claim
from fleet.registry.undo_writer import UndoWriter
from tests.engine.reading import Reading
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.engine_fake import STALE, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry
from tests.providers.ociregistry.stale_fleet import NAME, Fleet

BUILD, RECORD = f"{NAME}/build", "undo-fleet-dev"
ALL = {"LATEST": "remove", "X.Y": "remove"}


@pytest.fixture
def environment(environment: dict[str, str], registry: FakeRegistry) -> dict[str, str]:
    return {**environment, "FLEET_PLAIN_HTTP": f"{registry.host},{respelled(registry)}"}


@pytest.fixture
def fleet(registry: FakeRegistry) -> Fleet:
    return Fleet(registry)


def respelled(registry: FakeRegistry) -> str:
    return registry.host.replace("127.0.0.1", "localhost")


def elsewhere(engine: Engine, name: str, inputs: dict[str, Any]) -> None:
    """Declare a remover in another process of the plugin."""
    engine.restart()
    engine.up(STALE, name, inputs)
    engine.restart()


def declared(fleet: Fleet) -> dict[str, list[str]]:
    """Return what the record says is declared, by the last part of each remover."""
    found = Reading(fleet.registry, NAME).record()["declared"]
    return {name.rpartition("::")[2]: tags for name, tags in found.items()}


class TestWhatIsDeclared:
    def test_is_on_record_from_the_first_up_on(self, engine: Engine, fleet: Fleet) -> None:
        engine.up(STALE, "s", fleet.inputs())
        assert declared(fleet) == {"s": fleet.pointers}

    def test_is_written_together_with_what_goes(self, engine: Engine, fleet: Fleet) -> None:
        engine.up(STALE, "s", fleet.inputs(policy=ALL, maxRemovals=1.0))
        put = f"PUT /v2/{BUILD}/manifests/{RECORD}"
        assert fleet.registry.log.count(put) == 1
        assert Reading(fleet.registry, NAME).undo()
        assert declared(fleet) == {"s": fleet.pointers}

    def test_follows_the_declaration(self, engine: Engine, fleet: Fleet) -> None:
        engine.up(STALE, "s", fleet.inputs())
        engine.up(STALE, "s", fleet.inputs(pointers=fleet.pointers[:1], policy={}))
        assert declared(fleet) == {"s": fleet.pointers[:1]}

    def test_is_not_written_by_a_preview_or_a_run_without_changes(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        engine.preview(STALE, "s", fleet.inputs())
        assert fleet.registry.writes == []
        engine.up(STALE, "s", fleet.inputs())
        engine.restart()
        fleet.registry.log.clear()
        assert engine.up(STALE, "s", fleet.inputs()).kind == "same"
        assert [line for line in fleet.registry.log if BUILD in line] == []

    def test_leaves_the_record_with_its_remover(self, engine: Engine, fleet: Fleet) -> None:
        engine.up(STALE, "s", fleet.inputs())
        engine.restart()
        engine.delete("s")
        assert declared(fleet) == {}

    @pytest.mark.parametrize("reason", ["a tag failed", "too many", "not a list"])
    def test_is_on_record_also_where_the_create_fails(
        self, engine: Engine, fleet: Fleet, reason: str
    ) -> None:
        changed: dict[str, dict[str, Any]] = {
            "a tag failed": {"digests": {"t": ""}},
            "too many": {"policy": ALL, "maxRemovals": 0.0},
        }
        if reason == "not a list":
            fleet.registry.fault("tags/list", status=200, body=b"{}")
        with pytest.raises(OciError):
            engine.up(STALE, "s", fleet.inputs(**changed.get(reason, {})))
        assert declared(fleet) == {"s": fleet.pointers}

    def test_can_not_be_put_on_record_fails_the_create(self, engine: Engine, fleet: Fleet) -> None:
        fleet.registry.fault(f"POST /v2/{BUILD}/", times=99, status=403)
        with pytest.raises(UndoRecordError, match=f"Grant push access to .*/{BUILD}"):
            engine.up(STALE, "s", fleet.inputs(policy={}))


class TestARemoverThatLeaves:
    def test_leaves_the_pointers_to_one_of_another_name(self, engine: Engine, fleet: Fleet) -> None:
        engine.up(STALE, "s", fleet.inputs())
        before = fleet.tags
        elsewhere(engine, "renamed", fleet.inputs())
        engine.delete("s")
        assert fleet.tags == before
        (warning,) = engine.warnings
        assert f"{NAME}: pointers kept: by the undo record " in warning
        assert "::renamed looks after them too" in warning
        assert "make prune IMAGE=app APPLY=1" in warning
        assert declared(fleet) == {"renamed": fleet.pointers}

    @pytest.mark.parametrize("name", ["s", "renamed"])
    def test_leaves_them_to_one_under_another_name_of_the_host(
        self, engine: Engine, fleet: Fleet, registry: FakeRegistry, name: str
    ) -> None:
        engine.up(STALE, "s", fleet.inputs())
        old, before = engine.resources["s"], fleet.tags
        place = f"{respelled(registry)}/{NAME}"
        del engine.resources["s"]  # where the name stays, the engine replaces it: create, delete
        elsewhere(engine, name, fleet.inputs(repository=place))
        engine.resources["s"] = old
        engine.delete("s")
        assert fleet.tags == before
        assert declared(fleet) == {name: fleet.pointers}

    def test_leaves_them_also_where_that_one_declares_the_others_alone(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        engine.up(STALE, "s", fleet.inputs(pointers=fleet.pointers[:2], policy={}))
        before = fleet.tags
        elsewhere(engine, "t", fleet.inputs(pointers=fleet.pointers[2:], policy={}))
        engine.delete("s")
        assert fleet.tags == before

    def test_takes_them_along_once_that_one_left(self, engine: Engine, fleet: Fleet) -> None:
        before = fleet.tags
        engine.up(STALE, "s", fleet.inputs(policy={}))
        elsewhere(engine, "t", fleet.inputs(policy={}))
        engine.delete("t")
        engine.restart()
        engine.delete("s")
        assert fleet.tags == before - set(fleet.pointers)
        assert declared(fleet) == {}

    @pytest.mark.parametrize("fault", [{"status": 403}, {"status": 200, "body": b"{}"}])
    def test_takes_nothing_where_the_record_can_not_be_read(
        self, engine: Engine, fleet: Fleet, fault: dict[str, Any]
    ) -> None:
        engine.up(STALE, "s", fleet.inputs())
        before = fleet.tags
        engine.restart()
        fleet.registry.fault(f"GET .*/{RECORD}", times=99, **fault)
        with pytest.raises(
            UndoRecordError, match="no tag was removed: could not write the undo record"
        ):
            engine.delete("s")
        assert fleet.tags == before


class TestAnUpdate:
    def test_leaves_what_another_remover_declares_and_says_so(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        ours, theirs = fleet.pointers[:2], fleet.pointers[2:]
        engine.up(STALE, "s", fleet.inputs(pointers=theirs, policy={}))
        before = fleet.tags
        engine.restart()
        inputs = fleet.inputs(pointers=ours, policy=ALL, maxRemovals=1.0)
        step = engine.preview(STALE, "t", inputs)
        stale = {"py3.8-LATEST", "py3.8-0.30"}
        assert step.outputs["stale"].keys() == stale
        elsewhere(engine, "t", inputs)
        assert fleet.tags == before - stale
        assert Reading(fleet.registry, NAME).undo().keys() == stale
        kept = {entry["tag"]: entry["reason"] for entry in engine.resources["t"].outputs["kept"]}
        assert all(kept[tag].startswith("declared by ") for tag in theirs)

    def test_that_can_not_read_what_others_declare_removes_nothing(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        before = fleet.tags
        fleet.registry.fault(f"GET .*/{RECORD}", times=99, status=403)
        with pytest.raises(OciError, match=f"Grant push access to .*/{BUILD}"):
            engine.preview(STALE, "s", fleet.inputs())
        with pytest.raises(OciError, match=f"Grant push access to .*/{BUILD}"):
            engine.up(STALE, "s", fleet.inputs())
        assert fleet.tags == before


def test_removers_that_write_at_once_learn_what_one_of_them_lost(
    call: Caller, fleet: Fleet, registry: FakeRegistry
) -> None:
    """No request of a registry writes only where nobody wrote since, so a writer may lose."""
    place = Repository(host=registry.host, name=NAME)
    claims = {name: Claim(remover=f"x::{name}", pointers=("py3.12-LATEST",)) for name in "ab"}

    async def write(client: Any) -> set[str]:
        writers = {name: UndoWriter(client) for name in claims}
        await asyncio.gather(
            *(writers[n].add(place, "fleet/dev", [], claim=claim) for n, claim in claims.items())
        )
        lost = set()
        for name, claim in claims.items():
            try:
                await writers[name].confirm(place, "fleet/dev", [], claim)
            except UndoRecordError:
                lost.add(name)
        return lost

    lost = call(write)
    assert declared(fleet).keys() == {"a", "b"} - lost
    assert len(lost) < len(claims)
