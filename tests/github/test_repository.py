"""The fleet's repository with the real engine and the real plugin: made, kept, and let go."""

import json
from pathlib import Path

import pytest

from tests.github.api import TOKEN, Fault, GitHub
from tests.github.conftest import CANARY
from tests.github.stack import README, SETTINGS, WORKFLOW, Declared, GitHubStack

pytestmark = pytest.mark.integration

FILES = Declared().files


def held(github: GitHub) -> dict[str, str]:
    """Return the declared files as GitHub has them."""
    kept = github.branch.files
    return {path: kept[path].decode() for path in FILES if path in kept}


def test_the_first_up_makes_what_is_declared_and_the_second_makes_no_commit(
    stack: GitHubStack, github: GitHub
) -> None:
    github.branch.commit(README, b"what a person wrote\n")
    stack.up()
    assert held(github) == FILES
    commits = github.branch.commits[2:]
    assert {commit.path for commit in commits} == set(FILES)
    assert all(commit.message.endswith(" [skip ci]") for commit in commits)
    assert {commit.name for commit in commits} == {"image-fleet"}
    environment = github.settings.environments["registry"]
    assert list(environment.policies.values()) == ["main"]
    assert environment.settings["deployment_branch_policy"] == {
        "protected_branches": False,
        "custom_branch_policies": True,
    }
    assert environment.secrets.values == {"BACKEND_KEY": CANARY}
    assert github.settings.environments["registry"].variables.values == {"STACK": "prod"}
    assert github.settings.permissions == {
        "default_workflow_permissions": "read",
        "can_approve_pull_request_reviews": False,
    }
    written = len(github.writes)
    assert stack.preview().steps == ()
    assert stack.up().steps == ()
    assert github.writes[written:] == []


def test_what_somebody_changed_on_github_is_told_and_put_back(
    stack: GitHubStack, github: GitHub
) -> None:
    stack.up()
    environment = github.settings.environments["registry"]
    github.branch.commit(WORKFLOW, b"name: mine\n")
    github.branch.commit(README, None)
    environment.secrets.drop("BACKEND_KEY")
    environment.policies.update(dict.fromkeys(environment.policies, "*"))
    github.settings.permissions["default_workflow_permissions"] = "write"
    del environment.variables.held["STACK"]
    commits = len(github.branch.commits)
    told = {(step.op, step.name) for step in stack.preview().steps}
    assert told == {
        ("update", f"team/fleet/{WORKFLOW}"),
        ("create", f"team/fleet/{README}"),
        ("create", "team/fleet/registry/BACKEND_KEY"),
        ("update", "team/fleet/registry"),
        ("update", "team/fleet"),
        ("create", "team/fleet/registry/STACK"),
    }
    assert len(github.branch.commits) == commits
    stack.up()
    assert held(github) == FILES
    assert environment.secrets.values == {"BACKEND_KEY": CANARY}
    assert list(environment.policies.values()) == ["main"]
    assert github.settings.permissions["default_workflow_permissions"] == "read"
    assert github.settings.environments["registry"].variables.values == {"STACK": "prod"}
    assert len(github.branch.commits) == commits + 2
    assert stack.up().steps == ()


def test_what_leaves_the_declaration_is_deleted_and_what_is_a_persons_stays(
    stack: GitHubStack, github: GitHub
) -> None:
    stack.manage(secrets=("BACKEND_KEY", "OLD_KEY"))
    stack.give("OLD_KEY", "old")
    stack.up()
    secrets = github.settings.environments["registry"].secrets
    assert set(secrets.values) == {"BACKEND_KEY", "OLD_KEY"}
    stack.manage(files={README: FILES[README]}, variables={})
    stack.up()
    assert set(github.branch.files) == {README, "README.md"}
    gone = github.branch.commits[-1]
    assert (gone.path, gone.content, gone.name) == (WORKFLOW, None, "image-fleet")
    assert gone.message.endswith(" [skip ci]")
    assert secrets.values == {"BACKEND_KEY": CANARY}
    assert github.settings.environments["registry"].variables.values == {}
    assert stack.up().steps == ()


def test_destroy_keeps_files_and_secrets_and_closes_the_environment(
    stack: GitHubStack, github: GitHub
) -> None:
    stack.up()
    commits = len(github.branch.commits)
    environment = github.settings.environments["registry"]
    stack.destroy()
    assert held(github) == FILES
    assert len(github.branch.commits) == commits
    assert environment.secrets.values == {"BACKEND_KEY": CANARY}
    assert environment.settings["deployment_branch_policy"]["custom_branch_policies"]
    assert environment.policies == {}
    assert github.settings.permissions["default_workflow_permissions"] == "read"
    stack.up()
    assert held(github) == FILES
    assert list(environment.policies.values()) == ["main"]
    assert stack.up().steps == ()


def test_a_stack_that_declares_no_repository_any_more_leaves_it_as_destroy_does(
    stack: GitHubStack, github: GitHub
) -> None:
    stack.up()
    stack.manage(github=None)
    stack.up()
    assert held(github) == FILES
    assert github.settings.environments["registry"].secrets.values == {"BACKEND_KEY": CANARY}


def test_all_that_is_missing_is_told_at_once_and_nothing_is_changed(
    stack: GitHubStack, github: GitHub
) -> None:
    stack.manage(secrets=("BACKEND_KEY", "APP_KEY", "PLAIN"))
    stack.give("PLAIN", "open", plain=True)
    stack.environment["GITHUB_OWNER"] = "other"
    failed = stack.up(code=None)
    assert failed.code != 0
    assert "3 problems in Pulumi.dev.yaml; nothing was changed:" in failed.messages
    assert "secrets:APP_KEY: is declared in fleet:secrets and has no value" in failed.messages
    assert "pulumi config set --secret --stack dev secrets:APP_KEY" in failed.messages
    assert "secrets:PLAIN: is in plain text" in failed.messages
    assert "Unset GITHUB_OWNER" in failed.messages
    assert "Traceback" not in failed.printed
    assert github.log == []


def test_no_token_and_no_secret_is_in_the_state_or_in_what_is_printed(
    stack: GitHubStack, github: GitHub
) -> None:
    printed = [stack.preview("--diff").printed, stack.up("--diff").printed]
    secrets = github.settings.environments["registry"].secrets
    assert secrets.values == {"BACKEND_KEY": CANARY}
    stack.give("BACKEND_KEY", f"{CANARY}, renewed")
    github.faults.append(Fault("PUT .*/secrets/", 500, times=99))
    failed = stack.up("--diff", code=None)
    assert failed.code != 0
    github.faults.clear()
    printed += [failed.printed, stack.up("--diff").printed, json.dumps(stack.export())]
    assert secrets.values == {"BACKEND_KEY": f"{CANARY}, renewed"}
    printed += [path.read_bytes().decode(errors="replace") for path in files_of(stack)]
    assert any(path.suffix == ".bak" for path in files_of(stack)), "the engine keeps backups"
    assert SETTINGS.environment in printed[0]
    for text in (*printed, *(content.decode() for content in github.branch.files.values())):
        assert CANARY not in text
        assert TOKEN not in text


def files_of(stack: GitHubStack) -> list[Path]:
    """Return the files of the project, its state and what Pulumi keeps for the user."""
    home = Path(stack.environment["PULUMI_HOME"])
    found = [path for root in (stack.root, home) for path in root.rglob("*")]
    return [path for path in found if path.is_file() and "plugins" not in path.parts]
