"""A fleet that outgrows its stack, by the commands of docs/growing.md, and its life afterwards.

Two small images, one on the other, and a repository on the stand-in for GitHub. The tests share the
fleet and run in the order of this file.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import yaml

from tests.fleet.github.hub import Hub
from tests.fleet.pages.readmes import tags_in
from tests.github.api import TOKEN, GitHub
from tests.github.call import NAME, OWNER
from tests.github.server import serving
from tests.integration.registry_view import RegistryView
from tests.integration.runner import Runner, Step
from tests.integration.workshop import IMAGE, ROOT, Workshop

STACK = "grown"
PARENT = "python-gunicorn"
PARTS = (f"{STACK}-{PARENT}", f"{STACK}-{IMAGE}", f"{STACK}-github")
WORKFLOWS = {f".github/workflows/{name}.yml" for name in ("up", "preview", "drift")}
PAGES = {f"docs/images/{name}.md" for name in ("README", IMAGE, PARENT)}
HEAD = "b" * 40
STRAY = "py3.8-slim-LATEST"
START = f"assets/{PARENT}/image/start.sh"


def declare(workshop: Workshop, *, leaves: str = "") -> str:
    common = {
        "pythons": ["3.13"], "bases": ["slim"], "platforms": ["linux/amd64"],
        "extras": [],
    }  # fmt: skip
    parent = {"title": PARENT, "package": "gunicorn", "versions": ["23.0.0"], "requires": []}
    child = {"versions": ["0.34.0"], "builds-on": PARENT, "requires": ["uvicorn-worker"]}
    images = {IMAGE: {**common, **child}, PARENT: {**common, **parent}}
    return workshop.declare_stack(
        STACK,
        {name: image for name, image in images.items() if name != leaves},
        github={"repository": f"{OWNER}/{NAME}"},
        schedules={"drift": "1 2 * * *"},
    )


@pytest.fixture(scope="module")
def github() -> Iterator[GitHub]:
    made = GitHub()
    yield made
    assert made.violations == []


@pytest.fixture(scope="module")
def views(workshop: Workshop, github: GitHub) -> Iterator[dict[str, RegistryView]]:
    """The two repositories of the fleet, brought up once as one stack."""
    registry = declare(workshop)
    with (
        serving(github) as url,
        pytest.MonkeyPatch.context() as patch,
        workshop.no_wait_for_github(),
        workshop.verified_in_short(IMAGE, PARENT),
    ):
        patch.setenv("GITHUB_BASE_URL", url)
        patch.setenv("GITHUB_TOKEN", TOKEN)
        for name in ("GITHUB_OWNER", "GITHUB_ORGANIZATION"):
            patch.delenv(name, raising=False)
        workshop.make("up", f"STACK={STACK}")
        found = {name: workshop.view(name, registry) for name in (IMAGE, PARENT)}
        yield found
        for view in found.values():
            view.close()


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    made = Hub()
    yield made
    assert made.violations == []


@pytest.fixture
def runner(workshop: Workshop, hub: Hub, tmp_path: Path) -> Iterator[Runner]:
    """A runner for pull request 7."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": HEAD}}}))
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\ncat >/dev/null\n")
    docker.chmod(0o755)
    with serving(cast("GitHub", hub)) as url:
        made = Runner(root=workshop.root, temp=tmp_path, api=url, event=event)
        made.variables = {"PATH": f"{docker.parent}:{workshop.environment()['PATH']}"}
        made.values = {"steps.app.outputs.token": TOKEN}
        yield made


def live(views: dict[str, RegistryView]) -> dict[str, dict[str, str]]:
    return {name: view.tags() for name, view in views.items()}


def page(github: GitHub, name: str) -> str:
    return github.branch.files[f"docs/images/{name}.md"].decode()


def known_stacks(workshop: Workshop) -> set[str]:
    listed = json.loads(workshop.pulumi("stack", "ls", "--json").printed)
    names = {entry["name"].rpartition("/")[2] for entry in listed}
    return {name for name in names if name.startswith(STACK)}


