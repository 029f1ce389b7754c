from typing import Any

import pytest

from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError, Problem
from tests.fleet.evidence.examples import ED25519, P256, key
from tests.fleet.examples import config


def problems(keys: Any) -> list[Problem]:
    with pytest.raises(DeclarationError) as caught:
        parse(config(signing={"keys": keys}))
    return list(caught.value.problems)


@pytest.mark.parametrize("pem", [P256, ED25519])
def test_a_public_key_is_declared_as_openssl_prints_it(pem: str) -> None:
    public = key(pem).public
    assert parse(config(signing={"keys": [public.pem]})).signing == (public.spki,)


def test_none_is_declared_by_default() -> None:
    assert parse(config()).signing == ()


def test_a_private_key_is_refused_and_not_shown() -> None:
    (found,) = problems([P256])
    assert found.path == "fleet:signing.keys[0]"
    assert P256.splitlines()[1] not in str(found)
    assert "make a new one" in found.remedy


def test_three_keys_are_one_too_many() -> None:
    keys = [key(P256).public.pem, key(ED25519).public.pem, key(P256).public.pem]
    assert any(found.what == "has 3 keys" for found in problems(keys))
