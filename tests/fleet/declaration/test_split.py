"""Which stacks a split fleet has, and in which order they go."""

from typing import Any

import pytest

from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from fleet.declaration.split import FleetStack, in_turn
from fleet.declaration.stack_share import ShareConfig
from tests.fleet.examples import config, image

IMAGES = {
    "top": image(**{"builds-on": "middle"}),
    "lone": image(),
    "middle": image(package="gunicorn", **{"builds-on": "base"}),
    "base": image(package="gunicorn"),
}
WHOLE = parse(config(images=IMAGES, github={"repository": "multi-py/fleet"}))


def share(*only: str, github: bool = False, **below: str) -> ShareConfig:
    return ShareConfig(whole="prod", only=only, below=below, github=github)


def split(**changed: ShareConfig | None) -> dict[str, ShareConfig]:
    """A stack per image and one for GitHub; those of ``changed`` in place of these."""
    shares: dict[str, ShareConfig | None] = {
        "p-base": share("base"),
        "p-github": share(github=True),
        "p-lone": share("lone"),
        "p-middle": share("middle", base="p-base"),
        "p-top": share("top", middle="p-middle"),
        **{name.replace("_", "-"): given for name, given in changed.items()},
    }
    return {name: given for name, given in shares.items() if given is not None}


def said(**changed: ShareConfig | None) -> str:
    with pytest.raises(DeclarationError) as failure:
        in_turn(WHOLE, split(**changed))
    return str(failure.value)


def test_a_fleet_of_one_stack_has_no_parts() -> None:
    assert in_turn(WHOLE, {}) == ()


def test_each_stack_comes_after_those_that_it_builds_on_and_github_last() -> None:
    found = in_turn(WHOLE, split())
    names = [stack.name for stack in found]
    assert sorted(names) == sorted(split())
    assert names.index("p-base") < names.index("p-middle") < names.index("p-top")
    assert names[-1] == "p-github"
    assert found[-1] == FleetStack(name="p-github", images=(), after=(), github=True)
    by_name = {stack.name: stack for stack in found}
    assert by_name["p-middle"].after == ("p-base",)
    assert by_name["p-lone"].after == ()


def test_the_order_does_not_hang_on_that_of_the_files() -> None:
    shares = split()
    assert in_turn(WHOLE, dict(reversed(shares.items()))) == in_turn(WHOLE, shares)


def test_a_stack_with_images_may_look_after_github_if_none_builds_on_it() -> None:
    found = in_turn(WHOLE, split(p_github=None, p_lone=share("lone", github=True)))
    assert [stack.name for stack in found][-1] == "p-lone"
    circle = said(p_github=None, p_base=share("base", github=True))
    assert "is a circular dependency" in circle
    assert "p-base" in circle


def test_images_of_one_stack_need_no_other() -> None:
    together = {"p_base": None, "p_middle": share("middle", "base")}
    found = {stack.name: stack for stack in in_turn(WHOLE, split(**together))}
    assert found["p-middle"].images == ("middle", "base")
    assert found["p-middle"].after == ()


def test_a_stack_elsewhere_may_be_named_in_full() -> None:
    assert in_turn(WHOLE, split(p_middle=share("middle", base="me/fleet/p-base")))


def test_a_fleet_without_github_needs_no_stack_for_it() -> None:
    whole = parse(config(images=IMAGES))
    found = in_turn(whole, split())
    assert not any(stack.github for stack in found)
    assert len(in_turn(whole, split(p_github=None))) == 4


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"p_lone": None}, "fleet:images.lone: is declared, and no stack has it"),
        ({"p_more": share("lone")}, "fleet:images.lone: is in p-lone and in p-more"),
        ({"p_github": None}, "fleet:github: is declared, and no stack has it"),
        ({"p_lone": share("lone", github=True)}, "fleet:github: is in p-github and in p-lone"),
        (
            {"p_top": share("top", middle="p-base")},
            "Pulumi.p-top.yaml, fleet:below.middle: names p-base, and p-middle has it",
        ),
        ({"p a": share("lone"), "p_lone": None}, "'p a' is not a stack name"),
        (
            {
                "p_base": None, "p_top": share("top", "base", middle="p-middle"),
                "p_middle": share("middle", base="p-top"),
            },
            "is a circular dependency: p-top before p-middle before p-top",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_named(changed: dict[str, Any], says: str) -> None:
    assert says in said(**changed)


def test_all_that_does_not_fit_is_told_at_once() -> None:
    told = said(p_lone=None, p_github=None)
    assert "2 problems in the stacks that prod is split into" in told
    assert "make split STACK=prod" in told
