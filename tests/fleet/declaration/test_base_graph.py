"""Images that are built on others: order, choice of the version, faults."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from fleet.declaration import base_graph
from fleet.declaration.base_graph import in_order, parent_of
from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from fleet.declaration.versions import eligible
from fleet.plan.plan import make_plan
from tests.fleet.examples import config, image, inputs, lock, wheel


def family(child: dict[str, Any] | None = None, **parent: Any) -> Declaration:
    """`child`, declared before `base`, on which it builds."""
    below = {"package": "gunicorn", "requires": [], "versions": ["22.0.0", "23.0.0"], **parent}
    above = {"builds-on": "base", "requires": ["uvicorn-worker"], **(child or {})}
    return parse(config(images={"child": image(**above), "base": image(**below)}))


def said(images: dict[str, Any]) -> list[str]:
    with pytest.raises(DeclarationError) as failure:
        parse(config(images=images))
    return [str(problem) for problem in failure.value.problems]


def test_an_image_comes_after_the_one_it_is_built_on_however_they_are_declared() -> None:
    assert [i.name for i in in_order(family().images)] == ["base", "child"]


def test_a_tag_is_built_on_the_highest_version_of_its_python_and_base() -> None:
    declared = family(
        {"pythons": ["3.9", "3.11"], "bases": ["full", "slim"]},
        pythons=["3.9", "3.11", "3.12"], bases=["full", "slim"],
        versions=["22.0.0", "23.0.0", "24.0.0a1"],
        exclude=[{"python": "3.9", "version": "23.0.0", "because": "needs 3.10"}],
    )  # fmt: skip
    found = {
        (entry.python, entry.base): str(parent.tag)
        for entry in matrix_entries(declared.by_name["child"])
        if (parent := parent_of(entry, declared.by_name, {}))
    }
    assert found == {
        ("3.9", "full"): "py3.9-22.0.0",
        ("3.9", "slim"): "py3.9-slim-22.0.0",
        ("3.11", "full"): "py3.11-23.0.0",
        ("3.11", "slim"): "py3.11-slim-23.0.0",
    }


def test_the_version_below_is_looked_for_once_a_python_and_base_however_many_tags(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def counted(declared: Iterable[str], yanked: Iterable[str]) -> list[str]:
        asked.append(1)
        return eligible(declared, yanked)

    monkeypatch.setattr(base_graph, "eligible", counted)
    many = [f"7.{minor}.0" for minor in range(20)]
    matrix: dict[str, Any] = {"pythons": ["3.11", "3.12"], "bases": ["full", "slim"]}
    declared = family({**matrix, "versions": many}, **matrix, versions=[*many, "22.0.0"])
    for entry in matrix_entries(declared.by_name["child"]):
        parent = parent_of(entry, declared.by_name, {})
        assert parent is not None
        assert parent.version == "22.0.0"
    assert len(asked) == len(matrix["pythons"]) * len(matrix["bases"])


def test_a_yanked_version_is_not_built_on() -> None:
    declared = family()
    parent = parent_of(
        matrix_entries(declared.by_name["child"])[0], declared.by_name, {"gunicorn": ("23.0.0",)}
    )
    assert parent is not None
    assert parent.version == "22.0.0"


def test_a_circle_is_reported_with_the_images_in_it() -> None:
    (problem,) = said(
        {
            "a": image(**{"builds-on": "b"}),
            "b": image(**{"builds-on": "c"}),
            "c": image(**{"builds-on": "a"}),
        }
    )
    assert "is a circular dependency: a on b on c on a" in problem


def test_an_image_on_itself_is_a_circle() -> None:
    (problem,) = said({"a": image(**{"builds-on": "a"})})
    assert "is a circular dependency: a on a" in problem


def test_an_image_on_an_undeclared_one_is_reported() -> None:
    (problem,) = said({"a": image(**{"builds-on": "bsae"})})
    assert "fleet:images.a.builds-on: no image 'bsae' is declared. Name one of a" in problem


def test_what_the_image_below_does_not_have_is_reported_at_once() -> None:
    problems = said(
        {
            "child": image(**{"builds-on": "base", "pythons": ["3.9", "3.11"]}),
            "base": image(platforms=["linux/amd64"]),
        }
    )
    assert [p.partition(": ")[2].partition(".")[0] for p in problems] == [
        "base is not built for linux/arm/v7",
        "base has no final version on Python 3",
    ]


def test_bases_of_a_python_must_have_one_version_below() -> None:
    with pytest.raises(DeclarationError, match=r"built on versions 22\.0\.0 and 23\.0\.0"):
        family(
            {"bases": ["full", "slim"]},
            bases=["full", "slim"],
            exclude=[{"base": "slim", "version": "23.0.0", "because": "an example"}],
        )


def planned(declared: Declaration, **lock_values: Any) -> Any:
    pins = {
        ("base", "3.11", "22.0.0"): ("gunicorn==22.0.0", "packaging==24.2"),
        ("base", "3.11", "23.0.0"): ("gunicorn==23.0.0", "packaging==24.2"),
        **{
            ("child", "3.11", version): (
                "gunicorn==23.0.0",
                "packaging==24.2",
                "uvicorn-worker==0.3.0",
                f"uvicorn=={version}",
            )
            for version in ("0.33.0", "0.34.0")
        },
    }  # fmt: skip
    locked = lock(declared, **{"pins": pins, **lock_values})
    return make_plan(declared, inputs(declared, lock=locked), "fleet/test")


def test_what_the_image_below_holds_is_not_installed_again_but_verified() -> None:
    plan = planned(family())
    assert [i.name for i in plan.images] == ["base", "child"]
    build = plan.images[1].tags[1].builds[0]
    assert build.below.name == "base/build:py3.11-slim-23.0.0"
    assert "gunicorn" not in build.arguments["DEPENDENCIES"]
    assert build.arguments["DEPENDENCIES"] == f"any {wheel('uvicorn-worker==0.3.0')}\n"
    assert '"gunicorn": "23.0.0"' in build.expectation
    assert '"packaging": "24.2"' in build.expectation
    assert build.arguments["BASE_NAME"] == "localhost:5443/multi-py/base:py3.11-slim-23.0.0"
    assert "BASE" not in build.arguments


def test_a_change_below_moves_the_identity_above() -> None:
    declared = family()
    before = planned(declared).images[1].tags[0]
    moved = {"packaging==24.2": (wheel("packaging==24.2").replace("#sha256=", "#sha256=f"),)}
    after = planned(declared, files=moved).images[1].tags[0]
    assert before.identity != after.identity
    kinds = {key.partition(" ")[0] for key in before.build_inputs
             if before.build_inputs[key] != after.build_inputs[key]}  # fmt: skip
    assert "image" in kinds


def test_a_lock_that_contradicts_the_image_below_does_not_serve() -> None:
    pins = {
        ("base", "3.11", "22.0.0"): ("gunicorn==22.0.0",),
        ("base", "3.11", "23.0.0"): ("gunicorn==23.0.0",),
        ("child", "3.11", "0.33.0"): ("gunicorn==22.0.0", "uvicorn==0.33.0"),
        ("child", "3.11", "0.34.0"): ("gunicorn==23.0.0", "uvicorn==0.34.0"),
    }
    words = r"gunicorn==22\.0\.0 .*another version of it in base"
    with pytest.raises(DeclarationError, match=words):
        planned(family(), pins=pins)


def test_images_stay_when_one_of_them_is_turned_round() -> None:
    declared = family()
    turned = replace(declared, images=tuple(reversed(declared.images)))
    assert [i.name for i in in_order(turned.images)] == [i.name for i in in_order(declared.images)]
