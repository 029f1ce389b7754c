"""Images on images of the same package: what can't be had is a problem of the declaration."""

from typing import Any

import pytest

from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError, Problems
from fleet.declaration.version_consistency import note_two_versions
from tests.fleet.examples import config, image


def family(child: dict[str, Any], **below: Any) -> dict[str, Any]:
    """`child` on `middle` on `base`, all on Python 3.11."""
    gunicorn = {"package": "gunicorn", "requires": []}
    return config(
        images={
            "child": image(**{**gunicorn, "builds-on": "middle", **child}),
            "middle": image(**{"builds-on": "base"}),
            "base": image(**{**gunicorn, "versions": ["23.0.0", "27.0.1"], **below}),
        }
    )


def said(values: dict[str, Any]) -> list[str]:
    with pytest.raises(DeclarationError) as failure:
        parse(values)
    return [str(problem) for problem in failure.value.problems]


def noted(values: dict[str, Any], *yanked: str) -> list[str]:
    problems, declared = Problems(), parse(values)
    for one in declared.images:
        note_two_versions(one, declared.by_name, {"gunicorn": yanked}, problems)
    return [str(problem) for problem in problems.found]


def test_a_version_that_no_image_below_can_have_is_a_problem_with_its_place_and_remedy() -> None:
    (problem,) = said(family({"versions": ["22.0.0", "27.0.1"]}))
    assert problem == (
        "fleet:images.child.versions: gunicorn 22.0.0 can't be had on Python 3.11: base, on which "
        "child is built, has 23.0.0 or 27.0.1 there. "
        "Leave it out or exclude it there, or build child on another image."
    )


def test_each_python_is_judged_by_what_is_there() -> None:
    matrix = {"pythons": ["3.9", "3.11"]}
    old = {"python": "3.9", "version": "27.0.1", "because": "needs Python 3.10"}
    values = family({**matrix, "versions": ["27.0.1"]}, **matrix, exclude=[old])
    values["images"]["middle"]["pythons"] = matrix["pythons"]
    (problem,) = said(values)
    assert "gunicorn 27.0.1 can't be had on Python 3.9" in problem
    values["images"]["child"]["exclude"] = [old]
    assert parse(values)


@pytest.mark.parametrize(
    "child",
    [
        {"versions": ["27.0.1"]},
        {"versions": ["23.0.0"]},
        {"versions": ["1.0.0"], "package": "hypercorn"},
    ],
)
def test_what_may_be_had_is_no_problem_of_the_declaration(child: dict[str, Any]) -> None:
    assert parse(family(child))


def test_names_and_versions_are_compared_as_pip_compares_them() -> None:
    assert parse(family({"package": "Gunicorn", "versions": ["27.0.1"]}))
    assert said(family({"package": "Gunicorn", "versions": ["22.0.0"]}))
    assert parse(family({"versions": ["23.0"], "pointers": {"LATEST": "remove"}}))


def test_a_pre_release_is_never_built_on() -> None:
    below = ["23.0.0", "28.0.0a1"]
    (problem,) = said(family({"versions": ["28.0.0a1"]}, versions=below))
    assert "has 23.0.0 there" in problem


def test_where_it_is_known_what_was_yanked_there_is_one_version_below() -> None:
    values = family({"versions": ["23.0.0", "27.0.1"]})
    (problem,) = noted(values)
    assert "gunicorn 23.0.0 can't be had" in problem
    assert "has 27.0.1 there" in problem
    (problem,) = noted(values, "27.0.1")
    assert "gunicorn 27.0.1 can't be had" in problem
    assert "has 23.0.0 there" in problem


def test_an_image_without_a_version_below_is_another_fault() -> None:
    assert noted(family({"versions": ["27.0.1"]}), "23.0.0", "27.0.1") == []