def workflow(github: GitHub, name: str) -> str:
    return github.branch.files[f".github/workflows/{name}.yml"].decode()


def jobs(github: GitHub) -> dict[str, str]:
    """The keys of the jobs of the workflow up that write, by their stacks."""
    found = yaml.safe_load(workflow(github, "up"))["jobs"]
    return {job["env"]["STACK"]: key for key, job in found.items() if "STACK" in job.get("env", {})}


def all_well(steps: list[Step]) -> bool:
    for step in steps:
        assert step.code == 0, f"{step.name}\n{step.printed}"
    return bool(steps)


def test_the_documented_commands_move_no_name_and_build_nothing(
    workshop: Workshop, github: GitHub, views: dict[str, RegistryView]
) -> None:
    before, commits = live(views), len(github.branch.commits)
    pages = {path: github.branch.files[path] for path in PAGES}
    workshop.make("split", f"STACK={STACK}")
    refused = workshop.make("up", f"STACK={STACK}", code=None).printed
    assert f"make split STACK={STACK} APPLY=1" in refused, "two states would hold the same names"
    workshop.make("split", f"STACK={STACK}", "APPLY=1")
    assert known_stacks(workshop) == set(PARTS)
    assert "fleet:images" in (workshop.root / f"Pulumi.{STACK}.yaml").read_text()
    workshop.make("check", f"STACK={STACK}")
    preview = workshop.make("preview", f"STACK={STACK}").printed
    assert preview.count("0 build, 0 re-point, 0 remove") == 2
    assert preview.count("1 build, 2 re-point, 0 remove") == 1
    assert preview.count(f"stack {PARTS[0]} has not been up as a stack of its own") == 1
    printed = workshop.make("up", f"STACK={STACK}").printed
    assert printed.count("0 built, 0 re-pointed, 0 removed") == 3, "now all is known"
    assert "/build:" not in printed, "nothing is built"
    assert live(views) == before
    assert {commit.path for commit in github.branch.commits[commits:]} == WORKFLOWS
    assert {path: github.branch.files[path] for path in PAGES} == pages
    environment = github.settings.environments["registry"]
    assert environment.secrets.values == {}, "a registry on loopback has none"
    assert list(jobs(github)) == list(PARTS)


def test_a_second_up_changes_nothing(
    workshop: Workshop, github: GitHub, views: dict[str, RegistryView]
) -> None:
    writes = len(github.writes)
    for part in PARTS:
        assert workshop.steps("up", "--stack", part, "--yes", "--skip-preview").done == ()
    assert github.writes[writes:] == []
    assert live(views)


def test_the_engine_refuses_the_stack_that_was_split(workshop: Workshop) -> None:
    workshop.pulumi("stack", "init", STACK)
    try:
        printed = workshop.pulumi("up", "--stack", STACK, "--yes", code=None).printed
        assert f"is split into {', '.join(PARTS)}" in " ".join(printed.split())
    finally:
        workshop.pulumi("stack", "rm", STACK, "--yes", "--preserve-config")


def test_plan_and_pages_are_of_the_whole_fleet(
    workshop: Workshop, github: GitHub, views: dict[str, RegistryView]
) -> None:
    whole = workshop.make("-s", "plan", f"STACK={STACK}").printed
    assert PARENT in whole
    assert IMAGE in whole
    for name in (STACK, PARTS[0]):
        shown = workshop.make("-s", "docs", f"STACK={name}", f"IMAGE={IMAGE}").printed
        assert shown == page(github, IMAGE)
    assert f"[`{PARENT}`]({PARENT}.md)" in page(github, "README")


