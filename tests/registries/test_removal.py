"""The same removals on every kind of registry: names go, images never do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.registry.manifest import OWNER_ANNOTATION, VERSION_ANNOTATION
from fleet.registry.removal.placeholder import placeholder_manifest
from providers.ociregistry.stale_pointers.resource import RemovalFailedError
from tests.engine.reading import Reading
from tests.engine.seeding import OCI_MANIFEST, move_tag, push_image, push_index
from tests.providers.ociregistry.engine_fake import STALE, TAG, Engine
from tests.registries.front import Front
from tests.registries.kinds import Kind, parameters, running
from tests.registries.old_workflows import GRAMMAR, NAME, PLATFORMS, OldWorkflows
from tests.registries.writing import put

OWNER = "fleet/dev"


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> Kind:
    assert isinstance(request.param, Kind)
    return request.param


@pytest.fixture
def front(kind: Kind, tmp_path: Path) -> Iterator[Front]:
    with running(kind, tmp_path / "registry") as served:
        yield served


@pytest.fixture
def engine(front: Front, tmp_path: Path) -> Iterator[Engine]:
    with Engine({"DOCKER_CONFIG": str(tmp_path), **front.environment}) as started:
        yield started


@pytest.fixture
def old(front: Front) -> OldWorkflows:
    filled = OldWorkflows(registry=front, storage=front.storage).push()
    front.log.clear()
    return filled


def inputs(front: Front, declared: OldWorkflows, **overrides: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "repository": f"{front.host}/{NAME}",
        "owner": OWNER,
        "pointers": sorted(declared.pointers),
        "grammar": [{"kind": k, "pattern": p} for k, p in GRAMMAR.items()],
        "policy": {"LATEST": "remove", "X.Y": "remove", "X": "remove"},
        "maxRemovals": 0.75,
    }
    return {**fields, **overrides}


removing = pytest.mark.parametrize("kind", parameters(removes=True), indirect=True)
refusing = pytest.mark.parametrize("kind", parameters(removes=False), indirect=True)


@removing
def test_the_first_up_removes_exactly_the_pointers_that_nothing_declares(
    front: Front, engine: Engine, old: OldWorkflows
) -> None:
    going = {**old.stale["LATEST"], **old.stale["X.Y"]}
    assert engine.preview(STALE, "s", inputs(front, old)).outputs["stale"] == going
    assert front.writes == []
    outputs = engine.up(STALE, "s", inputs(front, old)).outputs
    assert {entry["tag"]: entry["digest"] for entry in outputs["removed"]} == going
    assert Reading(front.storage, NAME).undo() == going
    old.check(gone=set(going))
    front.log.clear()
    assert engine.up(STALE, "s", inputs(front, old)).kind == "same"
    assert front.writes == []


@removing
def test_a_policy_of_keep_spares_its_kind(front: Front, engine: Engine, old: OldWorkflows) -> None:
    policy = {"LATEST": "remove", "X.Y": "keep"}
    outputs = engine.up(STALE, "s", inputs(front, old, policy=policy)).outputs
    old.check(gone=set(old.stale["LATEST"]))
    assert {entry["tag"] for entry in outputs["kept"]} == set(old.stale["X.Y"])


@removing
def test_the_tag_of_a_two_part_version_stays_whatever_the_policy(
    front: Front, engine: Engine, old: OldWorkflows
) -> None:
    digest = old.two_part_version("py3.8-20.0")
    outputs = engine.up(STALE, "s", inputs(front, old)).outputs
    assert "py3.8-20.0" not in {entry["tag"] for entry in outputs["removed"]}
    assert outputs["kept"] == [
        {
            "tag": "py3.8-20.0",
            "digest": digest,
            "reason": "it may be a version tag: no version tag of its line names the same digest",
        }
    ]
    old.check(gone=set(old.stale["LATEST"]) | set(old.stale["X.Y"]))


@removing
def test_a_removal_that_was_interrupted_is_finished_and_recorded(
    front: Front, engine: Engine, old: OldWorkflows
) -> None:
    tag = "py3.7-LATEST"
    leftover = placeholder_manifest("of another run", old.stale["LATEST"][tag])
    put(front, NAME, tag, leftover.body, OCI_MANIFEST)
    removed = engine.up(STALE, "s", inputs(front, old)).outputs["removed"]
    digests = {entry["tag"]: entry["digest"] for entry in removed}
    assert digests[tag] == old.stale["LATEST"][tag]
    assert Reading(front.storage, NAME).undo() == digests
    assert Reading(front.storage, NAME).digest(leftover.digest) is None
    old.check(gone=set(old.stale["LATEST"]) | set(old.stale["X.Y"]))


@removing
def test_an_image_that_leaves_takes_its_own_pointers_along_and_no_tag_of_a_version(
    front: Front, engine: Engine, old: OldWorkflows
) -> None:
    for tag, digest in old.pointers.items():
        place = f"{front.host}/{NAME}"
        adopted = {"ref": f"{place}:{tag}", "owner": OWNER, "source": f"{place}@{digest}"}
        engine.up(TAG, tag, adopted)
    engine.up(STALE, "s", inputs(front, old))
    gone = set(old.stale["LATEST"]) | set(old.stale["X.Y"])
    children = push_image(front, NAME, PLATFORMS, "of us")
    for tag, version in (("py3.12-20.0.4", "20.0.4"), ("py3.12-21.0", "21.0")):
        annotations = {OWNER_ANNOTATION: OWNER, VERSION_ANNOTATION: version}
        push_index(front, NAME, [tag], children, annotations)
    # A pointer whose version tag somebody deleted is still known by what its index says.
    move_tag(front, NAME, "py3.12-20.0", "py3.12-20.0.4")
    move_tag(front, NAME, "py3.12-20", "py3.12-20.0.4")
    before = Reading(front.storage, NAME).tags()
    engine.restart()
    for name in list(engine.resources):
        engine.refresh(name)
    engine.delete("s")
    view = Reading(front.storage, NAME)
    left, record = view.tags(), view.undo()
    went = {tag: digest for tag, digest in before.items() if tag not in left}
    assert {tag: record[tag] for tag in went} == went
    assert all(view.pull(digest) for digest in record.values())
    assert not old.pointers.keys() & left.keys(), "what the state declared is gone"
    assert {"py3.12-20.0.4", "py3.12-21.0"} <= left.keys()
    assert not {"py3.12-20.0", "py3.12-20"} & left.keys()
    assert old.kept.keys() <= left.keys()
    assert not gone & left.keys()


@refusing
def test_a_registry_without_a_way_is_left_as_it_was_before_any_write(
    front: Front, engine: Engine, old: OldWorkflows
) -> None:
    with pytest.raises(RemovalFailedError, match="the name stays as it was"):
        engine.up(STALE, "s", inputs(front, old))
    assert {line.split()[0] for line in front.writes} == {"DELETE"}
    old.check(gone=set())
