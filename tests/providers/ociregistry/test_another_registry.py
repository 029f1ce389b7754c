from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from fleet.registry.errors import UndoRecordError
from fleet.registry.manifest import OWNER_ANNOTATION
from fleet.registry.reference import Repository
from tests.providers.ociregistry.declared import NAME
from tests.providers.ociregistry.engine_fake import STALE, TAG, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry, serving

LATEST, LINE = "py3.12-LATEST", "py3.12-0.34"
OURS = {OWNER_ANNOTATION: "fleet/dev"}


@pytest.fixture
def other() -> Iterator[FakeRegistry]:
    """Another registry, with a storage of its own."""
    with serving() as fake:
        yield fake


@pytest.fixture
def environment(
    environment: dict[str, str], registry: FakeRegistry, other: FakeRegistry
) -> dict[str, str]:
    spelled = registry.host.replace("127.0.0.1", "localhost")
    hosts = f"{registry.host},{spelled},{other.host}"
    return {**environment, "FLEET_PLAIN_HTTP": hosts}


@dataclass
class Fleet:
    """A version and its LATEST on one host, as the program declares them; `tags` are the names."""

    engine: Engine
    registry: FakeRegistry
    tags: tuple[str, ...] = (LATEST,)
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return self.registry.repositories[NAME].tags["py3.12-0.34.0"]

    def resources(self, host: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        place = f"{host}/{NAME}"
        for tag in self.tags:
            source = {"source": f"{place}@{self.digest}", "owner": "fleet/dev"}
            yield TAG, f"{place}:{tag}", {"ref": f"{place}:{tag}", **source}
        remover = {
            "repository": place,
            "owner": "fleet/dev",
            "pointers": list(self.tags),
            "grammar": [
                {"kind": "LATEST", "pattern": ".*-LATEST"},
                {"kind": "X.Y", "pattern": r".*-[0-9]+\.[0-9]+"},
            ],
            "policy": {"LATEST": "remove", "X.Y": "keep"},
            "maxRemovals": 1.0,
        }
        yield STALE, place, {**remover, **self.overrides}

    def up(self, *hosts: str, preview: bool = False) -> None:
        """Refresh, declare everything on `hosts`, then forget what is declared no more."""
        self.engine.restart()
        self.engine.messages.clear()
        kept = dict(self.engine.resources)
        for name in list(kept):
            self.engine.refresh(name)
        declared = [each for host in hosts for each in self.resources(host)]
        act = self.engine.preview if preview else self.engine.up
        for token, name, inputs in declared:
            act(token, name, inputs)
        for name in self.engine.resources.keys() - {name for _, name, _ in declared}:
            (self.engine.forget if preview else self.engine.delete)(name)
        if preview:
            self.engine.resources = kept

    @property
    def live(self) -> set[str]:
        return set(self.registry.repositories[NAME].tags)


@pytest.fixture
def fleet(engine: Engine, registry: FakeRegistry) -> Fleet:
    digest = registry.push_index(NAME, "py3.12-0.34.0", OURS)
    registry.repositories[NAME].tags[LINE] = digest
    made = Fleet(engine, registry)
    made.up(registry.host)
    return made


def copy_images(source: FakeRegistry, target: FakeRegistry, name: str = NAME) -> None:
    target.repositories[name].manifests |= source.repositories[name].manifests
    target.repositories[name].blobs |= source.repositories[name].blobs


def respelled(registry: FakeRegistry) -> str:
    return registry.host.replace("127.0.0.1", "localhost")


class TestAnotherSpellingOfTheHost:
    def test_it_costs_no_pointer_and_the_run_says_so(
        self, fleet: Fleet, registry: FakeRegistry, engine: Engine
    ) -> None:
        before = fleet.live
        assert LATEST in before
        fleet.up(respelled(registry))
        assert fleet.live == before
        (warning,) = engine.warnings
        assert f"{registry.host}/{NAME}: pointers kept" in warning
        assert f"{respelled(registry)}/{NAME} " in warning
        fleet.up(respelled(registry))
        assert fleet.live == before

    def test_a_preview_lists_no_removal(
        self, fleet: Fleet, registry: FakeRegistry, engine: Engine
    ) -> None:
        fleet.up(respelled(registry), preview=True)
        assert engine.report.removals == {}
        kept = [e for e in engine.report.of("keep") if e.ref.startswith(registry.host)]
        assert {entry.ref for entry in kept} == {
            f"{registry.host}/{NAME}:{tag}" for tag in (LATEST, LINE)
        }
        assert all("under another name of its host" in entry.reasons[0] for entry in kept)

    def test_an_image_that_is_rebuilt_in_the_same_run_costs_none_either(
        self, fleet: Fleet, registry: FakeRegistry
    ) -> None:
        before = fleet.live
        registry.push_index(NAME, "py3.12-0.34.0", {**OURS, "rebuilt": "yes"})
        fleet.up(respelled(registry))
        assert fleet.live == before
        assert registry.repositories[NAME].tags[LATEST] == fleet.digest

    def test_without_a_refresh_it_costs_none_either(
        self, fleet: Fleet, registry: FakeRegistry, engine: Engine
    ) -> None:
        before = fleet.live
        engine.restart()
        for token, name, inputs in fleet.resources(respelled(registry)):
            engine.up(token, name, inputs)
        engine.delete(f"{registry.host}/{NAME}")
        assert fleet.live == before


class TestAnotherRegistry:
    def test_the_old_one_is_left_without_strays(
        self, fleet: Fleet, other: FakeRegistry, engine: Engine
    ) -> None:
        copy_images(fleet.registry, other)
        fleet.up(other.host, preview=True)
        place = f"{fleet.registry.host}/{NAME}"
        assert engine.report.removals.keys() == {f"{place}:{LINE}", f"{place}:{LATEST}"}
        fleet.up(other.host)
        assert fleet.live == {"py3.12-0.34.0"}
        assert set(other.repositories[NAME].tags) == {LATEST}

    def test_one_that_is_a_copy_with_the_record_is_taken_for_the_same(
        self, fleet: Fleet, other: FakeRegistry, engine: Engine
    ) -> None:
        before = fleet.live
        for name in (NAME, f"{NAME}/build"):
            copy_images(fleet.registry, other, name)
            other.repositories[name].tags |= fleet.registry.repositories[name].tags
        fleet.up(other.host, preview=True)
        assert engine.report.removals == {}
        fleet.up(other.host)
        assert fleet.live == before
        assert "remove them by hand" in engine.warnings[0]

    def test_while_one_does_not_answer_nothing_goes(
        self, fleet: Fleet, other: FakeRegistry, engine: Engine
    ) -> None:
        before = fleet.live
        engine.restart()
        declared = engine.provider._session.declared
        declared.removers[Repository.parse(f"{other.host}/{NAME}")].add("urn")
        other.fault("GET", status=403, times=99)
        with pytest.raises(UndoRecordError, match="another name of its host"):
            engine.delete(f"{fleet.registry.host}/{NAME}")
        assert fleet.live == before


class TestWhatTheDeclarationSays:
    def test_pointers_that_stay_by_the_last_run_stay(
        self, fleet: Fleet, registry: FakeRegistry
    ) -> None:
        fleet.overrides["keepOnDestroy"] = True
        fleet.up(registry.host)
        before = fleet.live
        fleet.up()
        assert fleet.live == before

    def test_a_setting_that_comes_with_the_change_counts_for_it(
        self, fleet: Fleet, registry: FakeRegistry, engine: Engine
    ) -> None:
        before = fleet.live
        engine.restart()
        *_, (_, _, inputs) = fleet.resources(registry.host)
        elsewhere = {
            **inputs,
            "repository": f"{registry.host}/team/another",
            "pointers": [],
            "keepOnDestroy": True,
        }
        engine.up(STALE, "another", elsewhere)
        engine.delete(f"{registry.host}/{NAME}")
        assert fleet.live == before

    def test_all_of_an_image_that_leaves_go_whatever_their_kind_and_share(
        self, fleet: Fleet, registry: FakeRegistry, engine: Engine
    ) -> None:
        fleet.overrides["maxRemovals"] = 0.1
        fleet.up(registry.host)
        fleet.up(preview=True)
        place = f"{registry.host}/{NAME}"
        assert engine.report.removals == {f"{place}:{tag}": fleet.digest for tag in (LATEST, LINE)}
        fleet.up()
        assert fleet.live == {"py3.12-0.34.0"}
