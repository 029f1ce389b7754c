"""The stand-in for GitHub keeps to the rules that the tests with the real plugin rely on."""

import base64
import json
from typing import Any

import pytest
from nacl.public import PublicKey, SealedBox

from tests.github.api import TOKEN, Fault, GitHub
from tests.github.git import blob_sha
from tests.registries.github import Answer

FILE = "/repos/team/fleet/contents/docs/a.md"
ENVIRONMENT = "/repos/team/fleet/environments/registry"


def ask(github: GitHub, method: str, path: str, body: Any = None, query: str = "") -> Answer:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    content = b"" if body is None else json.dumps(body).encode()
    return github.serve(method, path, query, headers, content)


def content(text: bytes, **more: str) -> dict[str, str]:
    return {"message": "m", "content": base64.b64encode(text).decode(), **more}


@pytest.fixture
def made() -> GitHub:
    return GitHub()


def test_blobs_are_hashed_as_git_does() -> None:
    assert blob_sha(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert blob_sha(b"what is up, doc?") == "bd9dbf5aae1a3862dd1526723246b20206e5fc37"


def test_a_file_is_written_over_only_with_the_hash_of_what_is_there(made: GitHub) -> None:
    assert ask(made, "PUT", FILE, content(b"one")).status == 201
    assert ask(made, "PUT", FILE, content(b"two")).status == 422
    assert ask(made, "PUT", FILE, content(b"two", sha=blob_sha(b"else"))).status == 409
    assert ask(made, "PUT", FILE, content(b"two", sha=blob_sha(b"one"))).status == 200
    told = json.loads(ask(made, "GET", FILE, query="ref=main").body)
    assert base64.b64decode(told["content"]) == b"two"
    assert len(made.branch.commits) == 2
    assert made.violations == []


def test_a_file_is_deleted_only_with_the_hash_of_what_is_there(made: GitHub) -> None:
    ask(made, "PUT", FILE, content(b"one"))
    stale = {"message": "m", "sha": blob_sha(b"else")}
    assert ask(made, "DELETE", FILE, stale).status == 409
    assert ask(made, "DELETE", FILE, {**stale, "sha": blob_sha(b"one")}).status == 200
    assert ask(made, "GET", FILE).status == 404
    assert made.violations == []


def test_a_secret_is_opened_with_the_key_of_its_environment(made: GitHub) -> None:
    policy = {"protected_branches": False, "custom_branch_policies": True}
    ask(made, "PUT", ENVIRONMENT, {"deployment_branch_policy": policy})
    told = json.loads(ask(made, "GET", f"{ENVIRONMENT}/secrets/public-key").body)
    box = SealedBox(PublicKey(base64.b64decode(told["key"])))
    body = {"key_id": told["key_id"], "encrypted_value": base64.b64encode(box.encrypt(b"v"))}
    sealed = {
        key: value if isinstance(value, str) else value.decode() for key, value in body.items()
    }
    assert ask(made, "PUT", f"{ENVIRONMENT}/secrets/KEY", sealed).status == 201
    assert made.settings.environments["registry"].secrets.values == {"KEY": "v"}
    other = {**sealed, "encrypted_value": base64.b64encode(bytes(60)).decode()}
    assert ask(made, "PUT", f"{ENVIRONMENT}/secrets/KEY", other).status == 400
    assert made.violations == []


def test_a_name_that_is_taken_is_refused(made: GitHub) -> None:
    policy = {"protected_branches": False, "custom_branch_policies": True}
    ask(made, "PUT", ENVIRONMENT, {"deployment_branch_policy": policy})
    variable = {"name": "STACK", "value": "prod"}
    assert ask(made, "POST", f"{ENVIRONMENT}/variables", variable).status == 201
    assert ask(made, "POST", f"{ENVIRONMENT}/variables", variable).status == 409
    place = f"{ENVIRONMENT}/deployment-branch-policies"
    assert ask(made, "POST", place, {"name": "main"}).status == 200
    assert ask(made, "POST", place, {"name": "main"}).status == 303
    assert made.violations == []


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("GET", "/repos/team/fleet/nothing", None, "is not described"),
        ("PUT", FILE, {"content": ""}, "'message' is a required property"),
        ("PUT", ENVIRONMENT, {"surprise": 1}, "'surprise' was unexpected"),
        ("DELETE", ENVIRONMENT, {"surprise": 1}, "a request has no body"),
    ],
)
def test_a_request_outside_the_description_is_noted(
    made: GitHub, method: str, path: str, body: Any, words: str
) -> None:
    made.faults.append(Fault(".", 404))
    ask(made, method, path, body)
    assert [words in line for line in made.violations] == [True]


def test_an_answer_outside_the_description_is_noted(made: GitHub) -> None:
    made.faults.append(Fault("GET", 302))
    ask(made, "GET", ENVIRONMENT)
    assert len(made.violations) == 1


def test_without_the_token_nothing_is_told(made: GitHub) -> None:
    assert made.serve("GET", FILE, "", {}, b"").status == 401
