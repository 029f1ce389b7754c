"""An undo record that another writer changes while a remover is at work."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

import pytest

from fleet.registry.errors import OciError, UndoRecordError
from fleet.registry.manifest import Manifest
from fleet.registry.reference import Repository
from fleet.registry.undo_log import Claim, artifact_of, load, tag_of
from fleet.registry.undo_writer import UndoWriter
from providers.ociregistry.stale_pointers.model import StaleInputs
from providers.ociregistry.stale_pointers.remove import PointerRemover
from tests.engine.reading import Reading
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.engine_fake import STALE, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry
from tests.providers.ociregistry.stale_fleet import NAME, Fleet

BUILD, RECORD, OWNER = f"{NAME}/build", "undo-fleet-dev", "fleet/dev"
ALL = {"LATEST": "remove", "X.Y": "remove"}
Meanwhile = Callable[..., None]


@pytest.fixture
def environment(environment: dict[str, str], registry: FakeRegistry) -> dict[str, str]:
    spelled = registry.host.replace("127.0.0.1", "localhost")
    return {**environment, "FLEET_PLAIN_HTTP": f"{registry.host},{spelled}"}


@pytest.fixture
def fleet(registry: FakeRegistry) -> Fleet:
    return Fleet(registry)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch, registry: FakeRegistry) -> Meanwhile:
    """Have another process claim `pointers` around our first entry of what goes.

    With `over`, that one had read the record before ours was written, and writes after it.
    """
    real = PointerRemover.note

    def prepare(pointers: Collection[str], *, over: bool = False) -> None:
        left = [1]

        async def other(self: PointerRemover, inputs: StaleInputs) -> None:
            claim = Claim(remover="x::other", pointers=tuple(pointers))
            writer = UndoWriter(self._registry)
            await writer.add(inputs.repository, inputs.owner, [], claim=claim)

        async def add(
            self: PointerRemover,
            inputs: StaleInputs,
            going: Mapping[str, Manifest],
            *rest: Any,
            **named: Any,
        ) -> None:
            due = bool(going and left and left.pop())
            if due and not over:
                await other(self, inputs)
            await real(self, inputs, going, *rest, **named)
            if due and over:
                registry.repositories[BUILD].tags.pop(RECORD)
                await other(self, inputs)

        monkeypatch.setattr(PointerRemover, "note", add)

    return prepare


class TestAnUpdate:
    def test_removes_nothing_where_the_record_lost_it_and_all_in_the_next_run(
        self, engine: Engine, fleet: Fleet, meanwhile: Meanwhile
    ) -> None:
        engine.up(STALE, "s", fleet.inputs(policy={}))
        before, inputs = fleet.tags, fleet.inputs(policy=ALL, maxRemovals=1.0)
        meanwhile([], over=True)
        with pytest.raises(OciError, match=f"{BUILD}:{RECORD} lost py3.8-.*; run again"):
            engine.up(STALE, "s", inputs)
        assert fleet.tags == before
        engine.up(STALE, "s", inputs)  # the same process, which must not trust what it remembers
        gone = {"py3.8-0.30", "py3.8-LATEST"}
        assert before - fleet.tags == gone
        assert Reading(fleet.registry, NAME).undo().keys() == gone
        assert Reading(fleet.registry, NAME).record()["declared"].keys() > {"x::other"}

    def test_leaves_what_was_claimed_after_its_first_look(
        self, engine: Engine, fleet: Fleet, meanwhile: Meanwhile
    ) -> None:
        engine.up(STALE, "s", fleet.inputs(policy={}))
        first, *rest = fleet.pointers
        meanwhile([first])
        engine.up(STALE, "s", fleet.inputs(pointers=rest, policy=ALL, maxRemovals=1.0))
        assert first in fleet.tags
        assert "py3.8-LATEST" not in fleet.tags
        kept = {entry["tag"]: entry["reason"] for entry in engine.resources["s"].outputs["kept"]}
        assert kept[first] == "declared by x::other"

    def test_that_is_refused_since_nothing_was_read_claims_what_it_declares(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        engine.up(STALE, "s", fleet.inputs(pointers=fleet.pointers[:1], policy={}))
        engine.restart()
        fleet.registry.fault(f"/v2/{NAME}/tags/list", times=9, status=403)
        engine.refresh("s")
        with pytest.raises(OciError, match="could not be verified"):
            engine.up(STALE, "s", fleet.inputs(policy={}), refresh=False)
        declared = Reading(fleet.registry, NAME).record()["declared"]
        assert list(declared.values()) == [fleet.pointers]


class TestARemoverThatLeaves:
    def test_removes_nothing_where_the_record_lost_it(
        self, engine: Engine, fleet: Fleet, meanwhile: Meanwhile
    ) -> None:
        engine.up(STALE, "s", fleet.inputs(policy={}))
        before = fleet.tags
        engine.restart()
        meanwhile([], over=True)
        with pytest.raises(
            OciError, match=r"lost .*fleet.*run again; removed before that: nothing"
        ):
            engine.delete("s")
        assert fleet.tags == before

    def test_leaves_what_was_claimed_after_its_first_look(
        self, engine: Engine, fleet: Fleet, meanwhile: Meanwhile
    ) -> None:
        engine.up(STALE, "s", fleet.inputs(policy={}))
        engine.restart()
        meanwhile(fleet.pointers[:1])
        engine.delete("s")
        assert {*fleet.pointers} & fleet.tags == {fleet.pointers[0]}

    def test_leaves_all_with_a_warning_where_its_own_claim_is_lost_and_another_may_declare_them(
        self, engine: Engine, fleet: Fleet, registry: FakeRegistry
    ) -> None:
        engine.up(STALE, "s", fleet.inputs(policy={}))
        place = f"{registry.host.replace('127.0.0.1', 'localhost')}/{NAME}"
        engine.up(STALE, "twin", fleet.inputs(policy={}, repository=place))
        before = fleet.tags
        del registry.repositories[BUILD].tags[RECORD]
        engine.restart()
        assert engine.up(STALE, "twin", fleet.inputs(policy={}, repository=place)).kind == "same"
        engine.delete("s")
        assert fleet.tags == before
        assert f"{place} looks after them too" in engine.warnings[-1]


def test_notes_at_once_of_one_process_lose_nothing_of_each_other(
    call: Caller, registry: FakeRegistry
) -> None:
    place = Repository(host=registry.host, name=NAME)
    names = [f"x::{number}" for number in range(5)]

    async def work(client: Any) -> None:
        writer = UndoWriter(client)
        claims = (Claim(remover=name, pointers=(name,)) for name in names)
        await asyncio.gather(*(writer.add(place, OWNER, [], claim=claim) for claim in claims))

    call(work)
    assert sorted(Reading(registry, NAME).record()["declared"]) == names


def test_a_text_in_place_of_pointers_is_no_record(call: Caller, registry: FakeRegistry) -> None:
    place = Repository(host=registry.host, name=NAME)
    value = {"owner": OWNER, "removed": [], "declared": {"A": "py3.12-0.34"}}

    async def work(client: Any) -> None:
        await artifact_of(client, place, tag_of(OWNER)).save(value, "")
        await load(client, place, OWNER)

    with pytest.raises(UndoRecordError, match="are not pointers"):
        call(work)
