"""What `make plan` prints."""

import re
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.stack_share import ShareConfig, narrowed
from fleet.overview.report import report
from fleet.plan.plan import Plan, make_plan
from fleet.plan.plan_inputs import Inputs
from tests.fleet import examples

GOLDEN = """\
localhost:5443/multi-py: 2 images, 6 tags
make preview compares it with the state and the registry.

web, built on official Python images
  uvicorn with gunicorn, for 2 platforms: amd64, arm/v7

python  version  full      slim
3.11    0.33.0   - [1]     - [1]
3.11    0.34.0   declared  declared
3.11    0.34.1   declared  declared

python  pointer  full    slim
3.11    LATEST   0.34.1  0.34.0 [2]
3.11    0.34     0.34.1  0.34.1

[1] left out: withdrawn by a person
[2] pinned to 0.34.0 until 2026-12-31: slow

top, built on web
  uvicorn with gunicorn, for 2 platforms: amd64, arm/v7

python  version  full      slim
3.11    0.34.1   declared  declared [1]

[1] pinned to sha256:bbbbbbbbbbbb until 2026-12-31: broken"""


def declared(**images: dict[str, Any]) -> Declaration:
    return parse(examples.config(images=images))


def plan_of(declared: Declaration, inputs: Inputs | None = None) -> Plan:
    return make_plan(declared, inputs or examples.inputs(declared), "fleet/dev")


def printed(declaration: Declaration, inputs: Inputs | None = None) -> str:
    return report(declaration, plan_of(declaration, inputs))


def web(**overrides: Any) -> dict[str, Any]:
    return examples.image(bases=["full", "slim"], **overrides)


def test_a_small_fleet_looks_like_this() -> None:
    until = {"until": "2026-12-31"}
    held = {"py3.11-slim-LATEST": {"to": "0.34.0", "because": "slow", **until}}
    broken = {"py3.11-slim-0.34.1": {"to": f"sha256:{64 * 'b'}", "because": "broken", **until}}
    below = {"builds-on": "web", "versions": ["0.34.1"], "pointers": {}}
    excluded = {"version": "0.33.0", "because": "withdrawn by a person"}
    versions = ["0.33.0", "0.34.0", "0.34.1"]
    fleet = declared(
        web=web(versions=versions, exclude=[excluded], pins=held), top=web(pins=broken, **below)
    )
    assert printed(fleet) == GOLDEN


def test_mirrors_are_named_below_the_title() -> None:
    stack = parse(examples.config(mirrors=["docker.io/org", "quay.io/org"]))
    assert printed(stack).splitlines()[:2] == [
        "localhost:5443/multi-py: 1 image, 2 tags",
        "mirrored to docker.io/org, quay.io/org",
    ]


def test_an_image_without_pointers_has_one_table() -> None:
    assert "pointer  " not in printed(declared(web=web(pointers={})))


def test_the_stack_that_has_the_image_below_is_named() -> None:
    whole = declared(web=web(), top=web(**{"builds-on": "web", "versions": ["0.34.0"]}))
    share = ShareConfig(whole="dev", only=("top",), below={"web": "dev-web"}, github=False)
    part = narrowed(whole, share, "Pulumi.dev-top.yaml")
    text = printed(part, examples.inputs(whole))
    assert "top, built on web of stack dev-web\n" in text
    assert "localhost:5443/multi-py: 1 image, 2 tags\n" in text


PYTHONS = st.lists(st.sampled_from(["3.9", "3.10", "3.11", "3.13"]), min_size=1, unique=True)
VERSIONS = st.lists(
    st.sampled_from(["0.31.1", "0.33.0", "0.34.0", "1.0.0rc1", "1.2.3", "10.0.0"]),
    min_size=1,
    unique=True,
)
BASES = st.lists(st.sampled_from(["full", "slim", "alpine"]), min_size=1, unique=True)


@settings(max_examples=60, deadline=None)
@given(PYTHONS, VERSIONS, BASES, st.integers(0, 3))
def test_every_declared_tag_stands_exactly_once(
    pythons: list[str], versions: list[str], bases: list[str], left_out: int
) -> None:
    exclude = [
        {"python": python, "version": versions[0], "because": "it does not work"}
        for python in pythons[1 : 1 + left_out]
    ]
    image = examples.image(pythons=pythons, versions=versions, bases=bases, exclude=exclude)
    declaration = declared(web=image)
    lock = examples.lock(declaration)
    builders = {f"{p}{end}": examples.base() for p in pythons for end in ("", "-alpine")}
    inputs = examples.inputs(declaration, lock=replace(lock, builders=builders))
    text = printed(declaration, inputs)
    (declared_image,) = declaration.images
    assert sorted(tags_of(text)) == sorted(
        (matrix_entry.python, matrix_entry.base, matrix_entry.version)
        for matrix_entry in matrix_entries(declared_image)
    )


def tags_of(text: str) -> list[tuple[str, str, str]]:
    """Read the tables of versions back."""
    found, bases = [], []
    for line in text.splitlines():
        words = re.sub(r" \[\d+\]", "", line).split()
        if words[:1] == ["python"]:
            bases = words[2:] if words[1] == "version" else []
        elif bases and re.fullmatch(r"3\.[0-9]+", line.partition(" ")[0]):
            states = zip(bases, words[2:], strict=True)
            found += [(words[0], base, words[1]) for base, state in states if state != "-"]
    return found
