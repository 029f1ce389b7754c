"""History, pins and rollback through the real engine and registry, with evidence."""

import json
from typing import Any

import pytest
import yaml

from fleet.registry.history import BY_HAND, FOUND
from tests.engine.reading import Reading
from tests.engine.seeding import push_image, push_index
from tests.fleet.upkeep.fleet_stack import PUBLIC, FleetStack
from tests.fleet.upkeep.logged import LoggedDistribution

pytestmark = pytest.mark.integration
OLD, NEW, LATEST = (f"py3.11-slim-{end}" for end in ("0.33.0", "0.34.0", "LATEST"))


def history(stack: FleetStack, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(stack.upkeep("history", "--json", *arguments))
    return found


def test_what_moved_is_entered_and_a_rollback_puts_it_back(
    stack: FleetStack, distribution: LoggedDistribution
) -> None:
    stack.up()
    first = Reading(distribution, PUBLIC).tags()
    assert stack.up().steps == (), "entered once, and then there is nothing to do"
    stack.declare_image(seed="another base")
    assert any(step.name.endswith(PUBLIC) for step in stack.preview().steps), "an entry is due"
    assert [each["after"] for each in history(stack, "--tag", LATEST)] == [first[LATEST]]
    stack.up()
    second = Reading(distribution, PUBLIC).tags()
    by_hand = push_index(
        distribution, PUBLIC, [LATEST], push_image(distribution, PUBLIC, ["linux/amd64"], "x"), {}
    )
    stack.up()
    assert stack.up().steps == ()

    latest = history(stack, "--tag", LATEST)
    assert [each["after"] for each in latest] == [
        second[LATEST], by_hand, second[LATEST], first[LATEST],
    ]  # fmt: skip
    assert [each["by"] for each in latest] == [BY_HAND, "", BY_HAND, BY_HAND]
    assert latest[1]["why"] == FOUND
    assert latest[1]["until"] == latest[0]["at"]
    held = history(stack, "--tag", LATEST, "--at", latest[2]["at"])
    assert second[LATEST] in [each["after"] for each in held]

    assert first[NEW][:19] in stack.upkeep("rollback", "--tag", NEW)
    printed = stack.upkeep(
        "rollback", "--tag", NEW, "--to", first[NEW], "--because", "its base fails",
        "--until", "2099-12-31",
    )  # fmt: skip
    assert f"`make up` points {NEW} at {first[NEW]}" in printed
    stack.up()
    pinned = Reading(distribution, PUBLIC).tags()
    assert {tag: pinned[tag] for tag in (NEW, LATEST)} == {NEW: first[NEW], LATEST: first[NEW]}
    assert pinned[OLD] == second[OLD]
    assert history(stack, "--tag", NEW)[0]["why"] == "pinned: its base fails"
    assert stack.up().steps == ()
    stack.upkeep("verify")

    distribution.lose(PUBLIC, first[NEW].replace(":", "-"))
    told = stack.upkeep("verify", code=1)
    assert f"{NEW}: pinned, no evidence" in told
    without = yaml.safe_load((stack.root / "Pulumi.dev.yaml").read_text())
    without["config"]["fleet:images"]["web"]["pins"][NEW]["evidence"] = "none"
    (stack.root / "Pulumi.dev.yaml").write_text(yaml.safe_dump(without))
    assert "pinned, no evidence" in stack.upkeep("verify")
    assert stack.up().steps == (), "and nothing of it is signed as ours"
