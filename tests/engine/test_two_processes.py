"""Removers in two processes of the plugin, which know of each other by the undo record alone."""

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


@pytest.mark.parametrize("spelled", [False, True], ids=["renamed", "another name of the host"])
def test_a_remover_that_another_one_replaces_takes_no_pointer_along(
    distribution: Distribution, tmp_path: Path, spelled: bool
) -> None:
    other = distribution.host.replace("127.0.0.1", "localhost")
    environment = {"FLEET_PLAIN_HTTP": f"{distribution.host},{other}"}
    stack, view = EngineStack(tmp_path / "project", environment), Reading(distribution, REPOSITORY)
    before = Declared(
        repository=f"{distribution.host}/{REPOSITORY}",
        build=f"{distribution.host}/{BUILD}",
        tags={VERSION: push_build(distribution, BUILD, VERSION)},
        pointers={LATEST: VERSION, LINE: VERSION},
        remover="one",
        provider="first",
    )
    stack.declare(before)
    stack.up()
    tags = view.tags()
    after = replace(before, remover="two", provider="second")
    if spelled:
        after = replace(after, repository=f"{other}/{REPOSITORY}", build=f"{other}/{BUILD}")
    stack.declare(after)
    told = stack.up().messages
    assert view.tags() == tags
    assert "pointers kept: by the undo record" in told
    (declared,) = view.record()["declared"].items()
    assert declared[0].endswith("::two")
    assert declared[1] == [LINE, LATEST]
    assert stack.up().steps == ()
    stack.destroy()
    assert view.tags() == {VERSION: tags[VERSION]}
    assert view.record()["declared"] == {}
