"""Which distributions go into a tag on which platform, and what compiles them."""

from typing import Any

import pytest

from fleet.declaration.matrix import MatrixEntry
from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from fleet.lock.model import Lock, Tools
from fleet.plan.installed import Contents, contents
from tests.fleet.examples import config, gaps, image, lock

MARKED = "uvloop==0.21.0 ; platform_machine != 'armv7l'"


def source(stem: str) -> str:
    """Return the address of a source distribution."""
    return f"https://files.test/{stem}.tar.gz#sha256={'a' * 64}"


PINS = ("httptools==0.6.4", "uvicorn==0.34.0", MARKED)
AMD64, ARM = "linux/amd64", "linux/arm/v7"
TOOLS = Tools(
    pins=("setuptools==80.0.0",),
    compiled=dict.fromkeys((f"{ARM} glibc", f"{ARM} musl"), ("httptools==0.6.4",)),
    sources={"httptools==0.6.4": source("httptools-0.6.4")},
)


def declared(**overrides: Any) -> Declaration:
    return parse(config(images={"web": image(versions=["0.34.0"], **overrides)}))


def locked(declaration: Declaration, tools: Tools = TOOLS) -> Lock:
    pins = {(i.name, "3.11", "0.34.0"): PINS for i in declaration.images}
    return lock(declaration, pins=pins, tools={("web", "3.11"): tools})


def held(platform: str, base: str = "slim", tools: Tools = TOOLS, **overrides: Any) -> Contents:
    """Return what the tag on ``base`` holds on ``platform``."""
    made = declared(bases=["slim", "alpine"], **overrides)
    matrix_entry = MatrixEntry(image=made.images[0], python="3.11", base=base, version="0.34.0")
    return contents(matrix_entry, platform, made.by_name, locked(made, tools))


def test_a_platform_gets_what_its_marker_says() -> None:
    assert held(AMD64).dependencies == ("httptools==0.6.4", "uvloop==0.21.0")
    assert held(ARM).dependencies == ("httptools==0.6.4",)
    assert held(ARM).package == ("uvicorn==0.34.0",)


def test_a_distribution_that_cannot_be_had_is_left_out_there() -> None:
    lacks = {ARM: ["HttpTools"]}
    assert "httptools==0.6.4" in held(AMD64, lacks=lacks).dependencies
    arm = held(ARM, lacks=lacks)
    assert (arm.dependencies, arm.compiled, arm.backends, arm.sources) == ((), (), (), {})


def test_what_one_base_lacks_is_left_out_of_that_base_alone() -> None:
    lacks = {f"{ARM} alpine": ["HttpTools"]}
    assert held(ARM, lacks=lacks).dependencies == ("httptools==0.6.4",)
    assert held(ARM, "alpine", lacks=lacks).dependencies == ()


def test_backends_go_only_where_something_compiles() -> None:
    amd64, arm = held(AMD64), held(ARM)
    assert (amd64.compiled, amd64.backends, amd64.sources) == ((), (), {})
    assert arm.compiled == ("httptools==0.6.4",)
    assert arm.backends == ("setuptools==80.0.0",)
    assert arm.sources == TOOLS.sources


def test_a_backend_without_a_wheel_has_a_source() -> None:
    pins = ("cffi==2.1.1", "setuptools==80.0.0 ; platform_machine == 'armv7l'")
    without = {f"{ARM} glibc": ("cffi==2.1.1", "httptools==0.6.4")}
    sources = {**TOOLS.sources, "cffi==2.1.1": source("cffi-2.1.1")}
    arm = held(ARM, tools=Tools(pins=pins, compiled=without, sources=sources))
    assert arm.backends == ("cffi==2.1.1", "setuptools==80.0.0")
    assert arm.compiled == ("httptools==0.6.4",), "an image holds no backend"
    assert arm.sources == sources


