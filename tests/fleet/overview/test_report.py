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
from fleet.overview.predict import foresight
from fleet.overview.recorded_state import Known, parse_known
from fleet.overview.report import report
from tests.fleet import examples
from tests.fleet.overview.states import exported, plan_of, state_of

GOLDEN = """\
localhost:5443/multi-py: 2 images, 6 tags
= unchanged; re-point, the name moves without a build; - no such tag; [n] see below the table

web, built on official Python images
  uvicorn with gunicorn, for 2 platforms: amd64, arm/v7

python  version  full       slim
3.11    0.33.0   - [1]      - [1]
3.11    0.34.0   build [2]  build [2]
3.11    0.34.1   new        new

python  pointer  full                 slim
3.11    LATEST   0.34.1 re-point [3]  0.34.1 re-point [3]
3.11    0.34     0.34.1 re-point [3]  0.34.1 re-point [3]

[1] left out: withdrawn by a person
[2] start.sh changed
[3] re-point from 0.34.0

No longer declared; stay in the registry, no longer managed: py3.11-0.33.0, py3.11-slim-0.33.0
No longer declared, policy keep: py3.11-0.33, py3.11-slim-0.33

top, built on web
  uvicorn with gunicorn, for 2 platforms: amd64, arm/v7

python  version  full  slim
3.11    0.34.1   new   new

localhost:5443/multi-py/gone
No longer declared; stay in the registry, no longer managed: py3.11-slim-0.34.0
No longer declared, removed with their image's declaration: py3.11-slim-LATEST

What somebody changed in the registry since the last refresh, and stale pointers that no \
state knows, are known only there: make preview asks it.
6 build, 4 re-point, 0 unchanged"""


def declared(**images: dict[str, Any]) -> Declaration:
    return parse(examples.config(images=images))


def printed(declaration: Declaration, known: Known, lacking: str = "") -> str:
    found = foresight(plan_of(declaration), known)
    return report(declaration, found, lacking)


def web(**overrides: Any) -> dict[str, Any]:
    return examples.image(bases=["full", "slim"], **overrides)


def test_a_small_fleet_looks_like_this() -> None:
    gone = examples.image(versions=["0.34.0"], pointers={"LATEST": "remove"})
    before = declared(web=web(), gone=gone)
    excluded = {"version": "0.33.0", "because": "withdrawn by a person"}
    top = examples.image(
        **{"builds-on": "web", "bases": ["full", "slim"], "versions": ["0.34.1"], "pointers": {}}
    )
    after = declared(web=web(versions=["0.33.0", "0.34.0", "0.34.1"], exclude=[excluded]), top=top)
    files = {"Dockerfile": examples.DIGEST, "start.sh": examples.OTHER_DIGEST}
    changed = examples.assets(files=files, context_hash=examples.OTHER_DIGEST)
    inputs = examples.inputs(after, assets={"web": changed, "top": examples.assets()})
    known = parse_known(exported(state_of(plan_of(before))))
    found = foresight(plan_of(after, inputs), known)
    assert report(after, found, "") == GOLDEN


def test_why_there_is_nothing_to_compare_with_is_said_once() -> None:
    text = printed(declared(web=web()), Known(), "stack dev was never brought up")
    assert text.count("stack dev was never brought up.") == 1
    assert "everything is new" in text


def test_a_moved_pointer_names_no_whole_digest() -> None:
    plan = plan_of(declared(web=web()))
    state = state_of(plan)
    for resource in state["deployment"]["resources"]:
        if resource["urn"].endswith("py3.11-slim-LATEST"):
            resource["outputs"]["digest"] = examples.OTHER_DIGEST
    text = printed(declared(web=web()), parse_known(exported(state)))
    assert "[1] it was moved\n" in text


def test_mirrors_are_named_below_the_title() -> None:
    stack = parse(examples.config(mirrors=["docker.io/org", "quay.io/org"]))
    text = report(stack, foresight(plan_of(stack), Known()), "")
    assert text.splitlines()[:2] == [
        "localhost:5443/multi-py: 1 image, 2 tags",
        "mirrored to docker.io/org, quay.io/org",
    ]


def test_an_image_without_pointers_has_one_table() -> None:
    text = printed(declared(web=web(pointers={})), Known())
    assert "pointer  " not in text


def test_the_stack_that_has_the_image_below_is_named() -> None:
    whole = declared(web=web(), top=web(**{"builds-on": "web", "versions": ["0.34.0"]}))
    share = ShareConfig(whole="dev", only=("top",), below={"web": "dev-web"}, github=False)
    part = narrowed(whole, share, "Pulumi.dev-top.yaml")
    found = foresight(plan_of(part, examples.inputs(whole)), Known())
    text = report(part, found, "")
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
    found = foresight(plan_of(declaration, inputs), Known())
    text = report(declaration, found, "")
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
