"""Passwords and tokens, checked where they come in."""

import pytest

from fleet.http import secret
from fleet.http.errors import HttpError


@pytest.mark.parametrize("value", ["pw", "p w", "pä:w", "", 'p"w\\'])
def test_a_password_that_can_be_sent_is_left_as_it_is(value: str) -> None:
    assert secret.password(value, "NAME") == value


@pytest.mark.parametrize("value", ["ghp_abc.def-1~+/=", ""])
def test_a_token_that_can_be_sent_is_left_as_it_is(value: str) -> None:
    assert secret.token(value, "NAME") == value


@pytest.mark.parametrize(
    "value", ["x\n", "\nx", "x\r\n", " x", "x ", "x\ty", "x\x00y", "x\x7fy", "x\u2028y", "x\udc80"]
)
def test_what_cannot_is_refused_by_the_name_of_its_source(value: str) -> None:
    for check in (secret.password, secret.token):
        with pytest.raises(HttpError, match=r"^NAME: has .*Set it again") as caught:
            check(value, "NAME")
        assert value not in str(caught.value)


@pytest.mark.parametrize("value", ["a b", "tokén"])
def test_a_token_is_ascii_without_a_space(value: str) -> None:
    with pytest.raises(HttpError, match=r"^NAME: "):
        secret.token(value, "NAME")
