from typing import Any

import pytest

from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError, Problem
from fleet.declaration.signing import Keyless, Signing
from tests.fleet.evidence.examples import ED25519, P256, key
from tests.fleet.examples import config


def problems(keys: Any) -> list[Problem]:
    with pytest.raises(DeclarationError) as caught:
        parse(config(signing={"keys": keys}))
    return list(caught.value.problems)


@pytest.mark.parametrize("pem", [P256, ED25519])
def test_a_public_key_is_declared_as_openssl_prints_it(pem: str) -> None:
    public = key(pem).public
    assert parse(config(signing={"keys": [public.pem]})).signing.keys == (public.spki,)


def test_none_is_declared_by_default() -> None:
    assert parse(config()).signing == Signing()


def test_a_private_key_is_refused_and_not_shown() -> None:
    (found,) = problems([P256])
    assert found.path == "fleet:signing.keys[0]"
    assert P256.splitlines()[1] not in str(found)
    assert "make a new one" in found.remedy


def test_three_keys_are_one_too_many() -> None:
    keys = [key(P256).public.pem, key(ED25519).public.pem, key(P256).public.pem]
    assert any(found.what == "has more than 2 entries" for found in problems(keys))


def test_the_identity_of_the_workflow_follows_from_the_repository() -> None:
    github = {"repository": "acme/fleet", "branch": "release"}
    signing = parse(config(registry="ghcr.io/acme", github=github, signing={"keyless": {}})).signing
    assert signing.declared
    assert signing.keyless == Keyless(
        identity="https://github.com/acme/fleet/.github/workflows/up.yml@refs/heads/release",
        issuer="https://token.actions.githubusercontent.com",
        public_log=False,
    )


@pytest.mark.parametrize(
    ("registry", "signing", "what"),
    [
        ("ghcr.io/acme", {"keyless": {}}, "has no identity"),
        ("ghcr.io/acme", {}, "names no signer"),
        ("localhost:5443/x", {"keyless": {"identity": "https://a.b"}}, "is on this machine"),
        (
            "ghcr.io/acme",
            {
                "keys": [key(P256).public.pem],
                "retired": [{"key": key(P256).public.pem, "until": "2026-11-30"}],
            },
            "has a key that still signs",
        ),
    ],
)
def test_what_can_not_sign_is_refused(registry: str, signing: Any, what: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse(config(registry=registry, signing=signing))
    assert any(what in found.what for found in caught.value.problems)
