"""Declared logins with the engine: names of variables in the state, values nowhere but in a run."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.reading import Reading
from tests.engine.registries import Distribution
from tests.engine.seeding import push_build
from tests.engine.stack import Declared, EngineStack, Step
from tests.faults.proxy import Rules, proxied
from tests.registries.front import Front, fronting
from tests.registries.github import TOKEN
from tests.registries.tokens import USER

pytestmark = pytest.mark.integration

REPOSITORY, TAG, PROVIDER = "team/app", "ociregistry:index:Tag", "pulumi:providers:ociregistry"
VERSION, LATEST = "py3.11-0.34.0", "py3.11-LATEST"
OURS = {"username": "OUR_USER", "password": "OUR_WORD"}
CANARY = "canary-of-a-login-in-no-state"


@pytest.fixture
def front(distribution: Distribution) -> Iterator[Front]:
    """A registry that asks for a login."""
    with fronting(distribution.host, ghcr=True) as found:
        yield found


@pytest.fixture
def asking(front: Front, tmp_path: Path) -> EngineStack:
    """A stack whose environment has the login in variables, and none in Docker's configuration."""
    environment = {k: v for k, v in front.environment.items() if k != "DOCKER_CONFIG"}
    login = {"OUR_USER": USER, "OUR_WORD": TOKEN}
    return EngineStack(tmp_path / "asking", {**environment, **login})


def declared(front: Front, logins: Any) -> Declared:
    place = f"{front.host}/{REPOSITORY}"
    digest = push_build(front, f"{REPOSITORY}/build", "seed")
    return Declared(
        repository=place,
        build=f"{place}/build",
        tags={VERSION: digest},
        pointers={LATEST: VERSION},
        logins=logins,
    )


def test_a_changed_login_is_one_update_of_the_provider_and_of_nothing_else(
    front: Front, asking: EngineStack
) -> None:
    first = declared(front, {front.host: OURS})
    asking.declare(first)
    asking.up()
    assert asking.up().steps == ()
    before, writes = asking.resources(), list(front.writes)
    renamed = {front.host: {**OURS, "password": "OUR_NEW_WORD"}}
    asking.environment["OUR_NEW_WORD"] = TOKEN
    asking.declare(replace(first, logins=renamed))
    change = (Step(op="update", token=PROVIDER, name="registries"),)
    assert asking.preview().steps == change
    assert asking.preview("--expect-no-changes", code=None).code != 0
    assert asking.up().steps == change
    del asking.environment["OUR_WORD"]
    assert asking.up("--expect-no-changes").steps == ()
    after = asking.resources()
    assert [n for n, held in after.items() if held["type"] == PROVIDER] == ["registries"]
    assert after["registries"]["inputs"]["logins"] == renamed
    assert after["registries"]["id"] == before["registries"]["id"]
    for name in (f"{front.host}/{REPOSITORY}:{tag}" for tag in (VERSION, LATEST)):
        assert {**after[name], "modified": ""} == {**before[name], "modified": ""}
    assert front.writes == writes


def test_a_value_is_that_of_the_run_and_is_nowhere_in_the_state(
    front: Front, asking: EngineStack
) -> None:
    asking.declare(declared(front, {front.host: OURS}))
    front.tokens.password = asking.environment["OUR_WORD"] = CANARY
    asking.up()
    front.tokens.password = f"new-{CANARY}"
    assert "could not be verified" in asking.refresh(code=None).messages
    asking.environment["OUR_WORD"] = f"new-{CANARY}"
    refreshed = asking.refresh()
    assert "could not be verified" not in refreshed.messages
    assert asking.up().steps == ()
    assert CANARY not in json.dumps(asking.export())
    kept = [path for path in (asking.root / "state").rglob("*") if path.is_file()]
    assert kept
    assert not any(CANARY.encode() in path.read_bytes() for path in kept)


def test_a_login_reaches_its_own_registry_alone(
    front: Front, asking: EngineStack, distribution: Distribution
) -> None:
    rules = Rules()
    rules.add("^HEAD ", "unauthorized")
    with proxied(distribution, rules) as other:
        asking.environment["FLEET_PLAIN_HTTP"] += f",{other.host}"
        digest = push_build(distribution, "team/open/build", "open")
        place = f"{other.host}/team/open"
        there = Declared(repository=place, build=f"{place}/build", tags={VERSION: digest})
        asking.declare(replace(declared(front, {front.host: OURS}), more=(there,)))
        asking.up()
        assert other.logins == {""}, "it asked for a login, and got none"
    assert VERSION in Reading(front.storage, REPOSITORY).tags()


def test_an_import_without_the_provider_is_taken_over_by_it_without_a_change(
    distribution: Distribution, stack: EngineStack
) -> None:
    digest = push_build(distribution, REPOSITORY, "seed")
    place = f"{distribution.host}/{REPOSITORY}"
    first = Declared(repository=place, build=place, tags={VERSION: digest}, policy={})
    stack.declare(first)
    stack.up()
    before = Reading(distribution, REPOSITORY).tags()
    stack.lose_state()
    name = f"{place}:{VERSION}"
    stack.bring_in([{"type": TAG, "name": name, "id": name}])
    stack.declare(replace(first, logins={distribution.host: OURS}))
    changed = {step.op for step in stack.up().steps if step.token == TAG}
    assert changed <= {"update"}
    assert stack.resources()[name]["provider"].split("::")[-2] == "registries"
    assert stack.up().steps == ()
    assert Reading(distribution, REPOSITORY).tags() == before


def test_an_image_that_leaves_while_the_login_changes_keeps_its_pointers_until_they_were_named(
    distribution: Distribution, stack: EngineStack
) -> None:
    def of(name: str) -> Declared:
        digest = push_build(distribution, f"team/{name}/build", name)
        place = f"{distribution.host}/team/{name}"
        return Declared(
            repository=place,
            build=f"{place}/build",
            tags={VERSION: digest},
            pointers={LATEST: VERSION},
            logins={distribution.host: OURS},
        )

    view = Reading(distribution, "team/leaves")
    stays = of("stays")
    stack.declare(replace(stays, more=(of("leaves"),)))
    stack.up()
    stack.declare(replace(stays, logins={distribution.host: {**OURS, "password": "OUR_NEW_WORD"}}))
    previewed = stack.preview().report
    assert previewed.removals == {}
    (kept,) = [entry for entry in previewed.of("keep") if entry.ref.endswith(LATEST)]
    assert kept.reasons == ("the provider's configuration changes in this run",)
    failed = stack.up(code=None)
    assert failed.code != 0
    assert "its pointers stay in this run" in failed.messages
    assert LATEST in view.tags()
    (leaving,) = stack.preview().report.removals
    assert leaving.endswith(f"team/leaves:{LATEST}")
    stack.up()
    assert view.tags().keys() == {VERSION}
    assert stack.up().steps == ()


def test_what_is_no_name_of_a_variable_ends_the_run_and_is_not_shown(
    distribution: Distribution, stack: EngineStack
) -> None:
    place = f"{distribution.host}/{REPOSITORY}"
    digest = push_build(distribution, REPOSITORY, "seed")
    wrong = {distribution.host: {**OURS, "password": CANARY}}
    stack.declare(Declared(repository=place, build=place, tags={VERSION: digest}, logins=wrong))
    failed = stack.up(code=None)
    assert failed.code != 0
    assert "is not a pair of names of environment variables" in failed.printed
    assert CANARY not in json.dumps(stack.export())
