"""GitHub refuses, forgets or is slow: the other resources go on, and a rerun converges."""

import time

import pytest

from tests.github.api import Fault, GitHub
from tests.github.stack import README, WORKFLOW, Declared, GitHubStack

pytestmark = pytest.mark.integration

FILES = Declared().files


def converges(stack: GitHubStack, github: GitHub) -> None:
    """Check that one more up makes all as declared, and that the next has nothing to do."""
    github.faults.clear()
    stack.keep_going()
    assert {path: github.branch.files[path].decode() for path in FILES} == FILES
    assert stack.up().steps == ()


def rate_limit(kind: str) -> Fault:
    """Return the answer to one write too many, as GitHub's own pages describe it."""
    if kind == "primary":
        reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 5)}
        return Fault("PUT .*/contents/", 403, headers={"X-RateLimit-Limit": "60", **reset})
    status = int(kind.rpartition(" ")[2])
    pages = "rest/using-the-rest-api/secondary-rate-limits"
    wait = {"Retry-After": "1"}
    return Fault("PUT .*/contents/", status, documentation=pages, headers=wait)


@pytest.mark.parametrize("kind", ["secondary, 403", "secondary, 429", "primary"])
def test_a_rate_limit_is_waited_for(stack: GitHubStack, github: GitHub, kind: str) -> None:
    stack.manage(secrets=(), variables={})
    github.faults.append(rate_limit(kind))
    stack.up()
    assert [fault.times for fault in github.faults] == [0]
    paths = [commit.path for commit in github.branch.commits[1:]]
    assert sorted(paths) == sorted(FILES), "each file was written once"
    assert stack.up().steps == ()


def test_a_server_error_fails_its_file_alone(stack: GitHubStack, github: GitHub) -> None:
    github.faults.append(Fault(f"PUT .*/{WORKFLOW}$", 502, times=99))
    failed = stack.keep_going(code=None)
    assert failed.code != 0
    assert f"contents/{WORKFLOW}: 502" in failed.messages
    assert set(github.branch.files) == {"README.md", README}
    assert list(github.settings.environments["registry"].secrets.values) == ["BACKEND_KEY"]
    converges(stack, github)


def test_a_write_whose_answer_was_lost_is_taken_over(stack: GitHubStack, github: GitHub) -> None:
    stack.manage(secrets=(), variables={})
    lost = Fault(f"PUT .*/{WORKFLOW}$", 502, done=True)
    github.faults.append(lost)
    assert stack.keep_going(code=None).code != 0
    assert lost.times == 0
    assert WORKFLOW in github.branch.files
    converges(stack, github)


def test_a_new_value_of_a_secret_that_could_not_be_written_is_written_by_the_next_up(
    stack: GitHubStack, github: GitHub
) -> None:
    stack.manage(files={}, variables={})
    stack.up()
    stack.give("BACKEND_KEY", "renewed")
    github.faults.append(Fault("PUT .*/secrets/BACKEND_KEY$", 500, times=99))
    assert stack.keep_going(code=None).code != 0
    github.faults.clear()
    stack.keep_going()
    environment = github.settings.environments["registry"]
    assert environment.secrets.values == {"BACKEND_KEY": "renewed"}
    assert stack.up().steps == ()


def test_an_app_that_may_not_write_workflows_writes_all_else(
    stack: GitHubStack, github: GitHub
) -> None:
    stack.manage(secrets=(), variables={})
    refused = "Resource not accessible by integration"
    github.faults.append(Fault("PUT .*/contents/.github/workflows/", 403, 99, refused))
    failed = stack.keep_going(code=None)
    assert failed.code != 0
    assert refused in failed.messages
    assert README in github.branch.files
    converges(stack, github)


def test_what_somebody_writes_meanwhile_is_not_overwritten_unseen(
    stack: GitHubStack, github: GitHub
) -> None:
    stack.manage(secrets=(), variables={})
    stack.up()
    changed = {**FILES, WORKFLOW: "name: up\non: workflow_dispatch\n"}
    stack.manage(files=changed, secrets=(), variables={})
    theirs = b"name: theirs\n"
    github.faults.append(
        Fault(f"PUT .*/{WORKFLOW}$", first=lambda: github.branch.commit(WORKFLOW, theirs))
    )
    failed = stack.keep_going(code=None)
    assert failed.code != 0
    assert f"{WORKFLOW}: 409" in failed.messages
    assert github.branch.files[WORKFLOW] == theirs
    (step,) = stack.preview().steps
    assert (step.op, step.name) == ("update", f"team/fleet/{WORKFLOW}")
    stack.up()
    assert github.branch.files[WORKFLOW].decode() == changed[WORKFLOW]
    assert stack.up().steps == ()
