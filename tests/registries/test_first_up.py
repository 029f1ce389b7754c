"""The first `pulumi up`, by the real engine, on what the replaced workflows left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.reading import Reading
from tests.engine.seeding import push_build
from tests.engine.stack import Declared, EngineStack
from tests.registries.front import Front
from tests.registries.kinds import LIVE, OTHERS, REFUSING, Kind, running
from tests.registries.old_workflows import GRAMMAR, NAME, PLATFORMS, OldWorkflows

pytestmark = pytest.mark.integration

BUILD = f"{NAME}/build"
DECLARED = ("py3.12-0.15.0", "py3.12-0.14.1")
POINTERS = {
    "py3.12-LATEST": DECLARED[0],
    "py3.12-0.15": DECLARED[0],
    "py3.12-0.14": DECLARED[1],
}


REMOVING = (*LIVE, *OTHERS)


def on(kinds: tuple[Kind, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("front", kinds, ids=[k.name for k in kinds], indirect=True)


@pytest.fixture
def front(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Front]:
    with running(request.param, tmp_path / "registry") as served:
        yield served


@pytest.fixture
def old(front: Front) -> OldWorkflows:
    gone = ("py3.7", "py3.8", "py3.8-slim", "py3.9", "py3.10")
    live = ("py3.11", "py3.12")
    filled = OldWorkflows(registry=front, storage=front.storage, gone=gone, live=live).push()
    filled.two_part_version("py3.9-20.0")
    return filled


@pytest.fixture
def stack(front: Front, tmp_path: Path) -> EngineStack:
    return EngineStack(tmp_path / "project", front.environment)


def declared(front: Front, old: OldWorkflows, **fields: object) -> Declared:
    """Declare Python 3.12, taking the names over; 3.11's pointers are declared and not managed."""
    built = {tag: push_build(front, BUILD, f"{tag} of us", PLATFORMS) for tag in DECLARED}
    values = {
        "repository": f"{front.host}/{NAME}",
        "build": f"{front.host}/{BUILD}",
        "tags": built,
        "platforms": PLATFORMS,
        "pointers": POINTERS,
        "grammar": GRAMMAR,
        "policy": {"LATEST": "remove", "X.Y": "remove", "X": "remove"},
        "on_conflict": "take-over",
        "max_removals": 0.9,
        **fields,
    }
    return Declared(**values)  # type: ignore[arg-type]


def going(old: OldWorkflows) -> dict[str, str]:
    """Return the stale pointers with their digests: those of Pythons that nothing declares."""
    unmanaged = {tag: digest for tag, digest in old.pointers.items() if tag.startswith("py3.11")}
    return {**old.stale["LATEST"], **old.stale["X.Y"], **unmanaged}


@on(REMOVING)
def test_the_preview_names_each_stale_pointer_and_the_up_removes_those_and_nothing_else(
    front: Front, stack: EngineStack, old: OldWorkflows
) -> None:
    stack.declare(declared(front, old))
    front.log.clear()
    told = stack.preview().messages
    for tag, digest in going(old).items():
        assert f"{tag} ({digest})" in told
    assert front.writes == []
    stack.up()
    view = Reading(front.storage, NAME)
    tags = view.tags()
    assert not going(old).keys() & tags.keys()
    assert {tag: tags[target] for tag, target in POINTERS.items()} == {
        tag: tags[tag] for tag in POINTERS
    }
    kept = {tag: digest for tag, digest in old.kept.items() if tag not in DECLARED}
    assert tags.keys() == kept.keys() | {*DECLARED, *POINTERS}
    old.check_whole(kept)
    for tag in DECLARED:
        assert set(view.pull(tag)) == set(PLATFORMS)
    removed = stack.resources()[f"{front.host}/{NAME}"]["outputs"]["removed"]
    assert {entry["tag"]: entry["digest"] for entry in removed} == going(old)
    assert stack.up().steps == ()


@on(REFUSING)
def test_where_nothing_can_be_deleted_all_is_published_and_each_stale_name_stays_untouched(
    front: Front, stack: EngineStack, old: OldWorkflows
) -> None:
    stack.declare(declared(front, old))
    front.log.clear()
    told = stack.preview().messages
    for tag, digest in going(old).items():
        assert f"{tag} ({digest})" in told
    assert front.writes == []
    before = Reading(front.storage, NAME).tags()
    ran = stack.up(code=None)
    assert ran.code != 0
    assert "the registry deletes neither tags nor digests, so the name stays" in ran.messages
    view = Reading(front.storage, NAME)
    tags = view.tags()
    ours = {*DECLARED, *POINTERS}
    assert {tag: tags[target] for tag, target in POINTERS.items()} == {
        tag: tags[tag] for tag in POINTERS
    }
    for tag in DECLARED:
        assert set(view.pull(tag)) == set(PLATFORMS)
    assert {tag: digest for tag, digest in tags.items() if tag not in ours} == {
        tag: digest for tag, digest in before.items() if tag not in ours
    }
    put = {line.rpartition("/")[2] for line in front.writes if line.startswith("PUT")}
    assert not put & going(old).keys()
    old.check_whole({tag: digest for tag, digest in old.kept.items() if tag not in ours})
    stack.declare(declared(front, old, policy={"LATEST": "keep", "X.Y": "keep", "X": "keep"}))
    stack.up()
    assert view.tags() == tags
    assert stack.up().steps == ()


@on(REMOVING[:1])
def test_too_large_a_share_stops_in_the_preview_until_it_is_declared(
    front: Front, stack: EngineStack, old: OldWorkflows
) -> None:
    stack.declare(declared(front, old, max_removals=0.5))
    front.log.clear()
    told = stack.preview(code=None)
    assert told.code != 0
    assert "fleet:max-removals" in told.messages
    assert "py3.7-LATEST (sha256:" in told.messages
    assert front.writes == []
    stack.declare(declared(front, old, max_removals=1.0))
    stack.up()
    assert not going(old).keys() & Reading(front.storage, NAME).tags().keys()


@on(REMOVING)
def test_a_whole_image_that_leaves_leaves_no_stray_pointer_and_every_version(
    front: Front, stack: EngineStack, old: OldWorkflows
) -> None:
    stack.declare(declared(front, old))
    stack.up()
    before = Reading(front.storage, NAME).tags()
    stack.declare(declared(front, old, tags={}, pointers={}, policy={}))
    stack.up()
    after = Reading(front.storage, NAME).tags()
    assert after == {tag: digest for tag, digest in before.items() if tag not in POINTERS}
    assert set(DECLARED) < after.keys()


@on(REMOVING[:1])
def test_a_pointer_under_grace_is_dated_and_stays(
    front: Front, stack: EngineStack, old: OldWorkflows
) -> None:
    policy = {"LATEST": "remove", "X.Y": "remove after 90 days"}
    stack.declare(declared(front, old, policy=policy))
    told = stack.preview()
    assert "stale: py3.7-0.14 (" in told.messages
    assert ", goes on 20" in told.messages
    stack.up()
    outputs = stack.resources()[f"{front.host}/{NAME}"]["outputs"]
    waiting = {tag for tag in going(old) if not tag.endswith("LATEST")}
    assert outputs["staleSince"].keys() == waiting
    assert waiting < Reading(front.storage, NAME).tags().keys()
    assert stack.up().steps == ()
    assert stack.preview().steps == ()
