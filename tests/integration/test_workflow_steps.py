"""The scripts of every rendered workflow, run for real: engine, builder, registry, and a GitHub.

The one stack is small. Actions are not run, for nobody serves them here; a login for
the bases is given to a stand-in for Docker's client.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import yaml
from packaging.version import Version

from fleet.checkout.page_texts import read_templates
from fleet.declaration.parse import parse
from fleet.github.render import workflows
from tests.fleet.github.hub import REPOSITORY, Hub
from tests.github.api import GitHub
from tests.github.server import serving
from tests.integration.registry_view import RegistryView
from tests.integration.runner import Runner, Step
from tests.integration.workshop import IMAGE, ROOT, Workshop

# Of its own in each run: a kept workshop has what an older run brought up.
STACK = f"steps-{os.getpid()}"
HEAD = "a" * 40
POINTER = "py3.13-slim-LATEST"
STRAY, LATER = "py3.8-slim-LATEST", "py3.9-slim-LATEST"
LOGINS = {"docker.io": {"username": "HUB_USER", "password": "HUB_WORD"}}
FLEET = {"repository": REPOSITORY, "drift": "repair"}


@pytest.fixture(scope="module")
def view(workshop: Workshop) -> Iterator[RegistryView]:
    """The repository of a stack with one tag for this machine's platform."""
    image = {"pythons": ["3.13"], "bases": ["slim"], "versions": ["0.34.0"]}
    registry = workshop.declare_stack(STACK, {IMAGE: {**image, "platforms": ["linux/amd64"]}})
    workshop.make("-s", "lock", f"STACK={STACK}")
    found = workshop.view(IMAGE, registry)
    yield found
    found.close()


@pytest.fixture(scope="module")
def files(workshop: Workshop, view: RegistryView) -> dict[str, str]:
    """Return what the templates make of that stack and a repository, both schedules declared."""
    text = (workshop.root / f"Pulumi.{STACK}.yaml").read_text()
    config = {k.removeprefix("fleet:"): v for k, v in yaml.safe_load(text)["config"].items()}
    schedules = {"drift": "1 2 * * *", "versions": "1 3 * * *"}
    more = {"schedules": schedules, "github": FLEET, "logins": LOGINS}
    declared = parse({**config, **more})
    made = workflows.files(declared, STACK, read_templates(ROOT))
    return {Path(path).stem: made for path, made in made.items()}


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    made = Hub()
    yield made
    assert made.violations == []


@pytest.fixture(scope="module")
def api(hub: Hub) -> Iterator[str]:
    with serving(cast("GitHub", hub)) as url:
        yield url


