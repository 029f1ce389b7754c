from collections.abc import Callable

import pytest

from tests.engine.reading import Reading
from tests.engine.registries import Distribution
from tests.engine.seeding import PLATFORMS, delete, move_tag, push_image
from tests.engine.stack import Declared, EngineStack

pytestmark = pytest.mark.integration

REPOSITORY = "team/app"
OLD, NEW, LATEST = "py3.11-0.33.0", "py3.11-0.34.0", "py3.11-LATEST"


@pytest.fixture
def view(distribution: Distribution) -> Reading:
    return Reading(distribution, REPOSITORY)


@pytest.fixture
def up(stack: EngineStack, distribution: Distribution) -> EngineStack:
    """A stack that is up: two versions of three platforms, and a pointer on the newer one."""
    build = f"{REPOSITORY}/build"
    stack.declare(
        Declared(
            repository=f"{distribution.host}/{REPOSITORY}",
            build=f"{distribution.host}/{build}",
            tags={tag: push_image(distribution, build, PLATFORMS, tag) for tag in (OLD, NEW)},
            pointers={LATEST: NEW},
        )
    )
    stack.up()
    return stack


def repaired(stack: EngineStack, view: Reading, before: dict[str, str], *names: str) -> None:
    """Check that an up works on just these names, restores all, and that another does nothing."""
    steps = stack.up().steps
    assert {step.name.rpartition(":")[2] for step in steps} == set(names)
    assert view.tags() == before
    for tag in before:
        assert set(view.pull(tag)) == set(PLATFORMS)
    assert stack.up().steps == ()


def test_a_second_up_does_nothing(up: EngineStack) -> None:
    assert up.up().steps == ()
    assert up.preview().steps == ()


def test_a_moved_tag_is_told_with_both_digests_and_moved_back(
    up: EngineStack, view: Reading, distribution: Distribution
) -> None:
    before = view.tags()
    move_tag(distribution, REPOSITORY, LATEST, OLD)
    told = up.preview()
    words = f"{REPOSITORY}:{LATEST} was moved from {before[NEW]} to {before[OLD]}"
    assert words in told.messages
    assert [step.op for step in told.steps] == ["update"]
    repaired(up, view, before, LATEST)


def test_a_moved_version_tag_is_told_and_moved_back(
    up: EngineStack, view: Reading, distribution: Distribution
) -> None:
    before = view.tags()
    move_tag(distribution, REPOSITORY, OLD, NEW)
    told = up.preview()
    words = f"{REPOSITORY}:{OLD} was moved from {before[OLD]} to {before[NEW]}"
    assert words in told.messages
    repaired(up, view, before, OLD)


def test_a_deleted_tag_is_told_and_restored(
    up: EngineStack, view: Reading, distribution: Distribution
) -> None:
    before = view.tags()
    delete(distribution, REPOSITORY, LATEST)
    told = up.preview()
    assert f"{REPOSITORY}:{LATEST} is gone from the registry" in told.messages
    assert before[LATEST] in told.messages
    assert [step.op for step in told.steps] == ["create"]
    repaired(up, view, before, LATEST)


def test_a_platform_that_the_registry_lost_is_told_and_put_back(
    up: EngineStack, view: Reading, distribution: Distribution
) -> None:
    before = view.tags()
    up.environment["FLEET_VERIFY_CHILDREN"] = "all"
    delete(distribution, REPOSITORY, view.pull(NEW)["linux/arm64"])
    told = up.preview()
    assert f"{REPOSITORY}:{NEW}: the registry lost the manifest of linux/arm64" in told.messages
    repaired(up, view, before, NEW)


@pytest.mark.parametrize("everything", [False, True])
def test_a_wiped_repository_is_told_name_by_name_and_restored_whole(
    up: EngineStack, view: Reading, distribution: Distribution, everything: bool
) -> None:
    before = view.tags()
    wipe: Callable[[], None] = distribution.wipe
    if everything:
        wipe()
        for tag in (OLD, NEW):
            push_image(distribution, f"{REPOSITORY}/build", PLATFORMS, tag)
    else:
        for tag in before:
            delete(distribution, REPOSITORY, tag)
        distribution.wipe(f"{REPOSITORY}/_manifests")
    told = up.preview()
    for tag, digest in before.items():
        words = f"{REPOSITORY}:{tag} is gone from the registry; it named {digest}"
        assert words in told.messages
    assert sorted(step.op for step in told.steps) == ["create"] * 3
    repaired(up, view, before, OLD, NEW, LATEST)
