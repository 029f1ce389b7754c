"""What a lock lacks, told in few words: one problem per image."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError, Problems
from fleet.lock.model import Lock, Tools
from fleet.plan.lock_completeness import note_bases_elsewhere
from fleet.plan.plan import make_plan
from tests.fleet.examples import (
    base,
    config,
    covering,
    declaration,
    gaps,
    image,
    inputs,
    lock,
    wheel,
)

OFFICIAL = "docker.io/library/python:3.11-slim"
PYTHONS = ["3.11", "3.12", "3.13"]
WHOLE = declaration(pythons=PYTHONS)


def told(declared: Declaration, held: Lock) -> str:
    (problem,) = [one for one in gaps(declared, held) if one.path == "fleet:images.web"]
    assert (problem.path, problem.remedy) == ("fleet:images.web", "Run `make lock STACK=dev`")
    return problem.what


def without(*keys: tuple[str, str]) -> Lock:
    held = lock(WHOLE)
    return replace(held, pins={k: v for k, v in held.pins.items() if k[1:] not in keys})


@pytest.mark.parametrize(
    ("lacking", "where"),
    [
        ([("3.12", "0.34.0")], "0.34.0 on Python 3.12"),
        ([(p, "0.34.0") for p in PYTHONS], "0.34.0 on Python 3.11, 3.12, 3.13"),
        ([("3.12", v) for v in ("0.33.0", "0.34.0")], "0.33.0, 0.34.0 on Python 3.12"),
        (
            [(p, v) for p in PYTHONS for v in ("0.33.0", "0.34.0")],
            "0.33.0, 0.34.0 on Python 3.11, 3.12, 3.13",
        ),
        (
            [("3.11", "0.33.0"), ("3.12", "0.34.0"), ("3.13", "0.33.0")],
            "0.33.0 on Python 3.11, 3.13 and 0.34.0 on Python 3.12",
        ),
    ],
)
def test_versions_without_pins_are_one_problem(lacking: list[tuple[str, str]], where: str) -> None:
    assert told(WHOLE, without(*lacking)) == f"the lock has no uvicorn, gunicorn for {where}"


def test_a_lock_for_other_distributions_says_which_it_has_none_of() -> None:
    declared = declaration(pythons=PYTHONS, requires=["gunicorn", "uvicorn-workerrr"])
    assert told(declared, replace(lock(WHOLE), tools={})) == (
        "the lock has no uvicorn, gunicorn, uvicorn-workerrr for 0.33.0, 0.34.0 on Python 3.11, "
        "3.12, 3.13"
    )


def test_pins_without_a_file_are_told_together_by_where_they_lack() -> None:
    held = lock(WHOLE)
    files = dict(held.files)
    files["gunicorn==23.0.0"] = (
        wheel("gunicorn==23.0.0", "cp312-cp312-manylinux2014_x86_64.whl"),
        wheel("gunicorn==23.0.0", "cp311-abi3-manylinux2014_armv7l.whl"),
    )
    files["uvicorn==0.34.0"] = (wheel("uvicorn==0.34.0", "cp312-none-any.whl"),)
    assert told(WHOLE, replace(held, files=files)) == (
        "the lock has no file of gunicorn==23.0.0, uvicorn==0.34.0 for linux/amd64 glibc on "
        "Python 3.11, linux/amd64 glibc on Python 3.13; "
        "the lock has no file of uvicorn==0.34.0 for linux/arm/v7 glibc on Python 3.11, "
        "linux/arm/v7 glibc on Python 3.13"
    )


def test_what_is_compiled_needs_no_file_but_its_backends_do() -> None:
    compiled = {"linux/arm/v7 glibc": ("gunicorn==23.0.0",)}
    tools = dict.fromkeys(
        (("web", python) for python in PYTHONS),
        Tools(
            pins=("setuptools==80.0.0",),
            compiled=compiled,
            sources={"gunicorn==23.0.0": "https://files.example/gunicorn-23.0.0.tar.gz"},
        ),
    )
    held = lock(WHOLE)
    amd64 = (wheel("gunicorn==23.0.0", "py3-none-manylinux2014_x86_64.whl"),)
    held = replace(held, tools=tools, files={**held.files, "gunicorn==23.0.0": amd64})
    where = ", ".join(f"linux/arm/v7 glibc on Python {python}" for python in PYTHONS)
    assert told(WHOLE, held) == f"the lock has no file of setuptools==80.0.0 for {where}"
    assert gaps(WHOLE, covering(held)) == []


@pytest.mark.parametrize("change", [{"installer": ""}, {"installer": "installer==9.9.9"}])
def test_what_installs_wheels_has_to_be_there(change: dict[str, Any]) -> None:
    what = "the lock does not say what installs wheels"
    assert told(WHOLE, replace(lock(WHOLE), **change)) == what


def test_bases_that_lack_the_same_platforms_are_told_together_and_with_the_rest() -> None:
    held = replace(without(("3.12", "0.34.0")), bases={}, builders={})
    assert told(WHOLE, held) == (
        "the lock has no base 3.11-slim, builder 3.11, base 3.12-slim, builder 3.12, "
        "base 3.13-slim, builder 3.13 for linux/amd64, linux/arm/v7; "
        "the lock has no uvicorn, gunicorn for 0.34.0 on Python 3.12"
    )


@pytest.mark.parametrize(
    ("mirror", "place", "name", "what"),
    [
        (
            "m.example/library",
            "docker.io/library/python",
            OFFICIAL,
            "m.example/library is declared",
        ),
        (
            "m.example/library",
            "n.example/library/python",
            OFFICIAL,
            "m.example/library is declared",
        ),
        ("m.example/library", "localhost:1/s/p", "localhost:1/s/p:3.11", "m.example/library is"),
        ("", "m.example/library/python", OFFICIAL, "docker.io/library serves"),
        ("m.example/library", "m.example/library/python", OFFICIAL, ""),
        ("", "docker.io/library/python", OFFICIAL, ""),
        ("", "localhost:1/s/p", "localhost:1/s/p:3.11", ""),
    ],
)
def test_bases_of_another_place_than_is_declared_now_are_one_problem_with_its_remedy(
    mirror: str, place: str, name: str, what: str
) -> None:
    held = replace(base(name=name), repository=place)
    known = lock(WHOLE, bases={"3.11-slim": held}, builders={"3.11": held})
    problems = Problems()
    note_bases_elsewhere(mirror, inputs(WHOLE, lock=known), problems)
    found = [(p.path, p.what, p.remedy) for p in problems.found]
    if not what:
        assert found == []
        return
    ((path, said, remedy),) = found
    assert (path, remedy) == ("fleet:base-registry", "Run `make lock STACK=dev`")
    assert said.startswith(f"the lock has bases of {place}, and {what}")


def test_a_plan_notes_it() -> None:
    declared = parse(config(**{"base-registry": "m.example/library"}))
    with pytest.raises(DeclarationError, match=r"docker\.io/library/python, and m\.example"):
        make_plan(declared, inputs(declared), "fleet/t")


def test_another_version_than_the_image_below_has_is_told_once_for_all_tags() -> None:
    below = image(package="gunicorn", requires=[], versions=["23.0.0"], pythons=PYTHONS)
    web = image(pythons=PYTHONS, **{"builds-on": "base"})
    declared = parse(config(images={"base": below, "web": web}))
    pins = {
        **{key: ("gunicorn==22.0.0", f"uvicorn=={key[2]}") for key in lock(WHOLE).pins},
        **{("base", python, "23.0.0"): ("gunicorn==23.0.0",) for python in PYTHONS},
    }
    assert told(declared, lock(declared, pins=pins)) == (
        "the lock has gunicorn==22.0.0 for 0.33.0, 0.34.0 on Python 3.11, 3.12, 3.13, and another "
        "version of it in base"
    )


@pytest.mark.parametrize("key", ["linux/arm/v7", "linux/arm/v7 slim"])
def test_what_the_image_below_holds_is_not_lacking_above_it(key: str) -> None:
    below = image(package="gunicorn", requires=["uvloop"], versions=["23.0.0"])
    lacking = {key: ["uvloop"]}
    for own, said in (({}, True), ({"lacks": lacking}, False)):
        web = image(versions=["0.34.0"], lacks=lacking, **{"builds-on": "base"})
        declared = parse(config(images={"base": {**below, **own}, "web": web}))
        pins = {
            ("base", "3.11", "23.0.0"): ("gunicorn==23.0.0", "uvloop==0.21.0"),
            ("web", "3.11", "0.34.0"): ("gunicorn==23.0.0", "uvicorn==0.34.0", "uvloop==0.21.0"),
        }
        text = (
            f"fleet:images.web.lacks.{key}: uvloop comes with base, the image below. "
            "Take it out here, or have base lack it as well."
        )
        found = [str(problem) for problem in gaps(declared, lock(declared, pins=pins))]
        assert found == ([text] if said else [])
