"""Undo through the real engine: a pointer that an update removed, put back by the command."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.engine.kept import Kept
from tests.engine.reading import Reading
from tests.fleet import examples
from tests.fleet.upkeep.fleet_stack import IMAGE, PUBLIC, FleetStack
from tests.fleet.upkeep.logged import Requests
from tests.registries.kinds import LIVE
from tests.registries.live import PLAIN, LiveRegistry, running_live

pytestmark = pytest.mark.integration
LOST = "py3.12-slim-LATEST"


def remove(stack: FleetStack, live: LiveRegistry) -> dict[str, str]:
    """Have a Python leave, and its LATEST with it; return what the tags named before."""
    stack.declare_image(pythons=["3.11", "3.12"])
    stack.up()
    before = Reading(live, PUBLIC).tags()
    stack.declare_image()
    stack.up()
    return before


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A stack that a Python left, and what its tags named `before`."""

    stack: FleetStack
    live: LiveRegistry
    before: dict[str, str]
    kept: Kept


@pytest.fixture(scope="module", params=LIVE, ids=[kind.name for kind in LIVE])
def once(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """One for all tests of a kind of registry."""
    folder = tmp_path_factory.mktemp("left")
    with running_live(request.param, folder / "registry") as live:
        stack = FleetStack(folder / "checkout", live)
        before = remove(stack, live)
        kept = Kept(folder / "kept", stack, [live.storage], [live])
        yield Scene(stack=stack, live=live, before=before, kept=kept)


@pytest.fixture
def left(once: Scene) -> Scene:
    once.kept.put_back()
    return once


class TestRestore:
    def test_a_removed_pointer_comes_back_and_stays_where_that_is_declared(
        self, left: Scene
    ) -> None:
        stack, live, before = left.stack, left.live, left.before
        assert LOST not in Reading(live, PUBLIC).tags()
        printed = stack.upkeep("restore", "--tag", LOST)
        assert f"{LOST} names again {before[LOST]}" in printed
        assert "Its evidence is there and valid" in printed
        assert "pointers: {LATEST: keep}" in printed
        assert Reading(live, PUBLIC).tags()[LOST] == before[LOST]
        assert Reading(live, PUBLIC).pull(LOST)
        assert "already names" in stack.upkeep("restore", "--tag", LOST, "--image", "web")

        stack.declare_image(pointers={"LATEST": "keep", "X.Y": "keep", "X": "keep"})
        stack.up()
        assert Reading(live, PUBLIC).tags()[LOST] == before[LOST]
        stack.declare_image()
        stack.up()
        assert LOST not in Reading(live, PUBLIC).tags()

    def test_a_digest_that_is_gone_is_told_and_nothing_is_written(self, left: Scene) -> None:
        stack, live, digest = left.stack, left.live, left.before[LOST]
        live.delete(PUBLIC, digest)
        requests = Requests(live)
        assert f"no longer holds {digest}" in stack.upkeep("restore", "--tag", LOST, code=1)
        assert requests.writes() == []


class TestAnImageThatLeft:
    """Neither the declaration nor the state knows it any more: its record is in the registry."""

    GONE, LATEST = "api", "py3.11-slim-LATEST"

    def depart(self, stack: FleetStack, live: LiveRegistry) -> dict[str, str]:
        """Have one of two images leave; return what its tags named before."""
        stack.declare_images({IMAGE: examples.image(), self.GONE: examples.image()})
        stack.up()
        before = Reading(live, f"team/{self.GONE}").tags()
        stack.declare_image()
        stack.up()
        assert self.LATEST not in Reading(live, f"team/{self.GONE}").tags()
        assert self.GONE not in str(list(stack.resources()))
        return before

    @pytest.mark.parametrize(
        ("live", "whole"),
        [*((kind, False) for kind in LIVE), (PLAIN, True)],
        ids=[*(f"last part, {kind.name}" for kind in LIVE), "whole name"],
        indirect=["live"],
    )
    def test_gets_its_pointer_back_by_its_name(
        self, stack: FleetStack, live: LiveRegistry, whole: bool
    ) -> None:
        before = self.depart(stack, live)
        view = Reading(live, f"team/{self.GONE}")
        requests = Requests(live)
        told = stack.upkeep("restore", "--tag", self.LATEST, code=1)
        assert "IMAGE=ghcr.io/owner/python-uvicorn" in told
        assert requests.writes() == []
        image = f"{live.host}/team/{self.GONE}" if whole else self.GONE
        printed = stack.upkeep("restore", "--tag", self.LATEST, "--image", image)
        assert f"{self.LATEST} names again {before[self.LATEST]}" in printed
        assert "It stays" in printed
        assert view.tags()[self.LATEST] == before[self.LATEST]
        assert view.pull(self.LATEST)
        stack.up()
        assert view.tags()[self.LATEST] == before[self.LATEST], "as was said"

    def test_keeps_what_is_on_record_through_sweeps(
        self, stack: FleetStack, live: LiveRegistry
    ) -> None:
        before = self.depart(stack, live)
        view = Reading(live, f"team/{self.GONE}")
        # Nothing but the record needs the digest, once its version tag is gone as well.
        for tag in [tag for tag, digest in before.items() if digest == before[self.LATEST]]:
            if tag in view.tags():
                live.delete(f"team/{self.GONE}", tag)
        for _ in range(2):
            stack.upkeep(
                "prune", "--apply", "--image", self.GONE, "--keep-days", "0", "--max-share", "1"
            )
        assert view.pull(before[self.LATEST])
        stack.upkeep("restore", "--tag", self.LATEST, "--image", self.GONE)
        assert view.pull(self.LATEST)


class TestALostState:
    def test_costs_no_undo_once_the_tags_are_adopted(self, left: Scene) -> None:
        stack, live, before = left.stack, left.live, left.before
        stack.lose()
        assert "make adopt" in stack.upkeep("restore", "--tag", LOST, code=1)
        stack.upkeep("adopt", "--apply")
        printed = stack.upkeep("restore", "--tag", LOST)
        assert f"{LOST} names again {before[LOST]}" in printed
        assert "by the declared policy" in printed
        stack.up()
        assert LOST not in Reading(live, PUBLIC).tags()
        stack.upkeep("restore", "--tag", LOST)
        assert Reading(live, PUBLIC).tags()[LOST] == before[LOST]
