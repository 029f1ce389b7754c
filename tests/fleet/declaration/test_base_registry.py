"""The declared mirror of the official bases, and the host that may have a login for it."""

from typing import Any

import pytest

from fleet.declaration.logins import DEFAULT, Login
from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from tests.fleet.examples import config

LOGIN: Any = {"username": "MIRROR_USER", "password": "MIRROR_WORD"}


def declared(mirror: str, **values: Any) -> Declaration:
    given = {"registry": "ghcr.io/multi-py", "base-registry": mirror, **values}
    return parse(config(**given))


def test_without_one_there_is_none() -> None:
    assert parse(config()).base_registry == ""


@pytest.mark.parametrize(
    "mirror",
    [
        "mirror.example.org/library", "mirror.example.org:8443/proxy/docker.io/library",
        "localhost:5000/library", "docker.io/library", "ghcr.io/multi-py/bases",
    ],
)  # fmt: skip
def test_a_mirror_is_a_host_and_the_path_above_its_images(mirror: str) -> None:
    assert declared(mirror).base_registry == mirror


@pytest.mark.parametrize(
    ("mirror", "why"),
    [
        ("mirror.example.org", "is not a registry and path of a mirror"),
        ("https://mirror.example.org/library", "Write host[:port]/path"),
        ("user:word@mirror.example.org/library", "is not a registry and path of a mirror"),
        # Docker takes this one for a namespace on Docker Hub.
        ("mirror/library", "is not a registry and path of a mirror"),
        ("mirror.example.org/library/python:3.13", "is not a registry and path of a mirror"),
        ("mirror.example.org:0/library", "has no port that can be"),
        ("localhost/library", "needs a port. Write localhost:5443/library"),
    ],
)
def test_what_is_none_is_refused_with_the_form_of_one(mirror: str, why: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        declared(mirror)
    assert "fleet:base-registry: " in str(caught.value)
    assert why in str(caught.value)


def test_its_host_may_have_a_login_beside_that_of_the_fleets_registry() -> None:
    login = {"mirror.example.org": {**LOGIN, "read": True}}
    found = declared("mirror.example.org/library", logins=login).logins
    assert found == {"ghcr.io": DEFAULT, "mirror.example.org": Login(**LOGIN, read=True)}


def test_no_other_host_may_and_the_three_are_named() -> None:
    with pytest.raises(DeclarationError, match=r"Write ghcr\.io or mirror\.example\.org or docker"):
        declared("mirror.example.org/library", logins={"other.example.org": LOGIN})
    with pytest.raises(DeclarationError, match=r"Write ghcr\.io or docker\.io"):
        parse(config(registry="ghcr.io/multi-py", logins={"mirror.example.org": LOGIN}))


def test_a_variable_of_the_fleets_own_login_is_not_sent_to_it() -> None:
    own = {"username": DEFAULT.username, "password": "MIRROR_WORD"}
    with pytest.raises(
        DeclarationError, match=r"named at fleet:logins\.ghcr\.io\.username already"
    ):
        declared("mirror.example.org/library", logins={"mirror.example.org": own})
