"""What `FLEET_ALLOWED_REMOVALS` lets go, through the engine, which passes it to the provider."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.reports.report import document
from tests.engine.kept import Kept
from tests.engine.reading import Reading
from tests.engine.registries import Distribution
from tests.engine.seeding import move_tag, push_build
from tests.engine.stack import Declared, EngineStack

pytestmark = pytest.mark.integration

REPOSITORY = "team/app"
VERSION, LATEST, LEFT = "py3.11-0.34.0", "py3.11-LATEST", "py3.11-0.34"
STRAY = "py3.8-LATEST"


class Gate:
    """A stack with one version and two pointers; a preview's report is what an update may do."""

    def __init__(self, stack: EngineStack, distribution: Distribution, report: Path) -> None:
        self.stack, self.distribution, self._report = stack, distribution, report
        place = f"{distribution.host}/{REPOSITORY}"
        built = push_build(distribution, f"{REPOSITORY}/build", "seed")
        self.declared = Declared(
            repository=place,
            build=f"{place}/build",
            tags={VERSION: built},
            pointers={LATEST: VERSION, LEFT: VERSION},
        )
        stack.declare(self.declared)
        stack.up()

    def push(self) -> None:
        """Have somebody point a stale name at an image of ours."""
        move_tag(self.distribution, REPOSITORY, STRAY, VERSION)

    def preview(self) -> list[str]:
        """Preview as a workflow does, and return the tags that are told to go."""
        environment = self.stack.environment
        environment.pop("FLEET_ALLOWED_REMOVALS", None)
        found = self.stack.preview().report
        self._report.write_text(json.dumps(document(found)))
        environment["FLEET_ALLOWED_REMOVALS"] = str(self._report)
        return sorted(ref.rpartition(":")[2] for ref in found.removals)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gate, Kept]]:
    """The stack, brought up once for the tests of this file."""
    folder = tmp_path_factory.mktemp("allowed")
    with Distribution(folder / "registry") as distribution:
        stack = EngineStack(folder / "project", distribution.environment)
        gate = Gate(stack, distribution, folder / "preview.json")
        yield gate, Kept(folder / "kept", stack, [distribution])


@pytest.fixture
def gate(kept: tuple[Gate, Kept]) -> Gate:
    kept[1].put_back()
    return kept[0]


@pytest.fixture
def view(gate: Gate) -> Reading:
    return Reading(gate.distribution, REPOSITORY)


def test_what_was_pushed_after_the_preview_waits_for_the_next(gate: Gate, view: Reading) -> None:
    gate.stack.declare(dataclasses.replace(gate.declared, pointers={LATEST: VERSION}))
    assert gate.preview() == [LEFT]
    gate.push()
    done = gate.stack.up()
    assert view.tags().keys() == {VERSION, LATEST, STRAY}
    assert f"stale, and not removed in this run: {STRAY}" in done.messages
    assert gate.preview() == [STRAY]
    gate.stack.up()
    assert view.tags().keys() == {VERSION, LATEST}


def test_what_a_run_may_remove_is_in_no_input_and_changes_no_row(gate: Gate, view: Reading) -> None:
    gate.stack.up()
    before = gate.stack.resources()[gate.declared.repository]["inputs"]
    assert gate.preview() == []
    gate.push()
    done = gate.stack.up()
    assert STRAY in view.tags()
    assert gate.stack.resources()[gate.declared.repository]["inputs"] == before
    gate.stack.environment.pop("FLEET_ALLOWED_REMOVALS")
    assert gate.stack.preview().steps == done.steps


def test_the_remover_of_an_image_that_left_stays_with_what_no_preview_listed(
    gate: Gate, view: Reading
) -> None:
    gone = dataclasses.replace(gate.declared, tags={}, pointers={}, policy={})
    gate.stack.declare(gone)
    assert gate.preview() == [LEFT, LATEST]
    gate.push()
    done = gate.stack.up("--continue-on-error", code=None)
    assert done.code != 0
    assert view.tags().keys() == {VERSION, STRAY}
    assert "their remover stays in the state" in done.messages
    assert gate.preview() == [STRAY]
    gate.stack.up()
    assert view.tags().keys() == {VERSION}
    assert gate.declared.repository not in gate.stack.resources()
