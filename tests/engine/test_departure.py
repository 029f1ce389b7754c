"""A pointer that somebody moved stays at a destroy, by what the refresh of that run read."""

import pytest

from tests.engine.reading import Reading
from tests.engine.registries import Distribution
from tests.engine.seeding import PLATFORMS, push_image, push_index
from tests.engine.stack import Declared, EngineStack

pytestmark = pytest.mark.integration

REPOSITORY, BUILD = "team/app", "team/app/build"
VERSION, LATEST, LINE = "py3.11-0.34.0", "py3.11-LATEST", "py3.11-0.34"


@pytest.mark.parametrize("image_leaves", [True, False], ids=["image leaves", "destroy"])
def test_what_somebody_put_under_a_pointer_stays_and_both_digests_are_told(
    distribution: Distribution, stack: EngineStack, image_leaves: bool
) -> None:
    stack.declare(
        Declared(
            repository=f"{distribution.host}/{REPOSITORY}",
            build=f"{distribution.host}/{BUILD}",
            tags={VERSION: push_image(distribution, BUILD, PLATFORMS, VERSION)},
            pointers={LATEST: VERSION, LINE: VERSION},
        )
    )
    stack.up()
    view = Reading(distribution, REPOSITORY)
    ours = view.tags()[VERSION]
    children = push_image(distribution, REPOSITORY, PLATFORMS, "theirs")
    theirs = push_index(distribution, REPOSITORY, [LATEST], children)
    if image_leaves:
        other = f"{distribution.host}/team/other"
        stack.declare(Declared(repository=other, build=other))
    told = (stack.up() if image_leaves else stack.destroy()).messages
    assert view.tags() == {VERSION: ours, LATEST: theirs}
    assert f"{LATEST} stays" in told
    assert theirs in told
    assert ours in told
