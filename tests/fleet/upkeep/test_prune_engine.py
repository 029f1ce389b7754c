"""The sweep through the real engine and distribution, with deletion on and off."""

import pytest

from tests.engine.reading import Reading
from tests.fleet.upkeep.fleet_stack import BUILD, PUBLIC, FleetStack
from tests.fleet.upkeep.logged import LoggedDistribution, Requests
from tests.registries.live import LiveRegistry, on_each_kind

pytestmark = pytest.mark.integration
LEFT = "py3.11-slim-0.33.0"


def undo_stays(stack: FleetStack, live: LiveRegistry) -> bool:
    """Tell whether every removed name's digest still pulls whole."""
    name = f"{live.host}/{PUBLIC}"
    remover = next(
        r for r in stack.export()["deployment"]["resources"] if r["type"].endswith("StalePointers")
    )
    digests = [entry["digest"] for entry in remover["outputs"]["removed"]]
    assert name == remover["outputs"]["repository"]
    return bool(digests) and all(Reading(live, PUBLIC).pull(d) for d in digests)


class TestPrune:
    @on_each_kind
    def test_what_was_rebuilt_or_left_goes_and_every_kept_tag_still_pulls(
        self, stack: FleetStack, live: LiveRegistry
    ) -> None:
        stack.declare_image(pythons=["3.11", "3.12"])
        stack.up()
        before = Reading(live, PUBLIC).tags()
        stack.upkeep("prune", "--apply")
        # A rebuild moves every tag of 3.11; 3.12 leaves, and with it its LATEST.
        stack.declare_image(seed="another base")
        stack.up()
        stack.up()
        requests = Requests(live)
        assert "goes on" in stack.upkeep("prune")
        assert "make prune APPLY=1" not in stack.upkeep("prune")
        assert requests.writes() == []
        stack.upkeep("prune", "--apply")
        assert "more than the share of 0.5" in stack.upkeep("prune", "--keep-days", "0")
        printed = stack.upkeep("prune", "--apply", "--keep-days", "0", "--max-share", "1")
        assert "deleted" in printed
        assert ("garbage-collect" in printed) != live.kind.ghcr, "an operator has to, but GitHub's"
        after = Reading(live, PUBLIC).tags()
        assert {tag for tag in before if tag not in after} == {"py3.12-slim-LATEST"}
        assert all(Reading(live, PUBLIC).pull(tag) for tag in after if tag.startswith("py"))
        assert undo_stays(stack, live)
        assert Reading(live, BUILD).digest("py3.12-slim-0.33.0") is None
        assert Reading(live, BUILD).pull(LEFT)
        assert stack.preview().steps == ()
        assert "nothing is superseded" not in printed

    def test_the_digest_that_a_tag_displaced_stays_as_long_as_the_state_names_it(
        self, stack: FleetStack, distribution: LoggedDistribution
    ) -> None:
        stack.up()
        first = Reading(distribution, PUBLIC).tags()[LEFT]
        stack.upkeep("prune", "--apply")
        stack.declare_image(seed="second")
        stack.up()
        stack.upkeep("prune", "--apply", "--keep-days", "0")
        assert Reading(distribution, PUBLIC).pull(first)
        stack.declare_image(seed="third")
        stack.up()
        stack.upkeep("prune", "--apply", "--keep-days", "0")
        assert Reading(distribution, PUBLIC).digest(first) is None
        assert Reading(distribution, PUBLIC).pull(LEFT)

    def test_where_deletion_is_off_nothing_is_written(
        self, stack: FleetStack, distribution: LoggedDistribution
    ) -> None:
        stack.up()
        distribution.stop()
        distribution.delete = False
        distribution.start()
        requests = Requests(distribution)
        printed = stack.upkeep("prune", "--apply", code=1)
        assert "does not delete by digest" in printed
        assert [line for line in requests.writes() if not line.startswith("DELETE")] == []
        assert "nothing is superseded" in stack.upkeep("prune")