def test_what_the_image_below_holds_is_not_installed_again() -> None:
    below = image(package="gunicorn", requires=[], versions=["23.0.0"])
    made = parse(
        config(images={"base": below, "web": image(versions=["0.34.0"], **{"builds-on": "base"})})
    )
    pins = {
        ("base", "3.11", "23.0.0"): ("gunicorn==23.0.0", "httptools==0.6.4"),
        ("web", "3.11", "0.34.0"): PINS,
    }
    matrix_entry = MatrixEntry(image=made.images[1], python="3.11", base="slim", version="0.34.0")
    found = contents(matrix_entry, AMD64, made.by_name, lock(made, pins=pins))
    assert found.held == ("gunicorn==23.0.0", "httptools==0.6.4")
    assert (found.package, found.dependencies) == (("uvicorn==0.34.0",), ("uvloop==0.21.0",))
    assert found.everything == tuple(sorted({*found.held, "uvicorn==0.34.0", "uvloop==0.21.0"}))


def refuse(declaration: Declaration) -> str:
    """Return what is wrong with ``declaration``, be it found with the lock."""
    return " ".join(map(str, gaps(declaration, locked(declaration))))


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ({"linux/386": ["uvloop"]}, "lacks.linux/386: the image is not built for linux/386"),
        ({"linux/arm/v7": ["uvicorn"]}, "uvicorn is what the image is made for"),
        ({"linux/arm/v7": ["uvlop"]}, "nothing here brings uvlop along"),
        ({"linux/arm7": ["uvloop"]}, "lacks.linux/arm7: 'linux/arm7' is not a platform"),
        ({"linux/arm/v7": []}, "lacks.linux/arm/v7: is empty"),
        ({"linux/arm/v7 alpin": ["uvloop"]}, "'linux/arm/v7 alpin' is not a platform"),
        ({"linux/arm/v7 ": ["uvloop"]}, "'linux/arm/v7 ' is not a platform"),
        ({"linux/arm/v7 full": ["uvloop"]}, "arm/v7 full: the image is not built on full"),
        ({"linux/386 slim": ["uvloop"]}, "386 slim: the image is not built for linux/386"),
        ({"linux/arm/v7 slim": ["uvicorn"]}, "Leave the base out of the image's bases"),
        ({"linux/arm/v7 slim": ["uvlop"]}, "lacks.linux/arm/v7 slim: nothing here brings uvlop"),
    ],
)
def test_a_lack_that_makes_no_sense_is_a_problem(lacks: dict[str, Any], says: str) -> None:
    try:
        found = refuse(declared(lacks=lacks))
    except DeclarationError as error:
        found = str(error)
    assert says in found


@pytest.mark.parametrize(
    ("exclude", "says"),
    [
        ([{"python": "3.13", "because": "x"}], "exclude[0]: excludes no tag"),
        ([{"because": "x"}], "exclude[0]: says not which tags"),
        ([{"python": "3.11"}], "exclude[0].because: is missing"),
        ([{"python": "3.11", "because": "x"}], "exclude: leaves no tag"),
        ([{"pyhton": "3.11", "because": "x"}], "exclude[0].pyhton: unknown key"),
        (["3.11"], "exclude[0]: is the text '3.11', not a mapping"),
        ({"python": "3.11"}, "exclude: is a mapping, not a list"),
    ],
)
def test_an_exclusion_that_makes_no_sense_is_a_problem(exclude: Any, says: str) -> None:
    with pytest.raises(DeclarationError) as failure:
        declared(exclude=exclude)
    assert says in str(failure.value)


@pytest.mark.parametrize(
    "fault",
    [
        {"pythons": [3.9, "3.11"]},
        {"versions": "0.34.0"},
        {"bases": ["slim", "ful"]},
        {"exclude": [{"python": 3.9, "because": "x"}]},
        {"platforms": ["linux/arm/7"], "lacks": {"linux/arm/v7": ["uvloop"]}, "exclude": []},
        {"bases": ["alpin"], "lacks": {"linux/arm/v7 alpine": ["uvloop"]}},
    ],
)
def test_what_follows_from_a_fault_is_not_told_as_another(fault: dict[str, Any]) -> None:
    entry = {"python": "3.9", "base": "full", "version": "0.33.0", "because": "an example"}
    key = next(iter(fault))
    for own in (True, False):
        web = image(**{"exclude": [entry], **fault})
        defaults = {} if own else {key: web.pop(key)}
        with pytest.raises(DeclarationError) as failure:
            parse(config(images={"web": web}, defaults=defaults))
        assert len(failure.value.problems) == 1, failure.value
        assert f".{key}" in failure.value.problems[0].path
