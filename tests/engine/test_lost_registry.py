from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.reading import Reading
from tests.engine.registries import Distribution, Served
from tests.engine.seeding import PLATFORMS, push_build
from tests.engine.stack import Declared, EngineStack, Ran
from tests.registries.kinds import LIVE
from tests.registries.live import LiveRegistry, running_live

pytestmark = pytest.mark.integration

REPOSITORY = "team/app"
OLD, NEW, LATEST = "py3.11-0.33.0", "py3.11-0.34.0", "py3.11-LATEST"


@pytest.fixture(params=LIVE, ids=[kind.name for kind in LIVE])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveRegistry]:
    """The registry that takes the place of `distribution`, on a port of its own."""
    with running_live(request.param, tmp_path / "other") as started:
        yield started


def declaration(registry: Served) -> Declared:
    build = f"{REPOSITORY}/build"
    return Declared(
        repository=f"{registry.host}/{REPOSITORY}",
        build=f"{registry.host}/{build}",
        tags={tag: push_build(registry, build, tag) for tag in (OLD, NEW)},
        pointers={LATEST: NEW},
    )


@pytest.fixture
def lost(stack: EngineStack, distribution: Distribution) -> EngineStack:
    """A stack that is up on a registry which has ended since."""
    stack.declare(declaration(distribution))
    stack.up()
    distribution.stop()
    return stack


def unverified(ran: Ran, registry: Distribution) -> set[str]:
    """Return the tags at which the engine shows a warning that they could not be verified."""
    entries = [event.get("diagnosticEvent", {}) for event in ran.events]
    warned = [entry for entry in entries if entry.get("severity") == "warning"]
    refs = [f"{registry.host}/{REPOSITORY}:{tag}" for tag in (OLD, NEW, LATEST)]
    return {
        ref.rpartition(":")[2]
        for ref in refs
        for entry in warned
        if f"{ref} could not be verified, and its state is kept: " in entry["message"]
        and entry["urn"].endswith(ref)
    }


def test_a_registry_on_another_port_takes_the_place_of_one_that_is_gone(
    lost: EngineStack, distribution: Distribution, other: LiveRegistry
) -> None:
    both = f"{distribution.host},{other.host}"
    lost.environment |= {**other.environment, "FLEET_PLAIN_HTTP": both}
    lost.declare(declaration(other))
    ran = lost.up()
    assert unverified(ran, distribution) == {OLD, NEW, LATEST}
    assert f"{distribution.host}/{REPOSITORY} is forgotten" in ran.messages
    view = Reading(other, REPOSITORY)
    assert set(view.tags()) == {OLD, NEW, LATEST}
    for tag in view.tags():
        assert set(view.pull(tag)) == set(PLATFORMS)
    assert not [name for name in lost.resources() if name.startswith(distribution.host)]
    assert lost.up().steps == ()


def test_a_refresh_of_one_that_is_down_keeps_the_state_and_nothing_changes_when_it_is_back(
    lost: EngineStack, distribution: Distribution
) -> None:
    before = {name: entry.get("outputs", {}) for name, entry in lost.resources().items()}
    assert unverified(lost.refresh(), distribution) == {OLD, NEW, LATEST}
    after = {name: entry.get("outputs", {}) for name, entry in lost.resources().items()}
    for name, outputs in after.items():
        if name.startswith(distribution.host):
            assert outputs.pop("unread")
    assert after == before
    distribution.start()
    assert lost.up().steps == ()


def test_an_up_of_a_declared_registry_that_is_down_fails_with_the_remedy(
    lost: EngineStack, distribution: Distribution
) -> None:
    ran = lost.up("--continue-on-error", code=None)
    assert ran.code != 0
    told = f"{distribution.host}/{REPOSITORY} could not be verified, so nothing is changed: "
    assert ran.messages.count(told) == 1
    assert "declare the registry that took its place" in ran.messages
    assert "Traceback" not in ran.printed
