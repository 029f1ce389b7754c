"""The workflows of a fleet that was split into stacks."""

from typing import Any

import pytest

from fleet.declaration.split import FleetStack
from fleet.github.render import workflows
from fleet.github.render.workflows import LIMITS
from tests.fleet.pages.examples import TEMPLATES, declared, rendered, runs, split, steps, workflow

BEFORE = ("look", "approve")
APART = (*BEFORE, "publish")
APPROVED = (
    "!cancelled() && needs.look.result == 'success' && "
    "(needs.look.outputs.removals == '0' || needs.approve.result == 'success')"
)
UP = ".github/workflows/up.yml"


def jobs(files: dict[str, str] | None = None) -> dict[str, Any]:
    """The jobs of the workflow up that write, by the stacks that they are for."""
    found = workflow("up", files or split())["jobs"].items()
    return {job["env"]["STACK"]: job for key, job in found if key not in APART}


def keys() -> dict[str, str]:
    """The stacks by the keys of their jobs."""
    found = workflow("up", split())["jobs"]
    return {key: job["env"]["STACK"] for key, job in found.items() if key not in APART}


def test_each_stack_has_a_job_after_those_that_it_builds_on() -> None:
    waits = {stack: job["needs"] for stack, job in jobs().items()}
    assert all(tuple(names[:2]) == BEFORE for names in waits.values())
    needs = {stack: [keys()[key] for key in names[2:]] for stack, names in waits.items()}
    assert needs == {
        "prod-base": [],
        "prod-lone": [],
        "prod-top": ["prod-base"],
        "prod-github": ["prod-base", "prod-lone", "prod-top"],
    }
    assert {stack: job["name"] for stack, job in jobs().items()} == {
        stack: f"up {stack}" for stack in needs
    }


def test_only_the_job_of_the_pages_goes_on_where_another_failed() -> None:
    found = {stack: job["if"] for stack, job in jobs().items()}
    (base,) = [key for key, stack in keys().items() if stack == "prod-base"]
    assert found.pop("prod-top") == f"{APPROVED} && needs.{base}.result == 'success'"
    assert set(found.values()) == {APPROVED}


def test_one_list_and_one_review_for_all_stacks() -> None:
    look = workflow("up", split())["jobs"]["look"]
    assert look["if"] == "github.repository == 'multi-py/fleet'"
    assert look["timeout-minutes"] == 4 * LIMITS.job
    assert "STACK" not in look["env"], "that of the whole fleet"
    for stack, job in jobs().items():
        (up,) = [step["env"] for step in job["steps"] if step["name"] == "Up"]
        expected = f"${{{{ runner.temp }}}}/removals/preview.{stack}.json"
        assert up["FLEET_ALLOWED_REMOVALS"] == expected


def test_one_group_for_the_fleet_and_the_same_one_as_before() -> None:
    assert workflow("up", split())["concurrency"] == workflow("up")["concurrency"]
    assert workflow("up", split())["env"] == {"STACK": "prod"}


def test_the_jobs_that_look_are_those_of_one_stack_with_the_time_of_all() -> None:
    before, after = rendered(), split()
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {UP, *(f".github/workflows/{name}.yml" for name in ("preview", "drift"))}
    for name in ("preview", "drift"):
        path = f".github/workflows/{name}.yml"
        assert after[path] == longer(before[path], "180")
        assert workflow(name, split())["jobs"][name]["timeout-minutes"] == 4 * LIMITS.job
    many = tuple(FleetStack(name=f"p-{n}", images=(), after=(), github=False) for n in range(99))
    files = workflows.files(declared(), "p", TEMPLATES, many)
    assert workflow("drift", files)["jobs"]["drift"]["timeout-minutes"] == LIMITS.up


def longer(text: str, minutes: str) -> str:
    """Return a workflow with other minutes for its last job."""
    head, key, tail = text.rpartition("timeout-minutes: 45")
    assert key
    return f"{head}timeout-minutes: {minutes}{tail}"


def test_every_job_does_what_the_one_job_does() -> None:
    expected = [step["run"] for step in steps("up") if "run" in step]
    for stack, job in jobs().items():
        found = [step["run"] for step in job["steps"] if "run" in step]
        # The one of the repository logs in, too: the catalog shows what the registry says.
        is_last = stack == "prod-github"
        assert found == [run for run in expected if is_last or "make catalog" not in run]
    assert set(runs(split())) == set(runs(rendered()))


def test_only_the_job_of_the_repository_has_the_token_that_writes_there() -> None:
    for stack, job in jobs().items():
        given = [step.get("env", {}) for step in job["steps"]]
        tokens = [env["GITHUB_TOKEN"] for env in given if "FLEET_GITHUB_TOKEN" in env
                  and "GITHUB_TOKEN" in env]  # fmt: skip
        apps = [step for step in job["steps"] if "app-token" in step.get("uses", "")]
        assert bool(tokens) == bool(apps) == (stack == "prod-github")
        may = "read" if stack == "prod-github" else "write"
        assert job["permissions"]["packages"] == may


def test_a_job_makes_the_builders_and_emulators_of_its_own_images() -> None:
    def used(stack: str, action: str) -> list[dict[str, Any]]:
        found = (step for step in jobs()[stack]["steps"] if action in step.get("uses", ""))
        return [step["with"] for step in found]

    assert [made["platforms"] for made in used("prod-base", "setup-qemu")] == ["arm"]
    assert used("prod-lone", "setup-qemu") == []
    assert len(used("prod-lone", "setup-buildx")) == 1
    assert used("prod-github", "setup-buildx") == used("prod-github", "setup-qemu") == []


@pytest.mark.parametrize("number", [0, 1])
def test_a_repository_without_other_stacks_waits_for_none(number: int) -> None:
    stacks = (FleetStack(name="p-web", images=("web",), after=(), github=True),)
    files = workflows.files(declared(), "p", TEMPLATES, stacks[:number])
    (job,) = [job for key, job in workflow("up", files)["jobs"].items() if key not in APART]
    assert tuple(job["needs"]) == BEFORE
    assert job["if"] == APPROVED
