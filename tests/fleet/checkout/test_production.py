"""The production declaration as it is shipped: its matrix, and what is built on what."""

from collections import Counter

import pytest

from fleet.declaration.model import Declaration
from fleet.plan.plan import Plan
from tests.fleet.checkout import production


@pytest.fixture(scope="module")
def declared() -> Declaration:
    return production.declared()


@pytest.fixture(scope="module")
def plan(declared: Declaration) -> Plan:
    return production.plan(declared)


def test_the_plan_is_the_one_that_was_reviewed(plan: Plan) -> None:
    assert production.text(plan) == production.GOLDEN.read_text("utf-8"), (
        f"the production plan changed: run `{production.COMMAND}`, and review its diff"
    )


def test_the_whole_matrix_of_the_contract_is_declared(plan: Plan) -> None:
    tags = Counter({image.name: len(image.tags) for image in plan.images})
    assert tags == {"python-uvicorn": 50, "python-gunicorn": 66, "python-gunicorn-uvicorn": 50}
    assert {len(tag.builds) for image in plan.images for tag in image.tags} == {1}


def test_each_tag_is_built_on_the_newest_gunicorn_that_its_python_can_have(plan: Plan) -> None:
    images = {image.name: image for image in plan.images}
    below = {
        tag.python: build.below.name.partition(":")[2]
        for tag in images["python-gunicorn-uvicorn"].tags
        for build in tag.builds
        if build.below and tag.base == "slim"
    }
    newest = images["python-gunicorn"].pointers
    heads = {str(p.tag): p.version for p in newest if p.kind == "LATEST"}
    assert below == {
        python: f"py{python}-slim-{heads[f'py{python}-slim-LATEST']}"
        for python in ("3.9", "3.10", "3.11", "3.12", "3.13")
    }
    assert heads["py3.9-slim-LATEST"] == "23.0.0"
    assert heads["py3.13-slim-LATEST"] != "23.0.0"


def test_every_file_that_compiles_is_an_input_of_what_is_compiled(plan: Plan) -> None:
    assert {tuple(image.assets.compiling) for image in plan.images} == {
        (
            "shared/building/files.py",
            "shared/compiling/compile.py",
            "shared/compiling/emulated.sh",
            "shared/compiling/fetch.py",
            "shared/wheels/Dockerfile",
            "shared/wheels/Dockerfile.dockerignore",
        )
    }


def test_nobody_takes_production_down_by_mistake(plan: Plan, declared: Declaration) -> None:
    assert plan.declaration.protected
    assert set(declared.schedules) == {"drift", "versions"}
