"""Adoption through the real engine: a lost state comes back without a write to the registry."""

import pytest

from fleet.registry.manifest import OWNER_ANNOTATION
from tests.engine.reading import Reading
from tests.engine.seeding import PLATFORMS, move_tag, push_image, push_index
from tests.fleet.upkeep.fleet_stack import PUBLIC, FleetStack
from tests.fleet.upkeep.logged import Requests
from tests.registries.live import LiveRegistry, on_each_kind

pytestmark = pytest.mark.integration


class TestAdoptionAfterALostState:
    @on_each_kind
    def test_everything_is_under_management_again_without_a_write(
        self, stack: FleetStack, live: LiveRegistry
    ) -> None:
        stack.up()
        before, tags = stack.resources(), Reading(live, PUBLIC).tags()
        stack.lose()
        requests = Requests(live)
        printed = stack.upkeep("adopt", "--apply")
        assert "5 adopted" in printed
        preview = stack.preview()
        # StalePointers has nothing to take over: it works in every run. The statements of a tag are
        # taken over by an update of it.
        assert {(step.op, step.token.rpartition(":")[2]) for step in preview.steps} == {
            ("create", "Guard"),
            ("update", "Tag"),
            ("create", "StalePointers"),
        }
        assert requests.writes() == []
        assert Reading(live, PUBLIC).tags() == tags
        adopted = stack.resources()
        missing = {r["urn"] for r in before.values()} - {r["urn"] for r in adopted.values()}
        kinds = {urn.split("::")[2].rpartition("$")[2] for urn in missing}
        assert kinds == {"fleet:index:Guard", "ociregistry:index:StalePointers"}
        stack.up()
        assert requests.writes() == []
        assert stack.preview().steps == ()

    def test_a_second_adoption_takes_nothing_over_and_breaks_nothing(
        self, stack: FleetStack, live: LiveRegistry
    ) -> None:
        stack.up()
        before = stack.resources()
        stack.upkeep("adopt", "--apply")
        assert stack.resources().keys() == before.keys()
        assert stack.preview().steps == ()


class TestAdoptionOfARegistryThatOthersFilled:
    @on_each_kind
    def test_unowned_tags_come_along_and_foreign_ones_stay_out(
        self, stack: FleetStack, live: LiveRegistry
    ) -> None:
        children = push_image(live, PUBLIC, PLATFORMS, "old workflow")
        old = push_index(live, PUBLIC, ["py3.11-slim-0.33.0", "py3.11-slim-0.33"], children)
        foreign = push_index(
            live, PUBLIC, ["py3.11-slim-0.34.0"], children, {OWNER_ANNOTATION: "other/prod"}
        )
        requests = Requests(live)
        printed = stack.upkeep("adopt", "--apply")
        assert "2 adopted" in printed
        assert "1 of these written by something else" in printed
        assert "1 left alone, for they are another stack's" in printed
        assert "2 declared but not in the registry" in printed
        # The foreign tag fails the preview, which ends it wherever the others are by then.
        told = f"{live.host}/{PUBLIC}:py3.11-slim-0.34.0 names {foreign}"
        assert told in " ".join(stack.preview(code=None).printed.split())
        assert requests.writes() == []
        ran = stack.up("--continue-on-error", code=None)
        found = {(step.op, step.name.rpartition(":")[2]) for step in ran.steps}
        assert ("update", "py3.11-slim-0.33.0") in found
        assert told in " ".join(ran.printed.split())
        adopted = stack.resources()[f"{live.host}/{PUBLIC}:py3.11-slim-0.33.0"]
        assert adopted["outputs"]["previous"] == old
        assert Reading(live, PUBLIC).pull(old)
        lists = {tag for tag in Reading(live, PUBLIC).tags() if tag.startswith("sha256-")}
        assert old.replace(":", "-") not in lists, "it is not said to be built here"
        assert adopted["outputs"]["digest"].replace(":", "-") in lists

    def test_a_pointer_that_names_something_else_is_adopted_and_then_moved(
        self, stack: FleetStack, live: LiveRegistry
    ) -> None:
        stack.up()
        move_tag(live, PUBLIC, "py3.11-slim-LATEST", "py3.11-slim-0.33.0")
        stack.lose()
        assert "1 of these pointers that name something else" in stack.upkeep("adopt", "--apply")
        stack.up()
        tags = Reading(live, PUBLIC).tags()
        assert tags["py3.11-slim-LATEST"] == tags["py3.11-slim-0.34.0"]
