"""A program that `components.entrypoint` runs ends as one that the SDK runs by itself."""

import json
import shutil
from pathlib import Path

import pytest

from tests.engine.registries import Distribution
from tests.engine.seeding import push_build
from tests.engine.stack import EngineStack, Ran

pytestmark = pytest.mark.integration

REPOSITORY = "team/app"
MISTAKE = "a mistake in the program"


class Program:
    """The program of `ending.py` in a stack, with an image to name."""

    def __init__(self, stack: EngineStack, distribution: Distribution) -> None:
        self.stack = stack
        place = f"{distribution.host}/{REPOSITORY}"
        digest = push_build(distribution, f"{REPOSITORY}/build", "one", ["linux/amd64"])
        self._told = {
            "good": f"{place}:good",
            "bad": f"{place}:bad",
            "build": f"{place}/build",
            "digest": digest,
        }
        shutil.copy(Path(__file__).with_name("ending.py"), stack.root / "__main__.py")

    def tell(self, ending: str, *, run: bool) -> None:
        told = {**self._told, "ending": ending, "run": run}
        (self.stack.root / "ending.json").write_text(json.dumps(told))

    def up(self, ending: str, *, run: bool) -> tuple[Ran, set[str]]:
        """Update an empty stack; return how that ended and the tags that it made."""
        self.tell(ending, run=run)
        ran = self.stack.up("--continue-on-error", code=None)
        made = {name.rpartition(":")[2] for name in self.stack.resources() if REPOSITORY in name}
        self.stack.lose_state()
        return ran, made


@pytest.fixture
def program(stack: EngineStack, distribution: Distribution) -> Program:
    return Program(stack, distribution)


@pytest.mark.parametrize(
    ("ending", "says"),
    [
        ("resource", "its build or verification failed"),
        ("input", MISTAKE),
        ("output", MISTAKE),
        ("declaration", MISTAKE),
        ("refusal", "the declaration is refused"),
    ],
)
def test_what_fails_is_reported_and_ends_the_run_either_way(
    program: Program, ending: str, says: str
) -> None:
    plain, by_itself = program.up(ending, run=False)
    ran, made = program.up(ending, run=True)
    assert ran.code == plain.code != 0
    assert says in plain.messages
    assert says in ran.messages
    assert made >= by_itself, "it goes on with at least as much"
    assert "bad" not in made
    if ending == "resource":
        assert made == {"good"}


def test_what_a_preview_cannot_know_ends_it_no_sooner(program: Program) -> None:
    foreseen = []
    for run in (False, True):
        program.tell("none", run=run)
        foreseen.append(program.stack.preview().steps)
    assert foreseen[0] == foreseen[1]
    assert {step.name.rpartition(":")[2] for step in foreseen[0]} >= {"good"}
    program.tell("counted", run=True)
    program.stack.up()
    again = program.stack.up()
    assert again.steps == ()
    assert "\n0 waits for any output" in f"\n{again.messages}", "what grows with their square"
