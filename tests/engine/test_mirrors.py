"""Mirrors with the real engine, between registries of different kinds."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fleet.evidence.bundle import verify
from tests.engine.kept import Kept
from tests.engine.reading import Reading
from tests.engine.registries import Distribution
from tests.engine.seeding import delete, move_tag, push_build
from tests.engine.stack import Declared, EngineStack, Ran
from tests.fleet.evidence.examples import P256, key
from tests.fleet.upkeep.logged import LoggedDistribution
from tests.registries.kinds import LIVE
from tests.registries.live import LiveRegistry, running_live

pytestmark = pytest.mark.integration

NAME, BUILD, THERE = "team/app", "team/app/build", "org/app"
VERSION, NEXT, LATEST, LINE = "py3.13-0.34.0", "py3.13-0.35.0", "py3.13-LATEST", "py3.13-0.34"
STATED = 5
(GITHUBS,) = [kind for kind in LIVE if kind.ghcr]


class Scene:
    """A stack with two mirrors: one of the source's kind, and one like GitHub's registry."""

    def __init__(
        self, folder: Path, source: Distribution, plain: LoggedDistribution, github: LiveRegistry
    ) -> None:
        self.source, self.plain, self.github = source, plain, github
        hosts = ",".join(registry.host for registry in (source, plain, github))
        environment = {**github.environment, "FLEET_PLAIN_HTTP": hosts, "FLEET_SIGNING_KEY": P256}
        self.stack = EngineStack(folder / "project", environment)
        self.first = push_build(source, BUILD, VERSION)
        self.begin()
        self.declare()

    def begin(self) -> None:
        """Have one version, with two pointers to it."""
        self.tags = {VERSION: self.first}
        self.pointers = {LATEST: VERSION, LINE: VERSION}

    @property
    def wanted(self) -> dict[str, str]:
        return {**self.tags, **{name: self.tags[to] for name, to in self.pointers.items()}}

    def declare(self, *mirrors: str) -> None:
        """Declare the source and `mirrors`, which are both of them unless they are named."""
        self.stack.declare(
            Declared(
                repository=f"{self.source.host}/{NAME}",
                build=f"{self.source.host}/{BUILD}",
                tags=self.tags,
                pointers=self.pointers,
                keys=(key().public.spki,),
                mirrors=mirrors or tuple(f"{r.host}/{THERE}" for r in (self.plain, self.github)),
            )
        )

    def names(self, registry: Any, name: str = THERE) -> dict[str, str]:
        """The tags of a repository, without lists of referrers."""
        found = Reading(registry, name).tags()
        return {tag: digest for tag, digest in found.items() if not tag.startswith("sha256-")}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scene, Kept, Ran]]:
    """A scene that is up, once for the tests of this file, and the preview of its first up."""
    folder = tmp_path_factory.mktemp("mirrors")
    with ExitStack() as running:
        source = running.enter_context(Distribution(folder / "source"))
        plain = running.enter_context(LoggedDistribution(folder / "plain"))
        github = running.enter_context(running_live(GITHUBS, folder / "github"))
        scene = Scene(folder, source, plain, github)
        first = scene.stack.preview()
        scene.stack.up()
        storages = (source, plain, github.storage)
        yield scene, Kept(folder / "kept", scene.stack, storages, [github]), first


@pytest.fixture
def scene(kept: tuple[Scene, Kept, Ran]) -> Scene:
    """A scene that is up."""
    scene, as_it_was, _ = kept
    as_it_was.put_back()
    scene.begin()
    return scene


def verified(registry: Any, digest: str) -> int:
    """Return how many statements of a digest verify there, read as anybody does."""
    view = Reading(registry, THERE)
    count = 0
    for entry in json.loads(view.manifest(digest.replace(":", "-")))["manifests"]:
        layer = json.loads(view.manifest(entry["digest"]))["layers"][0]["digest"]
        signed = verify(view.blob(layer), [key().public])
        count += digest in signed.statement.subjects.values()
    return count


def test_a_first_up_brings_all_and_a_second_one_writes_nothing(
    scene: Scene, kept: tuple[Scene, Kept, Ran]
) -> None:
    rows = {(entry.ref, entry.reasons) for entry in kept[2].report.of("copy")}
    assert len(rows) == 2 * len(scene.wanted)
    mirrors = (scene.plain, scene.github.storage)
    for registry in mirrors:
        assert scene.names(registry) == scene.wanted
        assert Reading(registry, THERE).pull(scene.tags[VERSION])
        assert verified(registry, scene.tags[VERSION]) == STATED
    before = len(scene.plain.requests())
    assert scene.stack.up().steps == ()
    asked = sorted(scene.plain.requests()[before:])
    assert asked == [
        f"GET /v2/{THERE}/tags/list?n=1000",
        *sorted(f"HEAD /v2/{THERE}/manifests/{tag}" for tag in scene.wanted),
    ]


def test_evidence_that_a_mirror_lost_comes_back_by_the_command_of_the_page(scene: Scene) -> None:
    digest = scene.tags[VERSION]
    delete(scene.plain, THERE, digest.replace(":", "-"))
    scene.stack.environment["FLEET_VERIFY_CHILDREN"] = "all"
    ran = scene.stack.up()
    assert {step.name for step in ran.steps} == {f"{scene.plain.host}/{THERE}"}
    assert verified(scene.plain, digest) == STATED
    assert scene.names(scene.plain) == scene.wanted
    assert scene.stack.up().steps == ()


def test_what_one_mirror_can_not_do_stops_neither_the_other_nor_the_source(scene: Scene) -> None:
    scene.plain.stop()
    scene.tags[NEXT] = push_build(scene.source, BUILD, NEXT)
    scene.pointers[LATEST] = NEXT
    scene.declare()
    previewed = scene.stack.preview().report
    assert previewed.complete, "it ends at no mirror"
    assert {entry.ref for entry in previewed.of("fail")} == {f"{scene.plain.host}/{THERE}"}
    ran = scene.stack.up("--continue-on-error", code=None)
    assert ran.code != 0
    failed = {entry.ref for entry in ran.report.of("fail")}
    assert failed == {f"{scene.plain.host}/{THERE}"}
    assert scene.names(scene.source, NAME) == scene.wanted
    assert scene.names(scene.github.storage) == scene.wanted
    scene.plain.start()
    scene.stack.up()
    assert scene.names(scene.plain) == scene.wanted
    assert scene.stack.up().steps == ()


def test_drift_is_mended_and_stale_pointers_go_at_each_kind(scene: Scene) -> None:
    scene.tags[NEXT] = push_build(scene.source, BUILD, NEXT)
    scene.declare()
    scene.stack.up()
    move_tag(scene.plain, THERE, LATEST, NEXT)
    refreshed = scene.stack.refresh().report
    assert [(e.ref, e.reasons) for e in refreshed.of("copy")] == [
        (f"{scene.plain.host}/{THERE}:{LATEST}", ("moved there",))
    ]
    del scene.pointers[LINE]
    scene.declare()
    going = {f"{r.host}/{place}:{LINE}" for r, place in scene_places(scene)}
    assert scene.stack.preview().report.removals.keys() == going
    scene.stack.up()
    for registry in (scene.plain, scene.github.storage):
        assert scene.names(registry) == scene.wanted
    for host in (scene.plain.host, scene.github.host):
        record = Reading(scene.source, NAME).undo(f"fleet/dev {host}/{THERE}")
        assert record == {LINE: scene.tags[VERSION]}


def test_a_version_tag_that_leaves_gets_a_notice_at_the_source_and_there_in_one_run(
    scene: Scene,
) -> None:
    scene.tags[NEXT] = push_build(scene.source, BUILD, NEXT)
    scene.pointers[LATEST] = NEXT
    scene.declare()
    scene.stack.up()
    gone = scene.tags.pop(VERSION)
    del scene.pointers[LINE]
    scene.declare()
    ran = scene.stack.up()
    rows = {entry.ref for entry in ran.report.of("keep") if len(entry.reasons) > 1}
    assert rows == {f"{r.host}/{place}:{VERSION}" for r, place in scene_places(scene)}
    for registry, name in ((scene.source, NAME), (scene.plain, THERE)):
        assert len(Reading(registry, name).referrers(gone)) == STATED + 1
    assert scene.stack.up().steps == ()


def scene_places(scene: Scene) -> list[tuple[Any, str]]:
    """Each registry with the repository that it has of the image."""
    return [(scene.source, NAME), (scene.plain, THERE), (scene.github, THERE)]


def test_a_mirror_that_is_declared_no_more_keeps_its_tags(scene: Scene) -> None:
    before = scene.names(scene.plain)
    scene.declare(f"{scene.github.host}/{THERE}")
    told = {entry.ref for entry in scene.stack.preview().report.of("keep")}
    assert told == {f"{scene.plain.host}/{THERE}:{tag}" for tag in before}
    scene.stack.up()
    assert scene.names(scene.plain) == before
    scene.stack.destroy()
    assert scene.names(scene.plain) == before
    assert scene.names(scene.github.storage) == scene.tags
