"""A destroy is told from other runs by the engine's command line, for what is logged alone."""

import subprocess
import sys

import pytest

from providers.ociregistry.plugin import destroys
from tests.providers.ociregistry.engine_fake import STALE, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry
from tests.providers.ociregistry.stale_fleet import Fleet


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("destroy", "--yes"), True),
        (("-C", "folder", "down"), True),
        (("up", "--yes"), False),
        (("preview", "--message=destroy"), False),
    ],
)
def test_only_a_destroy_is_one(words: tuple[str, ...], expected: bool) -> None:
    command = [sys.executable, "-c", "input('ready\\n')", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            assert destroys(process.pid) is expected
        finally:
            process.communicate(b"\n")


def test_a_process_that_can_t_be_looked_at_is_none() -> None:
    assert not destroys(2**22 + 1)


@pytest.fixture
def fleet(registry: FakeRegistry) -> Fleet:
    return Fleet(registry)


@pytest.mark.parametrize("destroying", [True, False])
def test_a_refresh_of_a_destroy_names_each_pointer_that_goes_and_no_version(
    engine: Engine, fleet: Fleet, destroying: bool
) -> None:
    engine.up(STALE, "s", fleet.inputs())
    engine.restart()
    engine.provider._session.destroying = destroying
    engine.messages.clear()
    fleet.registry.log.clear()
    engine.refresh("s")
    assert fleet.registry.writes == []
    digests = {tag: fleet.storage.tags[tag] for tag in fleet.pointers}
    named = ", ".join(f"{tag} ({digests[tag]})" for tag in sorted(digests))
    place = fleet.inputs()["repository"]
    line = f"{place}, to be removed: {named}"
    assert engine.messages == ([line] if destroying else [])
    engine.delete("s")
    assert line in engine.messages
    assert not fleet.tags & set(fleet.pointers)


def test_pointers_that_stay_at_a_destroy_are_not_named(engine: Engine, fleet: Fleet) -> None:
    engine.up(STALE, "s", fleet.inputs(keepOnDestroy=True))
    engine.restart()
    engine.provider._session.destroying = True
    engine.messages.clear()
    engine.refresh("s")
    assert engine.messages == []


def test_a_registry_that_fails_while_they_are_named_ends_no_destroy(
    engine: Engine, fleet: Fleet
) -> None:
    engine.up(STALE, "s", fleet.inputs())
    engine.restart()
    engine.provider._session.destroying = True
    fleet.registry.fault("GET .*/manifests/py3.11", status=403, times=99)
    engine.refresh("s")
    assert "unread" not in engine.resources["s"].outputs
