"""What a program declares to be signed of a version tag, or that nothing is."""

import json
from dataclasses import replace
from typing import Any

from fleet.plan.plan import Plan
from tests.components import plans
from tests.components.engine import IMAGE, TAG, digest, run
from tests.fleet.evidence.examples import key

REF = "localhost:5443/multi-py/web:py3.11-slim-0.34.0"
BUILD = "web/build:py3.11-slim-0.34.0"


def signed(plan: Plan) -> Plan:
    return replace(plan, keys=(key().public.spki,))


def tags(plan: Plan, **options: Any) -> dict[str, dict[str, Any]]:
    engine, _ = run(plan, **options)
    return {asked.name: asked.inputs for asked in engine.of(TAG)}


def test_without_keys_nothing_is_declared() -> None:
    assert [name for name, tag in tags(plans.plan()).items() if "evidence" in tag] == []


def test_evidence_is_of_the_verified_index_and_part_of_its_tag() -> None:
    found = tags(signed(plans.plan()))[REF]
    assert found["source"] == f"localhost:5443/multi-py/web/build@{digest(BUILD)}"
    evidence = found["evidence"]
    assert evidence.keys() == {"keys", "provenance", "tests"}
    assert evidence["keys"] == [key().public.spki]
    assert json.loads(evidence["tests"])["result"] == "PASSED"
    assert "buildDefinition" in json.loads(evidence["provenance"])


def test_version_tags_have_evidence_and_pointers_none() -> None:
    found = tags(signed(plans.plan()))
    assert {"evidence" in tag for tag in found.values() if tag.get("platforms")} == {True}
    assert {"evidence" in tag for tag in found.values() if not tag.get("platforms")} == {False}


def test_all_else_of_a_tag_is_as_without_evidence() -> None:
    evident, plain = tags(signed(plans.plan())), tags(plans.plan())
    assert {k: v for k, v in evident[REF].items() if k != "evidence"} == plain[REF]


def test_a_tag_that_could_not_be_signed_is_told_as_failed() -> None:
    _, outputs = run(signed(plans.plan()), fails=[REF])
    failed = next(row for row in outputs["tags"] if row["tag"] == REF)
    assert failed["verified"] == "failed, of 2"


def test_what_failed_its_verification_is_not_signed() -> None:
    found = tags(signed(plans.plan()), fails=["web/verify:py3.11-slim-0.34.0"])[REF]
    assert found["source"] == "localhost:5443/multi-py/web/build@"


def test_several_builders_are_signed_as_the_index_that_joins_them() -> None:
    tag = tags(signed(plans.on_two_builders()))[REF]
    assert len(tag["sources"]) == 2
    parts = json.loads(tag["evidence"]["provenance"])["buildDefinition"]["internalParameters"]
    assert len(parts) == 2


def test_an_image_on_another_is_told_by_the_digest_that_was_verified() -> None:
    ref = "localhost:5443/multi-py/child:py3.11-slim-0.34.0"
    found = json.loads(tags(signed(plans.stacked()))[ref]["evidence"]["provenance"])
    below = "base/build:py3.11-slim-23.0.0"
    named = {d.get("name"): d for d in found["buildDefinition"]["resolvedDependencies"]}
    wanted = digest(below).removeprefix("sha256:")
    assert named[f"image below ({below})"]["digest"] == {"sha256": wanted}


def test_the_order_is_build_verification_tag() -> None:
    engine, _ = run(signed(plans.plan()))
    own = [asked for asked in engine.asked if REF.rpartition(":")[2] in asked.name]
    tokens = [asked.token for asked in own if asked.token in {IMAGE, TAG}]
    assert tokens[:3] == [IMAGE, IMAGE, TAG]
