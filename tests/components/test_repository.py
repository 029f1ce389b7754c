"""The fleet's repository under a recording engine: what is asked for, and what is never deleted."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components.github_repository import Repository, RepositoryArgs
from fleet.declaration.github import GitHub

_PREFIX = "github:index/"
SETTINGS = GitHub(
    repository="team/fleet",
    branch="main",
    environment="registry",
    runner="ubuntu-24.04",
    architecture="linux/amd64",
    check_runner="ubuntu-24.04",
    emulation=True,
    drift="report",
    versions="propose",
)
FILES = {".github/workflows/up.yml": "name: up\n", "images/web/README.md": "# Web\n"}


@dataclass
class Recorder(pulumi.runtime.Mocks):
    """Keeps each resource's inputs by kind and name, and its provider."""

    asked: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    providers: set[str | None] = field(default_factory=set)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.asked[args.typ.rpartition(":")[2], args.name] = args.inputs
        if args.typ.startswith(_PREFIX):
            self.providers.add(args.provider)
        return f"{args.name}-id", args.inputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"the program called {args.token}")


class Monitor(mocks.MockMonitor):
    """Keeps also what is asked of each kind's deletion: `(retain, deleted with)`."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.deletions: dict[str, tuple[bool, str]] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the SDK's name
        if request.type.startswith(_PREFIX):
            found = (request.retainOnDelete, request.deletedWith.rpartition("::")[2])
            self.deletions[request.type.rpartition(":")[2]] = found
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def run() -> tuple[Recorder, Monitor]:
    """Declare the repository."""
    recorder = Recorder()
    monitor = Monitor(recorder)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        mocks.set_mocks(recorder, project="fleet", stack="test", monitor=monitor)
        loop.run_until_complete(program())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return recorder, monitor


async def program() -> None:
    args = RepositoryArgs(
        github=SETTINGS,
        files=FILES,
        secrets={"BACKEND_KEY": pulumi.Output.secret("hidden")},
        variables={"STACK": "prod"},
    )
    Repository(SETTINGS.repository, args)
    await pulumi.runtime.stack.wait_for_rpcs()


@pytest.fixture(scope="module")
def ran() -> Recorder:
    return run()[0]


def test_logical_names_stay_as_they_are_for_a_changed_one_is_another_resource(
    ran: Recorder,
) -> None:
    assert set(ran.asked) == {
        ("Repository", "team/fleet"),
        ("github", "team/fleet"),
        ("RepositoryEnvironment", "team/fleet/registry"),
        ("RepositoryEnvironmentDeploymentPolicy", "team/fleet/registry"),
        ("WorkflowRepositoryPermissions", "team/fleet"),
        ("ActionsEnvironmentSecret", "team/fleet/registry/BACKEND_KEY"),
        ("ActionsEnvironmentVariable", "team/fleet/registry/STACK"),
        ("RepositoryFile", "team/fleet/.github/workflows/up.yml"),
        ("RepositoryFile", "team/fleet/images/web/README.md"),
    }


def test_the_provider_is_told_the_owner_and_no_token(
    ran: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "token")
    assert run()[0].asked["github", "team/fleet"] == {"owner": "team"}
    assert len(ran.providers) == 1
    assert "team/fleet" in str(next(iter(ran.providers)))


def test_only_the_declared_branch_may_use_the_environment(ran: Recorder) -> None:
    environment = ran.asked["RepositoryEnvironment", "team/fleet/registry"]
    assert environment["deploymentBranchPolicy"] == {
        "protectedBranches": False,
        "customBranchPolicies": True,
    }
    policy = ran.asked["RepositoryEnvironmentDeploymentPolicy", "team/fleet/registry"]
    assert policy["branchPattern"] == "main"


def test_workflows_start_with_a_token_that_reads(ran: Recorder) -> None:
    permissions = ran.asked["WorkflowRepositoryPermissions", "team/fleet"]
    assert permissions["defaultWorkflowPermissions"] == "read"
    assert permissions["canApprovePullRequestReviews"] is False


def test_a_file_is_committed_to_the_branch_and_starts_no_workflow(ran: Recorder) -> None:
    path = "images/web/README.md"
    asked = ran.asked["RepositoryFile", f"team/fleet/{path}"]
    assert (asked["branch"], asked["file"], asked["content"]) == ("main", path, FILES[path])
    assert asked["commitMessage"].endswith("[skip ci]")
    assert asked["commitEmail"].endswith(".invalid")
    assert asked["overwriteOnCreate"] is True


def test_what_is_kept_when_the_whole_goes() -> None:
    assert run()[1].deletions == {
        "RepositoryEnvironment": (True, ""),
        "RepositoryEnvironmentDeploymentPolicy": (False, ""),
        "WorkflowRepositoryPermissions": (True, ""),
        "ActionsEnvironmentSecret": (False, "team/fleet"),
        "ActionsEnvironmentVariable": (False, ""),
        "RepositoryFile": (False, "team/fleet"),
    }
