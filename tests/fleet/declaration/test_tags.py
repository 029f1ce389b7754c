"""The tag grammar of the images' contract."""

import pytest

from fleet.declaration import tags
from tests.fleet.examples import is_pointer


@pytest.mark.parametrize(
    ("python", "base", "end", "tag"),
    [
        ("3.12", "full", "0.34.0", "py3.12-0.34.0"),
        ("3.12", "slim", "0.34.0", "py3.12-slim-0.34.0"),
        ("3.9", "alpine", "LATEST", "py3.9-alpine-LATEST"),
        ("3.13", "full", "0.34", "py3.13-0.34"),
    ],
)
def test_a_tag_is_spelled_as_the_contract_says(python: str, base: str, end: str, tag: str) -> None:
    assert tags.tag(python, base, end) == tag


@pytest.mark.parametrize(
    "tag",
    [
        "py3.8-LATEST",
        "py3.7-slim-LATEST",
        "py3.12-0.34",
        "py3.12-slim-0.34",
        "py3.12-alpine-23",
    ],
)
def test_a_pointer_is_known_also_of_pythons_long_gone(tag: str) -> None:
    assert is_pointer(tag)


@pytest.mark.parametrize(
    "tag",
    [
        "py3.12-0.34.0", "py3.12-slim-0.34.0", "py3.12-slim-0.34.0.post1", "py3.12-0.35.0rc1",
        "edge", "my-tag", "latest", "py3.12-latest", "py3.12", "LATEST", "py3.12-bookworm-LATEST",
        "sha256-" + "a" * 64, "py3.12-slim-LATEST-old", "xpy3.12-LATEST", "py3.12-0",
    ],
)  # fmt: skip
def test_nothing_else_is_taken_for_a_pointer(tag: str) -> None:
    assert not is_pointer(tag)


def test_lines_of_what_is_no_version_are_refused() -> None:
    with pytest.raises(ValueError, match="not a canonical version"):
        tags.lines("x")
