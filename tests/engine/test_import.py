import pytest

from tests.engine.reading import Reading
from tests.engine.seeding import PLATFORMS, push_build, push_image, push_index
from tests.engine.stack import Declared, EngineStack
from tests.registries.live import LiveRegistry, on_each_kind

pytestmark = pytest.mark.integration

REPOSITORY, BUILD, TAG = "team/app", "team/app/build", "ociregistry:index:Tag"
VERSION, LATEST = "py3.11-0.34.0", "py3.11-LATEST"


@on_each_kind
def test_a_tag_of_no_owner_is_imported_by_id_and_refreshed_and_then_replaced(
    stack: EngineStack, live: LiveRegistry
) -> None:
    children = push_image(live, REPOSITORY, PLATFORMS, "old workflow")
    old = push_index(live, REPOSITORY, [VERSION], children)
    place = f"{live.host}/{REPOSITORY}"
    imported = stack.bring_in(
        [{"type": TAG, "name": f"{place}:{VERSION}", "id": f"{place}:{VERSION}"}]
    )
    assert "failed to validate" not in imported.printed
    built = push_build(live, BUILD, VERSION)
    stack.declare(Declared(repository=place, build=f"{place}/build", tags={VERSION: built}))
    stack.refresh()
    assert [step.op for step in stack.preview().steps if step.token == TAG] == ["update"]
    stack.up()
    assert stack.resources()[f"{place}:{VERSION}"]["outputs"]["previous"] == old
    assert stack.up().steps == ()
    assert Reading(live, REPOSITORY).pull(old) == children


@on_each_kind
def test_a_pointer_is_imported_by_id_without_a_change(
    stack: EngineStack, live: LiveRegistry
) -> None:
    place, tags = f"{live.host}/{REPOSITORY}", {VERSION: push_build(live, BUILD, VERSION)}
    build = f"{place}/build"
    stack.declare(Declared(repository=place, build=build, tags=tags, pointers={LATEST: VERSION}))
    stack.up()
    before = Reading(live, REPOSITORY).tags()
    stack.lose_state()
    stack.bring_in(
        [{"type": TAG, "name": f"{place}:{t}", "id": f"{place}:{t}"} for t in (VERSION, LATEST)]
    )
    assert {step.token for step in stack.preview().steps} <= {"ociregistry:index:StalePointers"}
    stack.up()
    assert Reading(live, REPOSITORY).tags() == before
