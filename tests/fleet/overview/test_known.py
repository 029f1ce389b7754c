"""What is read out of an exported state."""

import json
from typing import Any

from fleet.overview.recorded_state import Known, joined, parse_known
from fleet.plan.identity import digest_of
from tests.fleet import examples
from tests.fleet.overview.states import exported, plan_of, state_of

PLAN = plan_of(examples.declaration(versions=["0.34.0"]))
REPOSITORY = "localhost:5443/multi-py/web"


def test_tags_are_known_by_reference_and_pointers_by_what_declared_them() -> None:
    known = parse_known(exported(state_of(PLAN)))
    pointers = {f"{REPOSITORY}:py3.11-slim-LATEST", f"{REPOSITORY}:py3.11-slim-0.34"}
    assert known.pointers == pointers
    assert known.tags.keys() == {f"{REPOSITORY}:py3.11-slim-0.34.0", *pointers}


def test_what_went_into_a_tag_is_known_in_short() -> None:
    known = parse_known(exported(state_of(PLAN)))
    inputs = known.tags[f"{REPOSITORY}:py3.11-slim-0.34.0"].inputs
    assert inputs["base linux/amd64"] == f"python:3.11-slim@{examples.DIGEST[:19]}"


def test_builds_are_known_as_they_were_asked_for() -> None:
    build = parse_known(exported(state_of(PLAN))).builds["web/build:py3.11-slim-0.34.0"]
    assert build.arguments["VERSION"] == "0.34.0"
    assert (build.builder, build.platforms) == ("fleet", ("linux/amd64", "linux/arm"))
    (export,) = build.exports
    assert export.startswith("type=image,push=true,")
    assert build.digest == digest_of(PLAN.images[0].tags[0].builds[0].identity)


def test_what_waits_for_its_deletion_is_not_known() -> None:
    state = state_of(PLAN)
    for resource in state["deployment"]["resources"]:
        resource["delete"] = True
    assert parse_known(exported(state)) == Known()


def test_a_stack_without_resources_knows_nothing() -> None:
    for deployment in (None, {}, {"resources": None}):
        assert parse_known(json.dumps({"version": 3, "deployment": deployment})) == Known()


def test_a_tag_whose_creation_failed_half_way_is_not_known() -> None:
    failed: dict[str, Any] = {
        "urn": "u::t",
        "type": "ociregistry:index:Tag",
        "inputs": {},
        "outputs": {},
    }
    assert parse_known(json.dumps({"deployment": {"resources": [failed]}})) == Known()


def test_the_states_of_several_stacks_are_known_as_one() -> None:
    state, other = state_of(PLAN), json.dumps({"version": 3, "deployment": None})
    for resource in state["deployment"]["resources"]:
        if resource["type"] == "pulumi:pulumi:Stack":
            resource["outputs"] = {"tags": [{"tag": "a"}], "pointers": []}
    known = parse_known(exported(state))
    both = joined([known, parse_known(other)])
    assert (both.tags, both.pointers, both.builds) == (known.tags, known.pointers, known.builds)
    assert joined([known, known]).outputs.get("tags", []) == [*known.outputs.get("tags", ())] * 2
    assert joined([Known(), Known()]) == Known()
