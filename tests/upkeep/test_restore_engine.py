"""Undo through the real engine: a pointer that an update removed, put back by the command."""

import pytest

from tests.engine.reading import Reading
from tests.engine.seeding import delete
from tests.upkeep.fleet_stack import PUBLIC, FleetStack
from tests.upkeep.logged import LoggedDistribution, Requests

pytestmark = pytest.mark.integration
LOST = "py3.12-slim-LATEST"


class TestRestore:
    def test_a_removed_pointer_comes_back_and_stays_where_that_is_declared(
        self, stack: FleetStack, distribution: LoggedDistribution
    ) -> None:
        stack.declare_image(pythons=["3.11", "3.12"])
        stack.up()
        before = Reading(distribution, PUBLIC).tags()
        stack.declare_image()
        stack.up()
        assert LOST not in Reading(distribution, PUBLIC).tags()
        printed = stack.upkeep("restore", "--tag", LOST)
        assert f"{LOST} names again {before[LOST]}" in printed
        assert "pointers: {LATEST: keep}" in printed
        assert Reading(distribution, PUBLIC).tags()[LOST] == before[LOST]
        assert Reading(distribution, PUBLIC).pull(LOST)
        assert "already names" in stack.upkeep("restore", "--tag", LOST, "--image", "web")

        stack.declare_image(pointers={"LATEST": "keep", "X.Y": "keep", "X": "keep"})
        stack.up()
        assert Reading(distribution, PUBLIC).tags()[LOST] == before[LOST]
        stack.declare_image()
        stack.up()
        assert LOST not in Reading(distribution, PUBLIC).tags()

    def test_a_digest_that_is_gone_is_told_and_nothing_is_written(
        self, stack: FleetStack, distribution: LoggedDistribution
    ) -> None:
        stack.declare_image(pythons=["3.11", "3.12"])
        stack.up()
        digest = Reading(distribution, PUBLIC).tags()[LOST]
        stack.declare_image()
        stack.up()
        delete(distribution, PUBLIC, digest)
        requests = Requests(distribution)
        assert f"no longer holds {digest}" in stack.upkeep("restore", "--tag", LOST, code=1)
        assert requests.writes() == []
