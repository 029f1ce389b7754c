"""Pins of a declaration: what they hold, and those that lead nowhere."""

from typing import Any

import pytest

from fleet.declaration.model import Pin
from fleet.declaration.parse import parse
from fleet.declaration.pins import ended
from fleet.declaration.problems import DeclarationError
from fleet.plan.plan import make_plan
from tests.fleet.examples import config, declaration, image, inputs

DIGEST = f"sha256:{'a' * 64}"
LATEST, OLD, NEW = (f"py3.11-slim-{end}" for end in ("LATEST", "0.33.0", "0.34.0"))


def pin(to: str, **more: str) -> dict[str, str]:
    return {"to": to, "because": "an example", "until": "2026-12-31", **more}


def problems(**pins: dict[str, str]) -> list[str]:
    named = {tag.replace("_", "-"): held for tag, held in pins.items()}
    return faults(config(images={"web": image(pins=named)}))


def faults(values: dict[str, Any]) -> list[str]:
    with pytest.raises(DeclarationError) as error:
        parse(values)
    return [str(problem) for problem in error.value.problems]


def test_a_pinned_pointer_names_its_version_and_the_others_stay() -> None:
    declared = declaration(pins={LATEST: pin("0.33.0")})
    (web,) = make_plan(declared, inputs(declared), "fleet/test").images
    targets = {pointer.tag: pointer.target for pointer in web.pointers}
    assert targets == {LATEST: OLD, "py3.11-slim-0.33": OLD, "py3.11-slim-0.34": NEW}


def test_a_version_tag_that_is_held_has_its_pin_in_the_plan() -> None:
    declared = declaration(pins={OLD: pin(DIGEST, evidence="none")})
    (web,) = make_plan(declared, inputs(declared), "fleet/test").images
    held = Pin(to=DIGEST, because="an example", until="2026-12-31", needs_evidence=False)
    assert {tag.tag: tag.pin for tag in web.tags} == {OLD: held, NEW: None}
    assert [tag.tag for tag in web.built] == [NEW]


@pytest.mark.parametrize(
    ("tag", "to", "told"),
    [
        ("py3.9-slim-LATEST", "0.34.0", "is not a tag that web declares. Correct it, or take"),
        ("py3.11-slim-0.32.0", DIGEST, "is not a tag that web declares"),
        (LATEST, "0.32.0", "'0.32.0' is not a version of its line that is declared. Declare it in"),
        ("py3.11-slim-0.34", "0.33.0", "is not a version of its line"),
        (LATEST, DIGEST, "can't be held at a digest. Write a version: 0.33.0, 0.34.0"),
        (OLD, "0.34.0", "can't be held at the version 0.34.0. Write the digest; `make rollback"),
    ],
)
def test_a_pin_that_leads_nowhere_is_told_with_its_remedy(tag: str, to: str, told: str) -> None:
    (problem,) = problems(**{tag: pin(to)})
    assert problem.startswith(f"fleet:images.web.pins.{tag}")
    assert told in problem


def test_all_of_them_are_told_at_once() -> None:
    assert len(problems(**{LATEST: pin("0.1.0"), "py3.9-LATEST": pin("0.34.0")})) == 2


def test_a_pin_belongs_to_an_image_and_not_to_what_all_have_in_common() -> None:
    values = config(defaults={"pins": {LATEST: pin("0.34.0")}})
    assert any(
        "is a tag of one image. Declare it in fleet:images" in each for each in faults(values)
    )


def test_a_version_tag_that_others_are_built_on_is_not_held() -> None:
    base = image(package="gunicorn", requires=[], versions=["22.0.0", "23.0.0"])
    below, older = "py3.11-slim-23.0.0", "py3.11-slim-22.0.0"

    def family(tag: str) -> dict[str, Any]:
        held = {**base, "pins": {tag: pin(DIGEST)}}
        return config(images={"base": held, "child": image(**{"builds-on": "base"})})

    (problem,) = faults(family(below))
    assert problem.startswith(f"fleet:images.base.pins.{below}: child is built on")
    assert parse(family(older)).images[0].pins


@pytest.mark.parametrize(("today", "over"), [("2026-12-31", 0), ("2027-01-01", 1)])
def test_a_pin_is_over_after_its_last_day(today: str, over: int) -> None:
    found = list(ended(declaration(pins={LATEST: pin("0.33.0")}), today))
    assert len(found) == over
    assert all("ended on 2026-12-31 and still holds the tag (an example)" in p for p in found)
