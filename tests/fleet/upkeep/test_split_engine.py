"""A split through the real engine: the state goes to the parts, and nothing else changes."""

import json
from typing import Any

import pytest

from providers.ociregistry.fields import STALE_POINTERS, TAG
from tests.engine.reading import Reading
from tests.engine.seeding import move_tag
from tests.engine.stack import Ran
from tests.fleet import examples
from tests.fleet.upkeep.fleet_stack import FleetStack
from tests.fleet.upkeep.logged import LoggedDistribution, Requests

pytestmark = pytest.mark.integration

BASE, TOP = "dev-base", "dev-top"
PINS = {
    ("base", "3.11", "23.0.0"): ("gunicorn==23.0.0",),
    ("top", "3.11", "0.33.0"): ("uvicorn==0.33.0",),
    ("top", "3.11", "0.34.0"): ("uvicorn==0.34.0",),
}
IMAGES = {
    "base": examples.image(requires=[], package="gunicorn", versions=["23.0.0"]),
    "top": examples.image(**{"builds-on": "base", "requires": []}),
}
REPOSITORIES = ("team/base", "team/top")
LOST = "py3.8-slim-LATEST"
REST = {"fleet/dev"}
KEPT = {TAG, STALE_POINTERS}


@pytest.fixture
def whole(stack: FleetStack) -> FleetStack:
    """A stack with two images, one on the other, brought up."""
    declare(stack)
    stack.up()
    return stack


def declare(stack: FleetStack, **image: Any) -> None:
    images = {**IMAGES, "top": {**IMAGES["top"], **image}}
    stack.declare_images(images, pins=PINS)


def tags(registry: LoggedDistribution) -> dict[str, dict[str, str]]:
    return {name: Reading(registry, name).tags() for name in REPOSITORIES}


def up(stack: FleetStack, part: str, code: int | None = 0) -> Ran:
    return stack.up("--stack", part, code=code)


def names(ran: Ran) -> set[tuple[str, str]]:
    return {(step.op, step.name) for step in ran.steps}


def resources(stack: FleetStack, part: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what a stack holds by type and name."""
    printed = stack.pulumi("stack", "export", "--stack", part, log=False).printed
    listed = json.loads(printed)["deployment"].get("resources", [])
    return {(entry["type"], entry["urn"].rpartition("::")[2]): entry for entry in listed}


def known_stacks(stack: FleetStack) -> set[str]:
    listed = json.loads(stack.pulumi("stack", "ls", "--json", log=False).printed)
    return {entry["name"].rpartition("/")[2] for entry in listed}


class TestSplit:
    def test_every_name_and_record_is_kept_and_nothing_is_written_or_built(
        self, whole: FleetStack, distribution: LoggedDistribution
    ) -> None:
        declared = (whole.root / "Pulumi.dev.yaml").read_text()
        before, live = resources(whole, "dev"), tags(distribution)
        requests, asked = Requests(distribution), len(distribution.requests())
        printed = whole.upkeep("split", "--stack", "dev", "--apply")
        assert len(distribution.requests()) == asked, "the registry is not even read"
        assert "dev-base: 2 resources moved to it" in printed
        assert "dev-top: has what is left of dev" in printed
        assert known_stacks(whole) == {BASE, TOP}
        assert (whole.root / "Pulumi.dev.yaml").read_text() == declared
        made = {("create", name) for name in REST}
        assert names(up(whole, BASE)) == made, "which a stack has whatever its images"
        # The engine's own provider for what refers to another stack.
        assert names(up(whole, TOP)) == {("create", "default")}
        assert requests.writes() == []
        assert tags(distribution) == live
        after = {**resources(whole, BASE), **resources(whole, TOP)}
        kept = {name: old for name, old in before.items() if name[0] in KEPT}
        assert {kind for kind, _ in kept} == KEPT
        for name, old in kept.items():
            assert after[name]["outputs"] == old["outputs"]
            assert after[name]["inputs"] == old["inputs"]
        for part in (BASE, TOP):
            assert whole.preview("--stack", part).steps == ()
            assert up(whole, part).steps == ()

    def test_an_upper_stack_waits_for_the_one_below_and_changes_nothing_before(
        self, whole: FleetStack, distribution: LoggedDistribution
    ) -> None:
        whole.upkeep("split", "--stack", "dev", "--apply")
        requests = Requests(distribution)
        shown = whole.preview("--stack", TOP).messages
        assert "stack dev-base has not been up as a stack of its own" in shown
        # As where images are built: those that are built on nothing fail.
        told = up(whole, TOP, code=None).messages
        assert "run `make up STACK=dev-base`, then this one again" in told
        assert requests.writes() == []
        up(whole, BASE)
        assert whole.preview("--stack", TOP).steps == ()

    def test_what_was_removed_stays_on_record_and_a_split_that_broke_off_goes_on(
        self, whole: FleetStack, distribution: LoggedDistribution
    ) -> None:
        move_tag(distribution, "team/base", LOST, "py3.11-slim-LATEST")
        whole.up()
        assert LOST not in tags(distribution)["team/base"]
        # As a look at the stacks before, and a kill between the two moves, would leave it.
        whole.upkeep("split", "--stack", "dev")
        for part in (BASE, TOP):
            whole.pulumi("stack", "init", part, log=False)
        urn = resources(whole, "dev")["fleet:index:Pointers", "base"]["urn"]
        whole.pulumi("state", "move", "--yes", "--source", "dev", "--dest", BASE, urn, log=False)
        whole.upkeep("split", "--stack", "dev", "--apply")
        assert known_stacks(whole) == {BASE, TOP}
        assert "nothing to move" in whole.upkeep("split", "--stack", "dev", "--apply")
        assert "names again" in whole.upkeep("restore", "--stack", BASE, "--tag", LOST)
        assert LOST in tags(distribution)["team/base"]
