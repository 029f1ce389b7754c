"""Challenges in all the forms that RFC 9110 allows, and which one is answered."""

import pytest

from fleet.registry.auth import merge_scopes
from fleet.registry.challenge import Challenge, parse_challenges

BEARER = 'Bearer realm="https://auth.example/token",service="x"'
BASIC = 'Basic realm="registry"'
READ_BEARER = Challenge(
    scheme="bearer", parameters={"realm": "https://auth.example/token", "service": "x"}
)
READ_BASIC = Challenge(scheme="basic", parameters={"realm": "registry"})
NEGOTIATE = Challenge(scheme="negotiate", parameters={})


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([BEARER, BASIC], (READ_BEARER, READ_BASIC)),
        ([f"{BEARER}, {BASIC}"], (READ_BEARER, READ_BASIC)),
        ([f"{BASIC}, {BEARER}"], (READ_BASIC, READ_BEARER)),
        ([f"{BASIC},{BEARER}"], (READ_BASIC, READ_BEARER)),
        (["Negotiate", BASIC], (NEGOTIATE, READ_BASIC)),
        ([f"Negotiate, {BASIC}"], (NEGOTIATE, READ_BASIC)),
        ([f"Negotiate YWJjZA==, {BASIC}"], (NEGOTIATE, READ_BASIC)),
        ([f"{BASIC} , Negotiate"], (READ_BASIC, NEGOTIATE)),
        ([f", {BASIC}, "], (READ_BASIC,)),
        (['BASIC Realm = "registry"'], (READ_BASIC,)),
        (["Basic realm=registry"], (READ_BASIC,)),
        (['Basic realm="regi\\stry"'], (READ_BASIC,)),
        (["Bearer realm=https://auth.example/token, service=x"], (READ_BEARER,)),
        (['Bearer realm="https://auth.example/token" service="x"'], (READ_BEARER,)),
        (["", "  ", '="x"', '"Basic realm='], ()),
        (['Basic realm="never closed'], (Challenge(scheme="basic", parameters={}),)),
    ],
)
def test_each_challenge_keeps_its_own_parameters(
    headers: list[str], found: tuple[Challenge, ...]
) -> None:
    assert parse_challenges(headers) == found


def test_commas_equal_signs_and_schemes_inside_quotes_are_text() -> None:
    (found,) = parse_challenges(
        ['Bearer realm="https://a.example/token?x=1,2", service=s, scope="a:b:c,d Basic realm=e"']
    )
    assert found.scheme == "bearer"
    assert found.parameters == {
        "realm": "https://a.example/token?x=1,2",
        "service": "s",
        "scope": "a:b:c,d Basic realm=e",
    }


def test_scopes_of_one_repository_are_joined() -> None:
    joined = merge_scopes(("repository:a:pull", "repository:b:pull", "repository:a:push,pull"))
    assert joined == ("repository:a:pull,push", "repository:b:pull")
