"""A split through the real engine: the state goes to the parts, and nothing else changes."""

import json
from typing import Any

import pytest

from tests.engine.reading import Reading
from tests.engine.stack import Ran
from tests.fleet import examples
from tests.upkeep.fleet_stack import FleetStack
from tests.upkeep.logged import LoggedDistribution, Requests

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
REST = {"fleet/dev", "fleet/dev:summary"}


@pytest.fixture
def whole(stack: FleetStack) -> FleetStack:
    """A stack with two images, one on the other, brought up."""
    declare(stack)
    stack.up()
    return stack


def declare(stack: FleetStack, **image: Any) -> None:
    hashes = {pin: (examples.DIGEST,) for entry in PINS.values() for pin in entry}
    images = {**IMAGES, "top": {**IMAGES["top"], **image}}
    stack.declare_images(images, pins=PINS, hashes=hashes)


def tags(registry: LoggedDistribution) -> dict[str, dict[str, str]]:
    return {name: Reading(registry, name).tags() for name in REPOSITORIES}


def up(stack: FleetStack, part: str, code: int | None = 0) -> Ran:
    return stack.up("--stack", part, code=code)


def names(ran: Ran) -> set[tuple[str, str]]:
    return {(step.op, step.name) for step in ran.steps}


def resources(stack: FleetStack, part: str) -> dict[str, dict[str, Any]]:
    printed = stack.pulumi("stack", "export", "--stack", part, log=False).printed
    listed = json.loads(printed)["deployment"].get("resources", [])
    return {entry["urn"].rpartition("::")[2]: entry for entry in listed}


def known_stacks(stack: FleetStack) -> set[str]:
    listed = json.loads(stack.pulumi("stack", "ls", "--json", log=False).printed)
    return {entry["name"].rpartition("/")[2] for entry in listed}


class TestSplit:
    def test_every_name_and_record_is_kept_and_nothing_is_written_or_built(
        self, whole: FleetStack, distribution: LoggedDistribution
    ) -> None:
        declared = (whole.root / "Pulumi.dev.yaml").read_text()
        before, live = whole.resources(), tags(distribution)
        requests = Requests(distribution)
        printed = whole.upkeep("split", "--stack", "dev", "--apply")
        assert "dev-base: 6 components moved" not in printed
        assert known_stacks(whole) == {BASE, TOP}
        assert (whole.root / "Pulumi.dev.yaml").read_text() == declared
        done = names(up(whole, BASE)) | names(up(whole, TOP))
        assert done == {("create", name) for name in REST}
        assert requests.writes() == []
        assert tags(distribution) == live
        after = {**resources(whole, BASE), **resources(whole, TOP)}
        for name, old in before.items():
            if old["type"] == "oci:index:Tag":
                assert after[name]["outputs"] == old["outputs"]
        for part in (BASE, TOP):
            assert whole.preview("--stack", part).steps == ()
            assert up(whole, part).steps == ()
