import json
import time

import pytest

from fleet.http.document import MalformedError, parse_json


def nested(levels: int, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * levels + closing * levels).encode()


def test_what_is_json_is_parsed() -> None:
    document = {"a": [1, 2.5, None, True, {"b": ["c"]}], "d": 1e308}
    assert parse_json(json.dumps(document), "here") == document


@pytest.mark.parametrize("levels", [65, 999, 100_000, 4_000_000])
def test_what_is_too_deep_is_refused_at_once(levels: int) -> None:
    began = time.process_time()
    for body in (nested(levels), nested(levels, '{"a":[', "]}")):
        with pytest.raises(MalformedError, match="here is nested"):
            parse_json(body, "here")
    assert time.process_time() - began < 5


def test_the_deepest_that_is_taken() -> None:
    assert parse_json(nested(64), "here")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b"9" * 21,
        b"9" * 5000,
        b'{"a":"c4n4ry',
    ],
)
def test_what_is_malformed_is_refused_without_showing_it(body: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_json(body, "here")
    assert "c4n4ry" not in str(caught.value)
