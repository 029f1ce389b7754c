"""What is asked of the engine for a tag's build and verification, beside their inputs."""

from tests.components.engine import IMAGE, Options, run
from tests.components.plans import plan


def test_no_build_is_deleted_with_its_resource_and_none_runs_for_longer_than_promised() -> None:
    engine, _ = run(plan())
    options = [engine.options[asked.name] for asked in engine.of(IMAGE)]
    assert options == [Options(retain=True, create="90m", update="90m")] * 4
