"""Drift on each kind of registry: every preview says what befell a name, and an up repairs it."""

from collections.abc import Iterator
from typing import Any

import pytest

from providers.ociregistry.fields import STALE_POINTERS
from tests.engine.reading import Reading
from tests.engine.seeding import PLATFORMS, move_tag, push_build
from tests.engine.stack import Declared, EngineStack, Ran, Step
from tests.fleet.upkeep.logged import Requests
from tests.registries.kinds import LIVE
from tests.registries.live import LiveRegistry, running_live

pytestmark = pytest.mark.integration

REPOSITORY, BUILD = "team/app", "team/app/build"
OLD, NEW, LATEST = "py3.11-0.33.0", "py3.11-0.34.0", "py3.11-LATEST"


@pytest.fixture(scope="module", params=LIVE, ids=[kind.name for kind in LIVE])
def live(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveRegistry]:
    """One for all tests of a kind: each leaves it as it found it, else the next one fails."""
    with running_live(request.param, tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture(scope="module")
def up(live: LiveRegistry, tmp_path_factory: pytest.TempPathFactory) -> EngineStack:
    """A stack that is up: two versions of three platforms, and a pointer on the newer one."""
    stack = EngineStack(tmp_path_factory.mktemp("stack") / "project", live.environment)
    stack.declare(declaration(live))
    stack.up()
    return stack


def declaration(live: LiveRegistry, **fields: Any) -> Declared:
    """Declare both versions, after their platforms were pushed as builds do."""
    return Declared(
        repository=f"{live.host}/{REPOSITORY}",
        build=f"{live.host}/{BUILD}",
        tags={tag: push_build(live, BUILD, tag) for tag in (OLD, NEW)},
        pointers={LATEST: NEW},
        **fields,
    )


@pytest.fixture
def view(live: LiveRegistry) -> Reading:
    return Reading(live, REPOSITORY)


def of_tags(ran: Ran) -> list[tuple[Step, str]]:
    """Return the steps of tags: what moved is also a step of the resource with the history."""
    steps = [step for step in ran.steps if step.token != STALE_POINTERS]
    return [(step, step.name.rpartition(":")[2]) for step in steps]


def foretold(stack: EngineStack, op: str, *names: str) -> str:
    """Return what a preview says; check that it would do just this with just these names.

    It is one for a script, that looks at the exit status alone.
    """
    told = stack.preview("--expect-no-changes", code=None)
    assert told.code != 0
    assert {(step.op, tag) for step, tag in of_tags(told)} == {(op, name) for name in names}
    return told.messages


def repaired(stack: EngineStack, view: Reading, before: dict[str, str], *names: str) -> None:
    """Check that an up works on just these names and restores all.

    That nothing is left to do is seen by what comes next, a preview of just what befell since.
    """
    assert {tag for _, tag in of_tags(stack.up())} == set(names)
    assert view.tags() == before
    for tag in before:
        assert set(view.pull(tag)) == set(PLATFORMS)


def test_a_moved_tag_is_told_with_both_digests_and_moved_back(
    up: EngineStack, view: Reading, live: LiveRegistry
) -> None:
    """A pointer, and a version tag."""
    before = view.tags()
    move_tag(live, REPOSITORY, LATEST, OLD)
    move_tag(live, REPOSITORY, OLD, NEW)
    told = foretold(up, "update", LATEST, OLD)
    assert f"{REPOSITORY}:{LATEST} was moved from {before[NEW]} to {before[OLD]}" in told
    assert f"{REPOSITORY}:{OLD} was moved from {before[OLD]} to {before[NEW]}" in told
    repaired(up, view, before, LATEST, OLD)


def test_a_deleted_tag_is_told_and_restored(
    up: EngineStack, view: Reading, live: LiveRegistry
) -> None:
    before = view.tags()
    gone = live.delete(REPOSITORY, LATEST)
    # Where a deletion takes the digest, the version tag of the pointer goes as well.
    assert gone == ({LATEST, NEW} if live.kind.ghcr else {LATEST})
    told = foretold(up, "create", *gone)
    for tag in gone:
        assert f"{REPOSITORY}:{tag} is gone from the registry; it named {before[tag]}" in told
    repaired(up, view, before, *gone)


def test_a_platform_that_the_registry_lost_is_told_and_put_back(
    up: EngineStack, view: Reading, live: LiveRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = view.tags()
    monkeypatch.setitem(up.environment, "FLEET_VERIFY_CHILDREN", "all")
    child = view.pull(NEW)["linux/arm64"]
    assert live.delete(REPOSITORY, child) == set()
    assert view.digest(child) is None
    words = f"{REPOSITORY}:{NEW}: the registry lost the manifest of linux/arm64"
    assert words in foretold(up, "update", NEW)
    repaired(up, view, before, NEW)


@pytest.mark.parametrize("everything", [False, True])
def test_a_wiped_repository_is_told_name_by_name_and_restored_whole(
    up: EngineStack, view: Reading, live: LiveRegistry, everything: bool
) -> None:
    before = view.tags()
    if everything:
        live.wipe()
        up.declare(declaration(live))
    else:
        live.wipe(REPOSITORY)
    assert view.tags() == {}
    told = foretold(up, "create", OLD, NEW, LATEST)
    for tag, digest in before.items():
        assert f"{REPOSITORY}:{tag} is gone from the registry; it named {digest}" in told
    repaired(up, view, before, OLD, NEW, LATEST)


def test_a_rebuild_that_gives_the_same_bytes_moves_nothing(
    up: EngineStack, view: Reading, live: LiveRegistry
) -> None:
    before = view.tags()
    up.declare(declaration(live, identities={NEW: "another base"}))
    requests = Requests(live)
    assert {tag for _, tag in of_tags(up.up())} == {NEW}
    assert requests.writes() == []
    assert view.tags() == before


def test_a_second_up_does_nothing(up: EngineStack) -> None:
    assert up.up().steps == ()
    assert up.preview().steps == ()
