"""A pointer that somebody moved stays at a destroy, by what the refresh of that run read."""

import pytest

from tests.engine.reading import Reading
from tests.engine.seeding import PLATFORMS, push_build, push_image, push_index
from tests.engine.stack import Declared, EngineStack
from tests.registries.kinds import REFUSING
from tests.registries.live import LiveRegistry, on_each_kind

pytestmark = pytest.mark.integration

REPOSITORY, BUILD = "team/app", "team/app/build"
VERSION, LATEST, LINE = "py3.11-0.34.0", "py3.11-LATEST", "py3.11-0.34"


@on_each_kind
@pytest.mark.parametrize("image_leaves", [True, False], ids=["image leaves", "destroy"])
def test_what_somebody_put_under_a_pointer_stays_and_both_digests_are_told(
    live: LiveRegistry, stack: EngineStack, image_leaves: bool
) -> None:
    declare(stack, live)
    stack.up()
    view = Reading(live, REPOSITORY)
    ours = view.tags()[VERSION]
    children = push_image(live, REPOSITORY, PLATFORMS, "theirs")
    theirs = push_index(live, REPOSITORY, [LATEST], children)
    if image_leaves:
        declare_another(stack, live)
    told = (stack.up() if image_leaves else stack.destroy()).messages
    assert view.tags() == {VERSION: ours, LATEST: theirs}
    assert f"{LATEST} stays" in told
    assert theirs in told
    assert ours in told


@pytest.mark.parametrize("live", REFUSING, ids=["deletion off"], indirect=True)
@pytest.mark.parametrize("image_leaves", [True, False], ids=["image leaves", "destroy"])
def test_where_no_name_can_go_none_is_written_and_what_keeps_them_is_told(
    live: LiveRegistry, stack: EngineStack, image_leaves: bool
) -> None:
    declare(stack, live)
    stack.up()
    view, asked = Reading(live, REPOSITORY), len(live.requests())
    before = view.tags()
    if image_leaves:
        declare_another(stack, live)
    ran = stack.up(code=None) if image_leaves else stack.destroy(code=None)
    told = " ".join(ran.printed.split())
    assert "the registry deletes neither tags nor digests" in told
    assert "fleet:on-destroy, pointers: keep" in told
    assert view.tags() == before
    written = [line for line in live.requests()[asked:] if line.startswith(("PUT", "POST"))]
    # The image that is declared instead has its own record.
    assert [line for line in written if "/team/other/" not in line] == []


def declare(stack: EngineStack, live: LiveRegistry) -> None:
    """Declare one version with two pointers to it."""
    stack.declare(
        Declared(
            repository=f"{live.host}/{REPOSITORY}",
            build=f"{live.host}/{BUILD}",
            tags={VERSION: push_build(live, BUILD, VERSION)},
            pointers={LATEST: VERSION, LINE: VERSION},
        )
    )


def declare_another(stack: EngineStack, live: LiveRegistry) -> None:
    """Have the image leave: another one, of nothing, is declared."""
    other = f"{live.host}/team/other"
    stack.declare(Declared(repository=other, build=other))
