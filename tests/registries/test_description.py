"""The judge of the stand-in for GitHub sees what GitHub's description does not allow."""

import json

import pytest

from tests.registries.description import faults_of_answer, faults_of_request, operation_of

VERSIONS = "/orgs/team/packages/container/app%2Fbuild/versions"


def test_a_nested_name_is_one_parameter() -> None:
    operation = operation_of("GET", VERSIONS)
    assert operation is not None
    assert operation.values["package_name"] == "app/build"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/orgs/team/packages/container/app/build/versions"), ("PUT", VERSIONS)],
)
def test_what_is_not_described_is_no_operation(method: str, path: str) -> None:
    assert operation_of(method, path) is None


@pytest.mark.parametrize(
    ("query", "faulty"),
    [("per_page=100&page=2", False), ("tag=LATEST", True), ("state=any", True)],
)
def test_parameters_are_judged(query: str, faulty: bool) -> None:
    operation = operation_of("GET", VERSIONS)
    assert operation is not None
    assert bool(faults_of_request(operation, query)) is faulty


@pytest.mark.parametrize(
    ("case", "status", "body", "faulty"),
    [
        ("no versions", 200, [], False),
        ("a version without a name", 200, [{"id": 1}], True),
        ("an error", 404, {"message": "Not Found"}, False),
        ("an unknown status", 302, {}, True),
    ],
)
def test_answers_are_judged(case: str, status: int, body: object, faulty: bool) -> None:
    operation = operation_of("GET", VERSIONS)
    assert operation is not None
    assert bool(faults_of_answer(operation, status, json.dumps(body).encode())) is faulty, case


def test_a_date_has_to_be_one() -> None:
    operation = operation_of("GET", VERSIONS)
    assert operation is not None
    version = {
        "id": 1, "name": "sha256:0", "url": "u", "package_html_url": "u",
        "created_at": "yesterday", "updated_at": "2026-11-23T12:00:00Z",
    }  # fmt: skip
    assert faults_of_answer(operation, 200, json.dumps([version]).encode())
