"""Declared logins: names of variables by registry host, and never a value in a message."""

from typing import Any

import pytest

from fleet.declaration.logins import DEFAULT, Login, variables
from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from tests.fleet.examples import config

HUB: Any = {"username": "HUB_USER", "password": "HUB_WORD"}
REGISTRY = "ghcr.io/multi-py"


def logins(declared: Any = None, registry: str = REGISTRY) -> Any:
    more = {} if declared is None else {"logins": declared}
    return parse(config(registry=registry, **more)).logins


def problems(declared: Any, registry: str = REGISTRY) -> str:
    with pytest.raises(DeclarationError) as caught:
        logins(declared, registry)
    return str(caught.value)


def test_without_any_the_fleets_registry_has_the_usual_variables() -> None:
    assert logins() == {"ghcr.io": DEFAULT}
    assert variables(logins()) == {
        "ghcr.io": {"username": "FLEET_REGISTRY_USERNAME", "password": "FLEET_REGISTRY_PASSWORD"}
    }


def test_a_token_server_elsewhere_is_a_host() -> None:
    found = logins({"ghcr.io": {**HUB, "realm": "tokens.example"}})
    assert variables(found) == {"ghcr.io": {**HUB, "realm": "tokens.example"}}
    assert "not a host name" in problems({"ghcr.io": {**HUB, "realm": "https://tokens.example/"}})


def test_one_for_the_bases_leaves_that_of_the_fleets_registry() -> None:
    found = logins({"docker.io": {**HUB, "read": True}})
    assert found == {"ghcr.io": DEFAULT, "docker.io": Login(**HUB, read=True)}


def test_a_declared_one_takes_the_place_of_the_usual() -> None:
    assert logins({"ghcr.io": HUB}) == {"ghcr.io": Login(**HUB)}


def test_the_registry_on_this_machine_has_a_login_of_its_own() -> None:
    local = "localhost:5443/multi-py"
    assert logins(registry=local) == {}
    assert logins({"docker.io": HUB}, local) == {"docker.io": Login(**HUB)}
    assert "fleet:logins.localhost:5443: is the registry on" in problems(
        {"localhost:5443": HUB}, local
    )


@pytest.mark.parametrize("host", ["ghcr.oi", "index.docker.io"])
def test_a_host_that_the_stack_does_not_use_is_named_with_those_that_it_does(host: str) -> None:
    found = problems({host: HUB})
    assert f"fleet:logins.{host}: is not a registry that" in found
    assert "Write ghcr.io or docker.io" in found


@pytest.mark.parametrize("host", ["https://ghcr.io", "user:canary@ghcr.io", "canary", ""])
def test_what_is_no_host_is_refused_and_not_shown(host: str) -> None:
    found = problems({host: HUB})
    assert "fleet:logins: has a key that is not the host of a registry" in found
    assert "canary" not in found


@pytest.mark.parametrize("key", ["username", "password"])
@pytest.mark.parametrize(
    "value", ["dckr_pat_canary", "c4n4ry canary", "", 4242, ["canary"], {"secure": "canary"}, True]
)
def test_what_is_not_the_name_of_a_variable_is_refused_and_not_shown(key: str, value: Any) -> None:
    found = problems({"docker.io": {**HUB, key: value}})
    assert f"fleet:logins.docker.io.{key}: is not the name of an environment variable" in found
    assert "canary" not in found
    assert "4242" not in found


@pytest.mark.parametrize("value", ["canary", ["canary"], 4242, {"docker.io": "canary"}])
def test_what_is_no_mapping_is_refused_and_not_shown(value: Any) -> None:
    found = problems(value)
    assert "is not a mapping" in found
    assert "canary" not in found
    assert "4242" not in found


@pytest.mark.parametrize(
    "name",
    [
        "FLEET_APP_PRIVATE_KEY",
        "FLEET_GITHUB_TOKEN",
        "PULUMI_CONFIG_PASSPHRASE",
        "DOCKER_CONFIG",
        "GH_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "ACTIONS_RUNTIME_TOKEN",
        "HOME",
        "PATH",
    ],
)
def test_a_variable_of_another_purpose_is_no_login(name: str) -> None:
    assert "variable of another purpose" in problems({"docker.io": {**HUB, "password": name}})


def test_one_variable_is_for_one_value_of_one_host() -> None:
    found = problems({"docker.io": {"username": "HUB_USER", "password": "HUB_USER"}})
    assert "fleet:logins.docker.io.password: HUB_USER is named at" in found
    assert "fleet:logins.docker.io.username" in found
    found = problems({"ghcr.io": HUB, "docker.io": HUB})
    assert "fleet:logins.docker.io.username: HUB_USER is named at" in found
    assert "fleet:logins.docker.io.password: HUB_WORD is named at" in found


def test_the_usual_variables_are_for_the_fleets_registry_alone() -> None:
    usual = variables(logins())["ghcr.io"]
    found = problems({"docker.io": {**usual, "read": True}})
    assert "fleet:logins.docker.io.password: FLEET_REGISTRY_PASSWORD is named at" in found
    assert logins({"ghcr.io": usual}) == {"ghcr.io": DEFAULT}


def test_a_secret_in_a_wrong_place_is_not_shown() -> None:
    assert "canary" not in problems({"docker.io": {**HUB, "read": "canary"}})
    assert "canary" not in problems({"docker.io": {**HUB, "c4n4ry-canary": "x"}})
    assert "canary" not in problems({"docker.io": {**HUB, "canary": "x"}})
    assert "canary" not in problems({"user:canary@docker.io": HUB})
    assert "canary" not in problems({"user:canary@docker.io": {**HUB, "read": "x", "y": "z"}})


def test_a_login_that_writes_is_not_given_to_what_only_reads() -> None:
    assert "fleet:logins.ghcr.io.read" in problems({"ghcr.io": {**HUB, "read": True}})


def test_a_missing_half_and_an_unknown_key_are_named() -> None:
    found = problems({"docker.io": {"username": "HUB_USER", "pass": "HUB_WORD"}})
    assert "fleet:logins.docker.io.password: is missing" in found
    assert "fleet:logins.docker.io: has an unknown key" in found
    assert "Known keys: username, password, read" in found
