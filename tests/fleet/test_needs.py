"""What an image installs where, and whether a lock's tools were looked for in all of it."""

from typing import Any

import pytest

from fleet.declaration import Declaration
from fleet.identity import digest_of
from fleet.lock import Lock, Needs, Tools
from fleet.needs import looked_at, needs_of, overlooked
from fleet.parse import parse
from fleet.plan import make_plan
from fleet.problems import DeclarationError
from tests.fleet.examples import base, config, declaration, image, inputs, lock

AMD, ARM = "linux/amd64 glibc", "linux/arm/v7 glibc"
NEEDS = {AMD: ("a==1", "b==1"), ARM: ("a==1",)}


def test_needs_are_those_of_all_versions_by_platform_and_libc() -> None:
    lacks = {"linux/arm/v7": ["gunicorn"]}
    image = declaration(bases=["slim", "full", "alpine"], lacks=lacks).images[0]
    pins = {
        ("web", "3.11", "0.33.0"): ("gunicorn==23.0.0", "uvicorn==0.33.0"),
        ("web", "3.11", "0.34.0"): (
            "gunicorn==23.0.0", "uvicorn==0.34.0", "uvloop==1 ; platform_machine == 'x86_64'",
        ),
    }  # fmt: skip
    needs = needs_of(image, "3.11", {"web": image}, Lock(pins=pins))
    arm = ("uvicorn==0.33.0", "uvicorn==0.34.0")
    amd64 = ("gunicorn==23.0.0", *arm, "uvloop==1")
    assert needs == {
        "linux/amd64 glibc": amd64, "linux/amd64 musl": amd64, ARM: arm, "linux/arm/v7 musl": arm,
    }  # fmt: skip


def test_more_may_have_been_looked_at_than_is_installed() -> None:
    tools = Tools(pins=(), compiled={}, looked_at=NEEDS)
    assert looked_at(tools, NEEDS)
    assert overlooked(tools, NEEDS) == ()
    assert not looked_at(tools, {AMD: ("b==1",)}), "what no version needs any more is let go"
    assert overlooked(tools, {AMD: ("b==1",)}) == ()
    assert overlooked(tools, {AMD: ("b==1",), ARM: ("a==1", "b==1")}) == (ARM,)
    assert overlooked(tools, {"linux/arm/v7 musl": ("a==1",)}) == ("linux/arm/v7 musl",)


def test_the_hash_of_an_older_lock_stands_for_just_what_it_was_made_from() -> None:
    hashed = digest_of({target: list(pins) for target, pins in NEEDS.items()})
    tools = Tools(pins=(), compiled={}, found_for=hashed)
    assert looked_at(tools, NEEDS)
    assert overlooked(tools, NEEDS) == ()
    assert overlooked(tools, {ARM: ("a==1",)}) == (ARM,)


def planned(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Plan what ``after`` declares with a lock that holds all, but looked for ``before`` alone."""
    declared = declaration(**after)
    known = declaration(**before)
    builders = {"3.11": base(), "3.11-alpine": base()}
    held = lock(known, bases={"3.11-slim": base(), "3.11-alpine": base()}, builders=builders)
    make_plan(declared, inputs(declared, lock=held), "fleet/test")


MORE = [
    ({"platforms": ["linux/amd64"]}, {}, "linux/arm/v7 glibc"),
    ({}, {"bases": ["slim", "alpine"]}, "linux/amd64 musl, linux/arm/v7 musl"),
    ({"lacks": {"linux/arm/v7": ["gunicorn"]}}, {}, "linux/arm/v7 glibc"),
    (
        {"bases": ["slim", "alpine"],
         "exclude": [{"base": "alpine", "version": "0.34.0", "because": "no"}]},
        {"bases": ["slim", "alpine"]},
        "linux/amd64 musl, linux/arm/v7 musl",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "where"), MORE)
def test_what_the_lock_never_looked_at_is_told_before_a_build_finds_it(
    before: dict[str, Any], after: dict[str, Any], where: str
) -> None:
    with pytest.raises(DeclarationError) as failure:
        planned(before, after)
    (problem,) = failure.value.problems
    assert f"what has to be compiled for {where} on Python 3.11" in problem.what
    assert problem.remedy == "Run `make lock STACK=dev`"


@pytest.mark.parametrize(("after", "before", "where"), MORE)
def test_what_leaves_the_declaration_needs_no_other_lock(
    before: dict[str, Any], after: dict[str, Any], where: str
) -> None:
    del where
    planned(before, after)


def test_a_version_that_leaves_needs_no_other_lock() -> None:
    planned({}, {"versions": ["0.34.0"]})


def family(**web: Any) -> Declaration:
    below = image(package="gunicorn", requires=["uvicorn"], versions=["23.0.0"])
    return parse(config(images={"base": below, "web": image(versions=["0.34.0"], **web)}))


def test_what_the_image_below_brought_along_is_looked_at_when_it_is_not_built_on_any_more() -> None:
    on_base = family(**{"builds-on": "base"})
    pins = {
        ("base", "3.11", "23.0.0"): ("gunicorn==23.0.0", "uvicorn==0.34.0"),
        ("web", "3.11", "0.34.0"): ("gunicorn==23.0.0", "uvicorn==0.34.0"),
    }
    given = inputs(on_base, lock=lock(on_base, pins=pins))
    make_plan(on_base, given, "fleet/test")
    with pytest.raises(DeclarationError) as failure:
        make_plan(family(), given, "fleet/test")
    assert [problem.path for problem in failure.value.problems] == ["fleet:images.web"]


def test_pins_that_are_not_there_are_told_and_nothing_is_looked_for_in_them() -> None:
    declared = family(**{"builds-on": "base"})
    held = lock(declared, pins={("web", "3.11", "0.34.0"): ("uvicorn==0.34.0",)})
    with pytest.raises(DeclarationError, match="the lock has no gunicorn, uvicorn"):
        make_plan(declared, inputs(declared, lock=held), "fleet/test")


def test_what_one_base_lacks_the_others_need() -> None:
    pins = {("web", "3.11", "0.34.0"): ("gunicorn==23.0.0", "uvicorn==0.34.0")}
    held = Lock(pins=pins)

    def needs(*bases: str, **lacks: list[str]) -> Needs:
        spelt = {f"linux/arm/v7 {base}": lacking for base, lacking in lacks.items()}
        image = declaration(versions=["0.34.0"], bases=list(bases), lacks=spelt).images[0]
        return needs_of(image, "3.11", {"web": image}, held)

    one = needs("full", "slim", "alpine", alpine=["gunicorn"], slim=["gunicorn"])
    assert one["linux/arm/v7 musl"] == ("uvicorn==0.34.0",)
    assert one[ARM] == ("gunicorn==23.0.0", "uvicorn==0.34.0"), "full needs it"
    both = needs("full", "slim", full=["gunicorn"], slim=["gunicorn"])
    assert both[ARM] == ("uvicorn==0.34.0",)
