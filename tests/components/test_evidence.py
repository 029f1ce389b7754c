"""What a program declares of evidence: between the verification and the tag, or not at all."""

import json
from dataclasses import replace
from typing import Any

from fleet.plan.plan import Plan
from tests.components import plans
from tests.components.engine import EVIDENCE, IMAGE, TAG, digest, run
from tests.fleet.evidence.examples import key

REF = "localhost:5443/multi-py/web:py3.11-slim-0.34.0"
BUILD = "web/build:py3.11-slim-0.34.0"


def signed(plan: Plan) -> Plan:
    return replace(plan, keys=(key().public.spki,))


def inputs_of(token: str, plan: Plan, **options: Any) -> dict[str, dict[str, Any]]:
    engine, _ = run(plan, **options)
    return {asked.name: asked.inputs for asked in engine.of(token)}


def test_without_keys_nothing_is_declared() -> None:
    assert inputs_of(EVIDENCE, plans.plan()) == {}


def test_evidence_is_made_of_the_verified_index_and_named_as_its_tag() -> None:
    found = inputs_of(EVIDENCE, signed(plans.plan()))[REF]
    assert found["ref"] == REF
    assert found["source"] == f"localhost:5443/multi-py/web/build@{digest(BUILD)}"
    assert found["platforms"] == ["linux/amd64", "linux/arm/v7"]
    assert found["keys"] == [key().public.spki]
    assert json.loads(found["tests"])["result"] == "PASSED"
    assert "buildDefinition" in json.loads(found["provenance"])


def test_a_tag_takes_the_verified_index_once_it_is_signed() -> None:
    evident, plain = inputs_of(TAG, signed(plans.plan())), inputs_of(TAG, plans.plan())
    assert evident[REF] == plain[REF]


def test_a_tag_whose_evidence_failed_gets_no_digest() -> None:
    engine, outputs = run(signed(plans.plan()), fails=[REF])
    (tag,) = [a for a in engine.of(TAG) if a.name == REF]
    assert tag.inputs["source"] == "localhost:5443/multi-py/web/build@"
    failed = next(row for row in outputs["tags"] if row["tag"] == REF)
    assert failed["verified"] == "failed, of 2"


def test_what_failed_its_verification_is_not_signed() -> None:
    engine, _ = run(signed(plans.plan()), fails=["web/verify:py3.11-slim-0.34.0"])
    found = next(a for a in engine.of(EVIDENCE) if a.name == REF)
    assert found.inputs["source"] == "localhost:5443/multi-py/web/build@"


def test_several_builders_are_signed_as_the_index_that_joins_them() -> None:
    plan = signed(plans.on_two_builders())
    evidence, tag = inputs_of(EVIDENCE, plan)[REF], inputs_of(TAG, plan)[REF]
    assert evidence["sources"] == tag["sources"]
    assert evidence["annotations"] == tag["annotations"]
    assert len(evidence["sources"]) == 2


def test_an_image_on_another_is_told_by_the_digest_that_was_verified() -> None:
    ref = "localhost:5443/multi-py/child:py3.11-slim-0.34.0"
    found = json.loads(inputs_of(EVIDENCE, signed(plans.stacked()))[ref]["provenance"])
    below = "base/build:py3.11-slim-23.0.0"
    named = {d.get("name"): d for d in found["buildDefinition"]["resolvedDependencies"]}
    wanted = digest(below).removeprefix("sha256:")
    assert named[f"image below ({below})"]["digest"] == {"sha256": wanted}


def test_the_order_is_build_verification_evidence_tag() -> None:
    engine, _ = run(signed(plans.plan()))
    own = [asked for asked in engine.asked if REF.rpartition(":")[2] in asked.name]
    tokens = [asked.token for asked in own if asked.token in {IMAGE, EVIDENCE, TAG}]
    assert tokens[:4] == [IMAGE, IMAGE, EVIDENCE, TAG]
