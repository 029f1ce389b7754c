"""The production declaration as it is shipped: its matrix, and what is built on what."""

from collections import Counter
from pathlib import Path

import pytest

from fleet.checkout.image_source import read_assets
from fleet.checkout.stack_config import declaration_of_file
from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import Declaration
from fleet.lock.model import Base, Lock, Tools, asked
from fleet.plan.plan import Plan, make_plan
from fleet.plan.plan_inputs import Inputs
from tests.fleet import examples

ROOT = Path(__file__).parents[3]
DIGEST = "sha256:" + "d" * 64


@pytest.fixture(scope="module")
def declared() -> Declaration:
    return declaration_of_file(ROOT / "Pulumi.prod.yaml")


@pytest.fixture(scope="module")
def plan(declared: Declaration) -> Plan:
    """The plan with the shipped assets and a lock that holds each image's own package alone."""
    assets = {name: read_assets(ROOT, name) for name in declared.by_name}
    found = {name: folder for name, folder in assets.items() if folder}
    given = Inputs(lock=covering(declared), assets=found, stack="prod")
    return make_plan(declared, given, "fleet/prod")


def covering(declared: Declaration) -> Lock:
    pins: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for image in declared.images:
        for entry in matrix_entries(image):
            pins[entry.pin_key] = (f"{image.package}=={entry.version}",)
    every = [entry for image in declared.images for entry in matrix_entries(image)]
    platforms = dict.fromkeys((p for image in declared.images for p in image.platforms), DIGEST)
    official = "docker.io/library/python"
    base = Base(name=f"{official}:x", repository=official, digest=DIGEST, platforms=platforms)
    lock = Lock(
        bases={entry.base_key: base for entry in every},
        builders={entry.builder_key: base for entry in every},
        asked={image.name: asked(image) for image in declared.images},
        pins=pins,
        tools={(entry.image.name, entry.python): Tools(pins=(), compiled={}) for entry in every},
        installer=examples.INSTALLER,
    )
    return examples.covering(lock)


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
    assert plan.protected
    assert set(declared.schedules) == {"drift", "versions"}
