"""One registry under two names of its host, through the real engine: no pointer is lost."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.reading import Reading
from tests.engine.registries import Distribution
from tests.engine.seeding import push_build
from tests.engine.stack import Declared, EngineStack

pytestmark = pytest.mark.integration

REPOSITORY, BUILD = "team/app", "team/app/build"
VERSION, LATEST, LINE = "py3.11-0.34.0", "py3.11-LATEST", "py3.11-0.34"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Distribution]:
    with Distribution(tmp_path / "other") as started:
        yield started


def declared(registry: Distribution, host: str) -> Declared:
    return Declared(
        repository=f"{host}/{REPOSITORY}",
        build=f"{host}/{BUILD}",
        tags={VERSION: push_build(registry, BUILD, VERSION)},
        pointers={LATEST: VERSION, LINE: VERSION},
    )


def stack_of(tmp_path: Path, *hosts: str) -> EngineStack:
    return EngineStack(tmp_path / "project", {"FLEET_PLAIN_HTTP": ",".join(hosts)})


def test_another_spelling_of_the_host_costs_no_pointer(
    distribution: Distribution, tmp_path: Path
) -> None:
    spelled = distribution.host.replace("127.0.0.1", "localhost")
    assert spelled != distribution.host
    stack, view = stack_of(tmp_path, distribution.host, spelled), Reading(distribution, REPOSITORY)
    before = declared(distribution, distribution.host)
    stack.declare(before)
    stack.up()
    tags = view.tags()
    repository, build = f"{spelled}/{REPOSITORY}", f"{spelled}/{BUILD}"
    stack.declare(replace(before, repository=repository, build=build))
    previewed = stack.preview().report
    assert previewed.removals == {}
    kept = {e.ref for e in previewed.of("keep") if "another name of its host" in e.reasons[0]}
    assert kept == {f"{distribution.host}/{REPOSITORY}:{tag}" for tag in (LATEST, LINE)}
    assert "pointers kept" in stack.up().messages
    assert view.tags() == tags
    assert stack.up().steps == ()
    assert view.tags() == tags


def test_a_move_to_another_registry_leaves_no_stray_on_the_old_one(
    distribution: Distribution, other: Distribution, tmp_path: Path
) -> None:
    stack = stack_of(tmp_path, distribution.host, other.host)
    stack.declare(declared(distribution, distribution.host))
    stack.up()
    tags = Reading(distribution, REPOSITORY).tags()
    stack.declare(declared(other, other.host))
    place = f"{distribution.host}/{REPOSITORY}"
    previewed = stack.preview().report
    assert previewed.removals == {f"{place}:{tag}": tags[tag] for tag in (LATEST, LINE)}
    assert [entry.ref for entry in previewed.of("keep")] == [f"{place}:{VERSION}"]
    stack.up()
    assert Reading(distribution, REPOSITORY).tags() == {VERSION: tags[VERSION]}
    assert Reading(other, REPOSITORY).tags() == tags
    assert stack.up().steps == ()