@pytest.fixture
def runner(workshop: Workshop, api: str, tmp_path: Path) -> Runner:
    """A runner for pull request 7, with a Docker client that notes what it is told."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": HEAD}}}))
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/login\ncat >>{tmp_path}/login\n')
    docker.chmod(0o755)
    made = Runner(root=workshop.root, temp=tmp_path, api=api, event=event)
    made.variables = {"PATH": f"{docker.parent}:{workshop.environment()['PATH']}"}
    return made


def ended(steps: list[Step]) -> dict[str, int]:
    return {step.name: step.code for step in steps}


def all_well(steps: list[Step]) -> bool:
    for step in steps:
        assert step.code == 0, f"{step.name}\n{step.printed}"
    return bool(steps)


def test_the_check_of_a_fork_needs_neither_state_nor_secret(
    runner: Runner, files: dict[str, str], hub: Hub
) -> None:
    runner.variables |= {"PULUMI_BACKEND_URL": "", "GITHUB_TOKEN": ""}
    (step,) = runner.run(files["preview"], "check")
    assert step.code == 0, step.printed
    assert f"{STACK}: 1 tags of 1 images" in step.printed
    assert hub.log == []


def test_a_preview_comments_once_and_shows_its_page(
    runner: Runner, files: dict[str, str], hub: Hub, view: RegistryView
) -> None:
    for _ in range(2):
        assert all_well(runner.run(files["preview"], "preview"))
    (comment,) = hub.comments[7]
    for shown in (comment["body"], runner.summary):
        assert f"### `{view.reference}` (" in shown
        assert "| `py3.13-slim-0.34.0` | `build` |" in shown
    assert view.tags() == {}, "a preview writes nothing to the registry"


def listed(runner: Runner, files: dict[str, str]) -> int:
    """Run the job that lists what would be removed; tell how many names it lists."""
    (runner.temp / "outputs").unlink(missing_ok=True)
    assert all_well(runner.run(files["up"], "look"))
    return int(runner.outputs["removals"])


def test_a_merge_brings_the_registry_up(
    runner: Runner, files: dict[str, str], view: RegistryView
) -> None:
    runner.values = {"vars.HUB_USER": "u", "secrets.HUB_WORD": "p w"}
    assert listed(runner, files) == 0
    assert view.tags() == {}, "the job that lists writes nothing"
    assert not (runner.temp / "login").exists(), "and pulls no base"
    steps = runner.run(files["up"], "up")
    assert all_well(steps)
    assert len(steps) == 5
    login = (runner.temp / "login").read_text()
    assert login == "login --username u --password-stdin docker.io\np w"
    live = view.tags()
    assert live[POINTER] == live["py3.13-slim-0.34.0"]
    assert "1 built" in runner.summary
    assert not (runner.temp / "docker" / "config.json").exists()


def test_a_removal_is_listed_for_reviewers_before_anything_is_changed(
    runner: Runner, files: dict[str, str], view: RegistryView
) -> None:
    view.move(STRAY, POINTER)
    assert listed(runner, files) == 1
    digest = (view.digest(POINTER) or "")[7:19]
    assert f"| `{STRAY}` | `remove` | `{digest}` |" in runner.summary
    assert STRAY in view.tags()
    assert all_well(runner.run(files["up"], "approve"))
    assert all_well(runner.run(files["up"], "up"))
    assert STRAY not in view.tags()


def test_what_is_pushed_after_the_list_stays_and_is_offered_by_the_next(
    runner: Runner, files: dict[str, str], view: RegistryView
) -> None:
    view.move(STRAY, POINTER)
    assert listed(runner, files) == 1
    view.move(LATER, POINTER)
    steps = runner.run(files["up"], "up")
    assert all_well(steps)
    live = view.tags()
    assert STRAY not in live
    assert live[LATER] == live[POINTER]
    (up,) = [step for step in steps if step.name == "Up"]
    assert LATER in up.printed, "that it stays is told"
    assert listed(runner, files) == 1
    assert all_well(runner.run(files["up"], "up"))
    assert LATER not in view.tags()


def test_where_nothing_was_listed_nothing_is_removed(
    runner: Runner, files: dict[str, str], view: RegistryView
) -> None:
    assert listed(runner, files) == 0
    view.move(STRAY, POINTER)
    assert all_well(runner.run(files["up"], "up"))
    assert STRAY in view.tags()
    assert listed(runner, files) == 1
    assert all_well(runner.run(files["up"], "up"))


def test_a_preview_that_broke_off_lists_nothing_and_stops_the_run(
    runner: Runner, files: dict[str, str], workshop: Workshop
) -> None:
    with workshop.edited(
        "components/fleet.py", "    Guard(", '    raise RuntimeError("broken")\n    Guard('
    ):
        steps = runner.run(files["up"], "look")
    assert ended(steps)["List what would be removed"] != 0
    assert "removals" not in runner.outputs, "so that no job takes it for 0"


def test_drift_is_reported_repaired_and_its_issue_closed(
    runner: Runner, files: dict[str, str], hub: Hub, view: RegistryView
) -> None:
    view.move(STRAY, POINTER)
    assert all_well(runner.run(files["drift"], "drift"))
    (issue,) = hub.issues
    assert STRAY in issue["body"]
    assert hub.dispatched == [{"workflow": "up.yml", "ref": "main"}]
    assert listed(runner, files) == 1, "reviewers are asked as for any other run"
    assert all_well(runner.run(files["up"], "up"))
    assert STRAY not in view.tags()
    assert all_well(runner.run(files["drift"], "drift"))
    assert issue["state"] == "closed"
    assert len(hub.dispatched) == 1


def test_a_look_that_fails_fails_the_job_and_closes_no_issue(
    runner: Runner, files: dict[str, str], hub: Hub, workshop: Workshop
) -> None:
    hub.issues[0]["state"] = "open"
    with workshop.edited(
        "components/fleet.py", "    Guard(", '    raise RuntimeError("broken")\n    Guard('
    ):
        steps = runner.run(files["drift"], "drift")
    codes = ended(steps)
    assert codes["Compare every platform of every tag with the declaration"] != 0
    assert codes["Report drift in the one issue; fail where something could not be verified"] != 0
    assert "Have the workflow up repair it" not in codes
    assert hub.issues[0]["state"] == "open"
    assert "broken" in hub.issues[0]["body"]


def test_an_up_that_is_out_of_time_gives_its_lock_back(
    runner: Runner, files: dict[str, str], workshop: Workshop
) -> None:
    """Killed together with its job, it would keep the next one out."""
    assert listed(runner, files) == 0
    short = files["up"].replace(f'LIMIT: "{workflows.LIMITS.engine}"', 'LIMIT: "45s"')
    assert short != files["up"]
    endless = 'RUN ["python3", "-c", "import time; time.sleep(3600)"]\nRUN --network'
    with workshop.own_dockerfile(IMAGE, "verify", "RUN --network", endless):
        steps = {step.name: step for step in runner.run(short, "up")}
    assert steps["Up"].code != 0
    assert "canceled" in steps["Up"].printed
    locks = workshop.root / ".fleet/state/.pulumi/locks"
    assert [path for path in locks.rglob("*") if path.is_file()] == []
    assert all_well(runner.run(files["up"], "up"))


def test_bootstrap_does_nothing_while_something_is_missing(workshop: Workshop) -> None:
    printed = workshop.make("bootstrap", f"STACK={STACK}", code=None).printed
    assert "FAIL" in printed
    assert "What each token may do" in printed
    assert "tags of" not in printed


def test_new_releases_become_a_pull_request(
    runner: Runner, files: dict[str, str], hub: Hub, workshop: Workshop
) -> None:
    """Asked for at PyPI itself; bases at this registry. No image here follows Python's cycle."""
    stack = workshop.root / f"Pulumi.{STACK}.yaml"
    text = stack.read_text()
    declared = yaml.safe_load(text)
    declared["config"]["fleet:github"] = FLEET
    declared["config"]["fleet:images"][IMAGE]["releases"] = {"max-versions": 2}
    stack.write_text(yaml.safe_dump(declared, sort_keys=False))
    fresh = stack.read_text()
    hub.branches.add(runner._defaults()["GITHUB_SHA"])
    try:
        assert all_well(runner.run(files["versions"], "resolve"))
        followed = yaml.safe_load(stack.read_text())
        # The other job has a checkout of its own.
        stack.write_text(fresh)
        assert all_well(runner.run(files["versions"], "versions"))
    finally:
        stack.write_text(text)
    newest = followed["config"]["fleet:images"][IMAGE]["versions"]
    assert len(newest) == 2
    assert all(Version("0.34.0") < Version(version) for version in newest)
    (pull,) = [pull for pull in hub.pulls if pull["state"] == "open"]
    for version in newest:
        assert f"`{version}` comes: one of the 2 newest releases" in pull["body"]
    assert "`0.34.0` leaves" in pull["body"]
    assert pull["body"] == runner.summary
    assert set(hub.branches.files(f"fleet/versions-{STACK}")) == {f"Pulumi.{STACK}.yaml"}


def test_the_files_are_of_a_stack_with_everything_declared(files: dict[str, str]) -> None:
    assert set(files) == {"preview", "up", "drift", "versions", "dependabot"}