def test_a_change_below_is_shown_built_in_turn_and_shown_on_all_pages(
    workshop: Workshop, github: GitHub, hub: Hub, runner: Runner, views: dict[str, RegistryView]
) -> None:
    before = live(views)
    views[PARENT].move(STRAY, "py3.13-slim-LATEST")
    with workshop.edited(START, "#!/bin/sh", "#!/bin/sh\n# edited"):
        assert all_well(runner.run(workflow(github, "preview"), "preview"))
        (comment,) = hub.comments[7]
        for part in PARTS:
            assert f"| `{part}` |" in comment["body"]
        assert comment["body"].count("| `build` |") == 2, "also what is built on it"
        assert all_well(runner.run(workflow(github, "up"), "look"))
        assert runner.outputs == {"removals": "1"}, "of all stacks"
        for part in PARTS:
            assert all_well(runner.run(workflow(github, "up"), jobs(github)[part]))
            assert f"## `{part}`" in runner.summary
        after = live(views)
        assert STRAY not in after[PARENT]
        for name in views:
            assert not set(before[name].values()) & set(after[name].values())
            assert tags_in(page(github, name)) == set(after[name])
            assert after[name]["py3.13-slim-LATEST"] in page(github, name)
        assert workshop.make("up", f"STACK={STACK}").code == 0
        assert live(views) == after


def test_drift_of_all_stacks_is_one_issue_and_closed_again(
    workshop: Workshop, github: GitHub, hub: Hub, runner: Runner, views: dict[str, RegistryView]
) -> None:
    workshop.make("up", f"STACK={STACK}")
    views[PARENT].move(STRAY, "py3.13-slim-LATEST")
    github.branch.commit(f"docs/images/{IMAGE}.md", b"# Mine\n")
    assert all_well(runner.run(workflow(github, "drift"), "drift"))
    (issue,) = hub.issues
    assert STRAY in issue["body"]
    assert f"docs/images/{IMAGE}.md" in issue["body"]
    workshop.make("up", f"STACK={STACK}")
    assert all_well(runner.run(workflow(github, "drift"), "drift"))
    assert issue["state"] == "closed"


def test_a_stack_that_fails_stops_those_on_it_and_no_other(
    workshop: Workshop, github: GitHub, views: dict[str, RegistryView]
) -> None:
    before = live(views)
    github.branch.commit(f"docs/images/{IMAGE}.md", b"# Mine\n")
    with workshop.own_dockerfile(PARENT, "image", "EXPOSE 80", "RUN exit 3\nEXPOSE 80"):
        printed = workshop.make("up", f"STACK={STACK}", code=None).printed
        alone = workshop.make("up", f"STACK={PARTS[1]}", code=None).printed
    assert f"stack {PARTS[1]} is left out: {PARTS[0]} failed" in printed
    assert f"run `make up STACK={PARTS[0]}`, then this one again" in " ".join(alone.split())
    assert live(views) == before
    assert page(github, IMAGE) != "# Mine\n", "the stack of the pages is not left out"
    workshop.make("up", f"STACK={STACK}")
    assert live(views) == before


def test_an_image_that_leaves_takes_its_stack_and_its_page_along(
    workshop: Workshop, github: GitHub, views: dict[str, RegistryView]
) -> None:
    version = views[IMAGE].tags()["py3.13-slim-0.34.0"]
    kept = views[PARENT].tags()
    workshop.pulumi("destroy", "--stack", PARTS[1], "--yes")
    workshop.pulumi("stack", "rm", PARTS[1], "--yes")
    declare(workshop, leaves=IMAGE)
    workshop.make("check", f"STACK={STACK}")
    printed = workshop.make("up", f"STACK={STACK}").printed
    assert "this stack has no tags" in printed, "that of the repository"
    assert live(views) == {IMAGE: {"py3.13-slim-0.34.0": version}, PARENT: kept}
    assert f"docs/images/{IMAGE}.md" not in github.branch.files
    assert IMAGE not in page(github, "README")
    assert list(jobs(github)) == [PARTS[0], PARTS[2]]


def test_this_is_what_the_page_tells() -> None:
    text = (ROOT / "docs" / "growing.md").read_text()
    for command in (
        "make split STACK=prod ", "make split STACK=prod APPLY=1", "make check STACK=prod",
        "make preview STACK=prod", "make up STACK=prod", "pulumi destroy --stack", "stack rm",
    ):  # fmt: skip
        assert f"$ {command}" in text.replace("$ pulumi stack rm", "$ stack rm")
