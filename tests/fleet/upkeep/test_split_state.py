"""What becomes of a state when its stack is split: which component goes where."""

import json
import os
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.declaration.split import FleetStack
from fleet.upkeep.split import hand_over, move_of
from tests.fleet.local.examples import checkout, command

STACKS = (
    FleetStack(name="p-base", images=("base",), after=(), github=False),
    FleetStack(name="p-rest", images=("top", "base-more"), after=("p-base",), github=False),
    FleetStack(name="p-github", images=(), after=(), github=True),
)
IMAGE_TAG, POINTERS = "fleet:index:ImageTag", "fleet:index:Pointers"
IMAGE = "docker-build:index:Image"


def resource(token: str, name: str, parent: str = "") -> dict[str, str]:
    urn = f"urn:pulumi:prod::fleet::{parent}{token}::{name}"
    return {"type": token, "urn": urn}


def urns(*resources: dict[str, str]) -> tuple[str, ...]:
    return tuple(each["urn"] for each in resources)


def test_components_go_with_their_image_and_take_their_children_along() -> None:
    base = [
        resource(IMAGE, "base/wheels:py3.11-1"),
        resource(IMAGE_TAG, "base:py3.11-1.0"),
        resource(POINTERS, "base"),
    ]
    more = [resource(IMAGE_TAG, "base-more:py3.11-1.0"), resource(POINTERS, "base-more")]
    top = [resource(IMAGE_TAG, "top:py3.11-1.0")]
    others = [
        resource("pulumi:pulumi:Stack", "fleet-prod"),
        resource("fleet:index:Guard", "fleet/prod"),
        resource("ociregistry:index:Tag", "localhost:1/a/base:py3.11-1.0", f"{IMAGE_TAG}$"),
        resource(IMAGE, "base/build:py3.11-1.0", f"{IMAGE_TAG}$"),
        resource("fleet:index:Repository", "a/b"),
        resource("pulumi:providers:ociregistry", "default"),
    ]
    move = move_of([*others, *base, *more, *top], STACKS)
    assert move.renamed_to == "p-github"
    assert move.urns == {"p-base": urns(*base), "p-rest": urns(*more, *top)}


def test_what_is_declared_no_more_stays_with_the_heir_which_lets_it_go() -> None:
    gone = [resource(IMAGE_TAG, "old:py3.11-1.0"), resource(POINTERS, "old")]
    assert move_of(gone, STACKS).urns == {"p-base": (), "p-rest": ()}


def test_without_github_the_last_stack_is_the_heir_of_its_own_images() -> None:
    own = [resource(IMAGE_TAG, "top:py3.11-1.0")]
    move = move_of(own, STACKS[:2])
    assert (move.renamed_to, move.urns) == ("p-rest", {"p-base": ()})


def test_the_state_from_before_is_kept_whole_also_by_a_run_that_goes_on(tmp_path: Path) -> None:
    """Run again after a break, with half of the state: the copy stays that of the first run."""
    here = checkout(tmp_path)
    whole = json.dumps({"version": 3, "deployment": {"resources": [resource(IMAGE_TAG, "base:1")]}})
    env = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    for exported in (whole, json.dumps({"version": 3, "deployment": {"resources": []}})):
        script = f"""[ "$2" = export ] || {{ echo refused >&2; exit 1; }}
        printf %s '{exported}'"""
        command(tmp_path / "bin", "pulumi", script)
        with pytest.raises(TroubleError, match="refused"):
            hand_over(here, "prod", STACKS, env)
        assert (here.state / "split.prod.json").read_text() == whole
    assert here.state.stat().st_mode & 0o077 == 0
