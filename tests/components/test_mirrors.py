"""What a program declares of mirrors: the same digests, and nothing that the source waits for."""

from dataclasses import replace
from typing import Any

from fleet.declaration.parse import parse
from fleet.plan.plan import Plan, make_plan
from tests.components.engine import COMMIT, MIRROR, STALE, Asked, digest, run
from tests.fleet.evidence.examples import key
from tests.fleet.examples import assets, config, inputs

HUB, QUAY = "docker.io/org/web", "quay.io/org/prefix/web"
OWN = "localhost:5443/multi-py/web"
TAGS = {"py3.11-slim-0.33.0", "py3.11-slim-0.34.0"}


def plan(*mirrors: str, **overrides: Any) -> Plan:
    declared = parse(config(mirrors=list(mirrors or ("docker.io/org", "quay.io/org/prefix"))))
    given = inputs(declared)
    made = make_plan(declared, replace(given, assets={"web": assets()}), "fleet/test")
    return replace(made, **overrides)


def by_name(asked: list[Asked]) -> dict[str, dict[str, Any]]:
    return {each.name: each.inputs for each in asked}


def test_each_mirror_has_the_digests_of_all_tags_under_the_images_own_name() -> None:
    engine, _ = run(plan())
    found = by_name(engine.of(MIRROR))
    assert found.keys() == {HUB, QUAY}
    for place, given in found.items():
        assert (given["repository"], given["source"]) == (place, OWN)
        assert {tag for tag in given["tags"] if tag not in given["pointers"]} == TAGS
        assert given["tags"]["py3.11-slim-LATEST"] == digest(f"{OWN}:py3.11-slim-LATEST")
        assert given["owner"] == "fleet/test"
        assert given["onConflict"] == "refuse"


def test_without_evidence_none_is_waited_for() -> None:
    engine, _ = run(plan())
    assert all("evidence" not in given for given in by_name(engine.of(MIRROR)).values())


def test_the_fingerprints_of_what_is_stated_of_each_version_tag_come_along() -> None:
    engine, _ = run(plan(keys=(key().public.spki,)))
    for given in by_name(engine.of(MIRROR)).values():
        # The engine of these tests calls a statement by its tag.
        assert given["evidence"] == {tag: f"{OWN}:{tag}" for tag in TAGS}


def test_stale_pointers_of_a_mirror_go_after_all_stands_there_but_on_docker_hub() -> None:
    engine, _ = run(plan())
    found = by_name(engine.of(STALE))
    own = found.pop(OWN)
    assert "source" not in own
    assert {place: given["source"] for place, given in found.items()} == {HUB: OWN, QUAY: OWN}
    for given in found.values():
        assert given["digests"] == own["digests"]
        assert given["commit"] == COMMIT
        assert given["pointers"] == own["pointers"]
    assert found[QUAY]["policy"] == own["policy"]
    assert set(found[HUB]["policy"].values()) == {"keep"}


def test_where_nothing_can_be_removed_pointers_of_an_image_that_leaves_stay() -> None:
    engine, _ = run(plan())
    stay = {place: given["keepOnDestroy"] for place, given in by_name(engine.of(STALE)).items()}
    assert stay == {OWN: False, QUAY: False, HUB: True}


def test_a_mirror_that_fails_leaves_the_source_and_the_other_alone() -> None:
    whole, expected = run(plan())
    engine, outputs = run(plan(), fails=[QUAY])
    assert [row["there"] for row in outputs.pop("mirrors")] == ["5", "failed"]
    assert [row["there"] for row in expected.pop("mirrors")] == ["5", "5"]
    assert outputs == expected
    rest = {(each.token, each.name): each.inputs for each in whole.asked if each.name != QUAY}
    assert {(a.token, a.name): a.inputs for a in engine.asked if a.name != QUAY} == rest
    failed = by_name(engine.of(STALE))[QUAY]
    assert set(failed["digests"].values()) == {""}, "nothing is removed there"


def test_a_tag_that_failed_has_no_digest_at_a_mirror_either() -> None:
    engine, _ = run(plan(), fails=[f"{OWN}:py3.11-slim-0.34.0"])
    for given in by_name(engine.of(MIRROR)).values():
        assert given["tags"]["py3.11-slim-0.34.0"] == ""
        assert given["tags"]["py3.11-slim-0.33.0"]


def test_a_preview_of_a_build_knows_no_digest_there() -> None:
    engine, _ = run(plan(), preview=True)
    assert {each.name for each in engine.of(MIRROR)} == {HUB, QUAY}
