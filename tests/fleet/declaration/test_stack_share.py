"""Stacks that manage a part of a fleet."""

from typing import Any

import pytest

from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from fleet.declaration.stack_share import narrowed, parse_share
from tests.fleet.examples import config, image

WHOLE = parse(
    config(
        images={
            "child": image(**{"builds-on": "base"}),
            "base": image(package="gunicorn"),
            "lone": image(),
        },
        github={"repository": "multi-py/fleet"},
    )
)


def part(**values: Any) -> Any:
    return narrowed(WHOLE, parse_share({"part-of": "prod", **values}, "Pulumi.p.yaml"), "P")


def said(**values: Any) -> str:
    with pytest.raises(DeclarationError) as failure:
        part(**values)
    return str(failure.value)


def test_a_part_has_its_images_and_knows_the_others() -> None:
    declared = part(only=["child"], below={"base": "prod-base"})
    assert [i.name for i in declared.images] == ["child"]
    assert set(declared.by_name) == {"child", "base", "lone"}
    assert declared.fleet_of("prod-child") == "prod"
    assert declared.share.stacks == {"base": "prod-base"}


def test_one_part_alone_looks_after_github() -> None:
    assert part(only=["lone"]).github is None
    assert part(only=["lone"], **{"with-github": "true"}).github == WHOLE.github


def test_parts_that_hold_both_need_no_other_stack() -> None:
    assert part(only=["child", "base"]).share.stacks == {}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"only": ["child"]}, "fleet:below.base: is missing, and child is built on it"),
        ({"only": ["lon"]}, "fleet:only[0]: prod declares no lon. Name some of child, base, lone"),
        ({"only": []}, "fleet:only: is empty"),
        ({}, "fleet:only: is missing"),
        ({"only": ["lone"], "registry": "ghcr.io/a"}, "fleet:registry: unknown key"),
        ({"only": ["lone"], "below": {"base": "a b"}}, "not a stack name"),
        ({"only": ["lone"], "part-of": "../x"}, "fleet:part-of: '../x' is not a stack name"),
    ],
)
def test_what_a_part_gets_wrong_is_named(values: dict[str, Any], says: str) -> None:
    assert says in said(**values)
