"""What a verification is told, and on which platform it checks all."""

import json
from typing import Any

import pytest

from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from fleet.plan.plan import VersionTag, make_plan
from tests.fleet.examples import config, image, inputs, lock

AMD, ARM = "linux/amd64", "linux/arm/v7"


def tag(native: str = "", *, pins: tuple[str, ...] = (), **said: Any) -> VersionTag:
    given = {"images": {"web": image(versions=["0.34.0"], **said.pop("image", {}))}, **said}
    declared = parse(config(**given))
    held = lock(declared, **({"pins": {("web", "3.11", "0.34.0"): pins}} if pins else {}))
    known = inputs(declared, lock=held, native=native)
    return make_plan(declared, known, "fleet/test").images[0].tags[0]


def told(planned: VersionTag) -> list[dict[str, Any]]:
    return [json.loads(build.expectation) for build in planned.builds]


def test_what_all_platforms_hold_is_said_once() -> None:
    pins = ("gunicorn==23.0.0", "uvicorn==0.34.0", "uvloop==0.21.0 ; platform_machine != 'armv7l'")
    assert told(tag(pins=pins)) == [
        {
            "python": "3.11",
            "whole": [AMD],
            "packages": {"gunicorn": "23.0.0", "uvicorn": "0.34.0"},
            "platforms": {AMD: {"packages": {"uvloop": "0.21.0"}}, ARM: {}},
        }
    ]


def test_what_a_platform_lacks_is_said_of_it() -> None:
    lacking = {"lacks": {ARM: ["gunicorn"]}}
    (found,) = told(tag(image=lacking))
    assert found["platforms"] == {
        AMD: {"packages": {"gunicorn": "23.0.0"}},
        ARM: {"absent": ["gunicorn"]},
    }


@pytest.mark.parametrize(
    ("native", "said", "whole"),
    [
        (ARM, {}, (ARM,)),
        ("linux/arm64", {}, (AMD,)),
        ("", {}, (AMD,)),
        (ARM, {"registry": "ghcr.io/multi-py"}, (AMD,)),
        (AMD, {"whole-check": ARM}, (ARM,)),
        (AMD, {"whole-check": "linux/s390x"}, (AMD,)),
        (AMD, {"whole-check": "everywhere"}, (AMD, ARM)),
    ],
    ids=["own", "own not built", "unknown", "elsewhere", "declared", "not built", "everywhere"],
)
def test_one_platform_is_checked_whole(native: str, said: dict[str, Any], whole: Any) -> None:
    found = tag(native, **said)
    assert found.whole == whole
    assert told(found)[0]["whole"] == list(whole)


def test_of_several_builders_one_checks_all() -> None:
    found = tag(AMD, builders={AMD: "one", ARM: "two"})
    assert [entry["whole"] for entry in told(found)] == [[AMD], [AMD]]
    assert [list(entry["platforms"]) for entry in told(found)] == [[AMD], [ARM]]


def test_a_place_that_is_none_is_refused() -> None:
    with pytest.raises(DeclarationError, match="whole-check"):
        tag("", **dict[str, Any]({"whole-check": "somewhere"}))
