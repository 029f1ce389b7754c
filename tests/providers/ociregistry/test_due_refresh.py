from datetime import date, timedelta
from typing import Any

import pytest

from fleet.registry.reference import TagReference
from providers.ociregistry.tag.model import Platform, due_on
from tests.providers.ociregistry.declared import NAME, PLATFORMS, Declared
from tests.providers.ociregistry.engine_fake import TAG, Engine

REF = TagReference.parse("localhost:5000/team/app:v1")
DAY = "2026-11-23"
THREE = tuple(Platform(platform=name, digest=f"sha256:{name}", size=1) for name in PLATFORMS)


def asked(engine: Engine, declared: Declared) -> list[str]:
    """Refresh in a new process and return the digests that were asked for."""
    engine.restart()
    declared.registry.log.clear()
    engine.refresh("v1")
    assert declared.registry.log[0] == f"HEAD /v2/{NAME}/manifests/v1"
    return [line.rpartition("/")[2] for line in declared.registry.log[1:]]


class TestTurns:
    def test_each_platform_has_its_turn_within_as_many_days(self) -> None:
        days = ("2026-12-30", "2026-12-31", "2027-01-01")
        assert {p for day in days for p in due_on(day, REF, THREE)} == set(THREE)

    def test_one_day_s_turn_is_the_same_in_every_process_and_spreads_over_the_tags(self) -> None:
        refs = [TagReference(repository=REF.repository, tag=f"v{n}") for n in range(30)]
        due = [due_on(DAY, ref, THREE) for ref in refs]
        assert due == [due_on(DAY, ref, THREE) for ref in refs]
        assert {platform for (platform,) in due} == set(THREE)

    def test_a_tag_without_platforms_has_none_due(self) -> None:
        assert due_on(DAY, REF, ()) == ()


class TestRefresh:
    @pytest.fixture
    def inputs(self, engine: Engine, declared: Declared) -> dict[str, Any]:
        inputs = declared.version("v1")
        engine.up(TAG, "v1", inputs)
        return inputs

    @pytest.fixture
    def children(self, engine: Engine, inputs: dict[str, Any]) -> list[str]:
        return [p["digest"] for p in engine.resources["v1"].outputs["platforms"]]

    def test_two_requests_a_day_reach_every_platform_within_as_many_days(
        self, engine: Engine, declared: Declared, children: list[str]
    ) -> None:
        found = []
        for day in range(len(PLATFORMS)):
            engine.now = f"{date(2026, 11, 23) + timedelta(days=day)}T04:00:00Z"
            found += asked(engine, declared)
        assert sorted(found) == sorted(children)

    def test_a_lost_platform_is_told_on_the_day_of_its_turn_and_only_then(
        self, engine: Engine, declared: Declared, inputs: dict[str, Any], children: list[str]
    ) -> None:
        (due,) = asked(engine, declared)
        lost = children[children.index(due) - 1]
        del declared.registry.repositories[NAME].manifests[lost]
        kinds = []
        for day in range(len(PLATFORMS)):
            engine.now = f"{date(2026, 1, 2) + timedelta(days=day)}T03:04:05Z"
            engine.restart()
            kinds.append(engine.preview(TAG, "v1", inputs).kind)
        assert sorted(kinds) == ["same", "same", "update"]
        assert kinds[0] == "same"

    def test_one_that_is_lost_has_all_others_asked_for(
        self, engine: Engine, declared: Declared, inputs: dict[str, Any], children: list[str]
    ) -> None:
        for digest in children:
            del declared.registry.repositories[NAME].manifests[digest]
        assert set(asked(engine, declared)) == set(children)
        (told,) = [text for text in engine.messages if "lost the manifest" in text]
        assert all(platform in told for platform in PLATFORMS)
        engine.up(TAG, "v1", inputs)
        assert declared.registry.pullable(NAME, "v1")

    def test_a_digest_that_moved_has_all_asked_for(
        self, engine: Engine, declared: Declared, children: list[str]
    ) -> None:
        other = declared.version("v2")
        declared.tags["v1"] = engine.up(TAG, "v2", other).outputs["digest"]
        moved = [p["digest"] for p in engine.resources["v2"].outputs["platforms"]]
        assert sorted(asked(engine, declared)[1:]) == sorted(moved)
