"""What is claimed of a tag: what went into it, and nothing newer."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from fleet.declaration.parse import parse
from fleet.plan.plan import Plan, VersionTag, make_plan
from fleet.plan.predicates import provenance, verification_result
from tests.components import plans
from tests.fleet.evidence.examples import key
from tests.fleet.examples import (
    DIGEST,
    INDEX_DIGEST,
    OTHER_DIGEST,
    PLATFORMS,
    assets,
    base,
    config,
    declaration,
    image,
    inputs,
    lock,
)


def tag_of(plan: Plan, version: str = "0.34.0") -> VersionTag:
    return next(tag for tag in plan.images[0].tags if tag.version == version)


def claimed(plan: Plan, version: str = "0.34.0") -> dict[str, Any]:
    found = provenance(plan.images[0], tag_of(plan, version), {})
    definition: dict[str, Any] = found["buildDefinition"]
    return definition


def made(**overrides: Any) -> Plan:
    declared = declaration()
    return make_plan(declared, inputs(declared, **overrides), "fleet/test")


def of_assets(**overrides: Any) -> Plan:
    return made(assets={"web": assets(**overrides)})


def dependency(plan: Plan, name: str) -> dict[str, Any]:
    found = claimed(plan)["resolvedDependencies"]
    return next(each for each in found if each.get("name") == name)


def test_what_was_asked_for_is_said() -> None:
    assert claimed(made())["externalParameters"] == {
        "image": "localhost:5443/multi-py/web",
        "tag": "py3.11-slim-0.34.0",
        "python": "3.11",
        "base": "slim",
        "version": "0.34.0",
        "platforms": ["linux/amd64", "linux/arm/v7"],
    }


def test_the_base_is_named_as_people_know_it_and_by_digest() -> None:
    index = INDEX_DIGEST.removeprefix("sha256:")
    assert dependency(made(), "base") == {
        "name": "base",
        "uri": f"pkg:oci/python@sha256%3A{index}"
        "?repository_url=docker.io%2Flibrary%2Fpython&tag=3.11-slim",
        "digest": {"sha256": index},
    }


def test_each_installed_file_is_named_by_its_hash() -> None:
    uris = [each["uri"] for each in claimed(made())["resolvedDependencies"] if "uri" in each]
    files = [uri for uri in uris if uri.startswith("pkg:pypi/")]
    assert files == [
        f"pkg:pypi/{name}@{version}?file_name={name}-{version}-py3-none-any.whl"
        for name, version in (("gunicorn", "23.0.0"), ("installer", "0.7.0"), ("uvicorn", "0.34.0"))
    ]


def test_what_is_compiled_is_named_by_its_source() -> None:
    found = claimed(plans.compiling())["resolvedDependencies"]
    source = {"uri": "pkg:pypi/gunicorn@23.0.0", "digest": {"sha256": "a" * 64}}
    assert source in found


def test_the_commit_is_that_of_the_label() -> None:
    commit = "1" * 40
    assert dependency(of_assets(revision=commit), "revision") == {
        "name": "revision",
        "uri": "git+https://github.com/multi-py/web",
        "digest": {"gitCommit": commit},
    }


def test_files_that_differ_from_the_commit_are_told() -> None:
    found = dependency(of_assets(revision=f"{'1' * 40}-dirty-0123456789ab"), "revision")
    assert found["annotations"] == {"differs": "dirty-0123456789ab"}


def test_files_without_a_commit_claim_none() -> None:
    found = dependency(of_assets(revision="uncommitted-0123456789ab"), "revision")
    assert "digest" not in found


def test_no_place_that_things_are_fetched_from_is_claimed() -> None:
    """Nor an address of a node, the name of a login or of a secret, or a path of this machine."""
    canaries = {
        "base-registry": "canary.internal/library",
        "builders": dict.fromkeys(PLATFORMS, "canary-node"),
        "builder-nodes": {
            "canary-node": {
                "driver": "remote",
                "endpoint": "tcp://canary.example.org:1234",
                "options": {name: f"/canary/{name}.pem" for name in ("cacert", "cert", "key")},
            }
        },
        "logins": {"canary.internal": {"username": "CANARY_USER", "password": "CANARY_TOKEN"}},
    }
    declared = parse(config(**canaries))
    here = replace(base(), repository="canary.internal/library/python")
    held = lock(declared, bases={"3.11-slim": here}, builders={"3.11": here})
    plan = make_plan(declared, inputs(declared, lock=held), "fleet/test")
    claims = [claimed(plan), verification_result(plan.images[0], tag_of(plan))]
    text = json.dumps(claims)
    assert "canary" not in text.lower()
    assert "files.example" not in text
    assert str(Path.cwd()) not in text


def test_a_change_that_is_no_input_of_a_tag_changes_no_claim() -> None:
    declared = parse(config(images={"web": image(versions=["0.33.0", "0.34.0", "0.35.0"])}))
    more = make_plan(declared, inputs(declared), "fleet/test")
    assert claimed(more) == claimed(made())
    assert verification_result(more.images[0], tag_of(more)) == verification_result(
        made().images[0], tag_of(made())
    )


def test_what_an_image_installs_changes_its_claim_alone() -> None:
    held = lock(declaration())
    wheel = held.files["uvicorn==0.34.0"][0].replace("#sha256=", "#sha256=0")[:-1]
    other = made(lock=replace(held, files={**held.files, "uvicorn==0.34.0": (wheel,)}))
    assert claimed(other) != claimed(made())
    assert claimed(other, "0.33.0") == claimed(made(), "0.33.0")


def test_the_result_says_what_ran_where() -> None:
    plan = made()
    found = verification_result(plan.images[0], tag_of(plan))
    assert found["result"] == "PASSED"
    assert found["passedTests"] == [
        "linux/amd64: all checks",
        "linux/arm/v7: checks of the platform",
    ]
    names = [each["name"] for each in found["configuration"]]
    assert names == ["verification", "expectation linux/amd64,linux/arm/v7"]
    assert found["configuration"][0]["digest"] == {"sha256": DIGEST.removeprefix("sha256:")}


def test_another_verification_is_another_result_and_the_same_provenance() -> None:
    plan, other = made(), of_assets(verification_hash=OTHER_DIGEST)
    results = [verification_result(each.images[0], tag_of(each)) for each in (plan, other)]
    assert results[0] != results[1]
    assert claimed(plan) == claimed(other)


def test_keys_are_those_declared_else_this_machine_s_own() -> None:
    declared = parse(config(signing={"keys": [key().public.pem]}))
    assert make_plan(declared, inputs(declared, own_key="own"), "x/y").keys == (key().public.spki,)
    assert made(own_key="own").keys == ("own",)
    assert made().keys == ()


def test_a_stack_elsewhere_has_no_key_of_this_machine() -> None:
    declared = parse(config(registry="ghcr.io/multi-py"))
    assert make_plan(declared, inputs(declared, own_key="own"), "x/y").keys == ()
