"""The provider's configuration: names of variables that are checked, compared, and looked up."""

import asyncio
import json
from typing import Any

import pytest
from pulumi.provider.experimental import provider as p

from fleet.registry.errors import OciError
from fleet.registry.login import find_credentials
from fleet.registry.reference import Repository
from providers.ociregistry.context import Session
from providers.ociregistry.properties import wrap_map
from providers.ociregistry.provider import OciProvider

GOOD = {"ghcr.io": {"username": "OUR_USER", "password": "OUR_WORD"}}
OTHER = {"ghcr.io": {"username": "OUR_USER", "password": "OUR_NEW_WORD"}}
URN = "urn:pulumi:dev::fleet::pulumi:providers:ociregistry::registries"


def checked(logins: Any) -> list[str]:
    request = p.CheckRequest(URN, {}, wrap_map({"logins": logins}), b"")
    answer = asyncio.run(OciProvider().check_config(request))
    assert answer.inputs == request.new_inputs
    return [f"{failure.property}: {failure.reason}" for failure in answer.failures or ()]


def test_names_of_variables_are_taken_as_they_are() -> None:
    assert checked(GOOD) == []
    assert checked({"ghcr.io": {**GOOD["ghcr.io"], "realm": "tokens.example"}}) == []
    assert checked({}) == []


@pytest.mark.parametrize(
    "logins",
    [
        "canary",
        {"ghcr.io": "canary"},
        {"ghcr.io": ["canary", "canary"]},
        {"ghcr.io": {"username": "OUR_USER", "password": "canary"}},
        {"ghcr.io": {"username": "OUR_USER", "password": 42.0}},
        {"ghcr.io": {"username": "OUR_USER"}},
        {"ghcr.io": {**GOOD["ghcr.io"], "token": "canary"}},
        {"ghcr.io": {**GOOD["ghcr.io"], "realm": "can ary"}},
        {"ghcr.io": {**GOOD["ghcr.io"], "realm": 42.0}},
    ],
)
def test_what_is_none_is_refused_and_not_shown(logins: Any) -> None:
    (failure,) = checked(logins)
    assert failure.startswith("logins: logins: ")
    assert "canary" not in failure
    assert "42" not in failure


@pytest.mark.parametrize("host", ["https://ghcr.io", "user:canary@ghcr.io", "canary\n"])
@pytest.mark.parametrize("login", [GOOD["ghcr.io"], "canary"])
def test_a_host_that_is_none_is_refused_and_not_shown(host: str, login: Any) -> None:
    (failure,) = checked({host: login})
    assert "a key is not the host of a registry" in failure
    assert "canary" not in failure


def test_a_registry_by_two_of_its_names_is_refused() -> None:
    logins = {"docker.io": GOOD["ghcr.io"], "index.docker.io": OTHER["ghcr.io"]}
    (failure,) = checked(logins)
    assert "index.docker.io: is docker.io by another name, which has a login here" in failure


@pytest.mark.parametrize(
    ("before", "after", "took_over"),
    [(None, GOOD, False), (GOOD, GOOD, False), (GOOD, OTHER, True)],
)
def test_a_process_knows_that_another_one_refreshed(
    before: Any, after: Any, took_over: bool
) -> None:
    session = Session(environment={})
    olds = {} if before is None else wrap_map({"logins": before})
    request = p.CheckRequest(URN, olds, wrap_map({"logins": after}), b"")
    asyncio.run(OciProvider(session).check_config(request))
    assert session.took_over == took_over


@pytest.mark.parametrize(("after", "changed"), [(GOOD, []), (OTHER, ["logins"])])
def test_a_change_is_named_and_replaces_nothing(after: Any, changed: list[str]) -> None:
    olds, news = wrap_map({"logins": GOOD}), wrap_map({"logins": after})
    answer = asyncio.run(OciProvider().diff_config(p.DiffRequest(URN, "id", olds, news, [])))
    assert answer.diffs == changed
    assert not answer.replaces


def test_values_are_looked_up_once_and_what_is_amiss_is_named_by_its_variable() -> None:
    wrong = {"OUR_USER": "canary", "OUR_WORD": "canary\n"}
    provider = OciProvider(Session(environment=wrong))
    request = p.ConfigureRequest({}, wrap_map({"logins": GOOD}), False, False)
    with pytest.raises(OciError, match="OUR_WORD: ") as caught:
        asyncio.run(provider.configure(request))
    assert "canary" not in str(caught.value)


MOVED = {"b.example": {"username": "OUR_USER", "password": "OUR_WORD"}}


@pytest.mark.parametrize(
    ("declared", "held"),
    [
        (None, set()),
        ({"a.example": {"username": "OUR_USER", "password": "OUR_WORD"}}, {"a.example"}),
        (MOVED, set()),
        ({"a.example": {"username": "OTHER", "password": "OTHER_WORD"}}, {"a.example"}),
        ({}, set()),
    ],
    ids=["nothing is said", "declared still", "moved", "renamed", "none is declared"],
)
def test_a_registry_that_is_declared_no_more_gets_no_login(
    declared: dict[str, Any] | None, held: set[str]
) -> None:
    values = {"OUR_USER": "b's", "OUR_WORD": "b's", "OTHER": "a's", "OTHER_WORD": "a's"}
    said = {} if declared is None else {"FLEET_LOGINS": json.dumps(declared)}
    session = Session(environment={**values, **said})
    session.configure({"a.example": {"username": "OUR_USER", "password": "OUR_WORD"}})
    assert set(session._logins.held) == held
    assert "b's" not in str(session._logins)


def test_what_is_not_sent_since_nobody_says_for_whom_it_is_is_told_with_the_remedy() -> None:
    session = Session(environment={"OUR_USER": "me", "OUR_WORD": "canary", "DOCKER_CONFIG": "/no"})
    session.configure(GOOD)
    asked = find_credentials(
        Repository(host="ghcr.io", name="a/b"), session._logins, session.environment
    )
    with pytest.raises(OciError, match=r"OUR_WORD: .* FLEET_LOGINS .*make") as caught:
        asyncio.run(asked)
    assert "canary" not in str(caught.value)
