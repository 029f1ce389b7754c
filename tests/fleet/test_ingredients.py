"""The ingredients of a tag: everything has a name, and two tags never look the same by mistake."""

from dataclasses import fields, replace
from typing import Any

import pytest

from fleet.build import PlatformBuild
from fleet.cell import cells
from fleet.declaration import Declaration
from fleet.identity import digest_of
from fleet.ingredients import ingredients
from fleet.inputs import Inputs
from fleet.lock import Tools
from fleet.parse import parse
from fleet.plan import VersionTag, make_plan
from tests.fleet.examples import DIGEST, OTHER_DIGEST, assets, base, config, image, inputs, lock

AMD, ARM = "linux/amd64", "linux/arm/v7"
PINS = ("gunicorn==23.0.0", "uvicorn==0.34.0", "uvloop==0.21.0 ; platform_machine != 'armv7l'")
SOURCE = f"https://files.test/a.tar.gz#sha256={'a' * 64}"
TOOLS = Tools(
    pins=("setuptools==82.0.1",),
    compiled={"linux/arm/v7 musl": ("gunicorn==23.0.0",)},
    sources={"gunicorn==23.0.0": SOURCE, "uvloop==0.21.0": SOURCE},
)
ELSEWHERE = replace(TOOLS, compiled={"linux/amd64 musl": ("uvloop==0.21.0",)})
ALPINE = "docker.io/library/python:3.11-alpine"
HASHES = dict.fromkeys(
    ("gunicorn==23.0.0", "uvicorn==0.34.0", "uvloop==0.21.0", "setuptools==82.0.1"), (DIGEST,)
)
NO_HASH = digest_of([DIGEST])[: len("sha256:") + 12]


def declared(**overrides: Any) -> Declaration:
    given = {"versions": ["0.34.0"], "bases": ["alpine"], **overrides}
    return parse(config(images={"web": image(**given)}))


def locked(declaration: Declaration, **overrides: Any) -> Inputs:
    given = {
        "pins": {("web", "3.11", "0.34.0"): PINS},
        "hashes": HASHES,
        "tools": {("web", "3.11"): TOOLS},
        "builders": {"3.11-alpine": base(name=ALPINE)},
        **overrides,
    }
    return inputs(declaration, lock=lock(declaration, **given))


def tag(declaration: Declaration | None = None, given: Inputs | None = None) -> VersionTag:
    known = declaration or declared()
    return make_plan(known, given or locked(known), "fleet/t").images[0].tags[0]


def changed(after: VersionTag) -> set[str]:
    """What differs from the tag as it is without changes, but for the builds as a whole."""
    before = tag().ingredients
    keys = {*before, *after.ingredients}
    found = {key for key in keys if before.get(key) != after.ingredients.get(key)}
    return {key for key in found if not key.startswith("other ")}


def test_the_ingredients_name_what_goes_in() -> None:
    found = tag().ingredients
    assert found["distribution gunicorn"] == f"23.0.0@{NO_HASH}"
    assert found[f"distribution uvloop {AMD}"] == f"0.21.0@{NO_HASH}"
    assert "distribution uvloop" not in found
    assert found[f"backend setuptools {ARM}"] == f"82.0.1@{NO_HASH}"
    assert found[f"base {AMD}"] == f"python:3.11-slim@{DIGEST}"
    assert found[f"builder {ARM}"] == f"python:3.11-alpine@{DIGEST}"
    assert found[f"compilers {ARM}"].startswith("build-base")
    assert f"compilers {AMD}" not in found
    assert found["file start.sh"] == DIGEST[: len("sha256:") + 12]
    assert found["setting TITLE"] == "Web server"
    assert found["revision"] == "000000000000@1700000000"


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"hashes": {**HASHES, "uvicorn==0.34.0": (OTHER_DIGEST,)}}, {"distribution uvicorn"}),
        (
            {"hashes": {**HASHES, "uvloop==0.21.0": (DIGEST, OTHER_DIGEST)}},
            {f"distribution uvloop {AMD}"},
        ),
        (
            {"hashes": {**HASHES, "setuptools==82.0.1": (OTHER_DIGEST,)}},
            {f"backend setuptools {ARM}"},
        ),
        (
            {"tools": {("web", "3.11"): ELSEWHERE}},
            {
                "backend setuptools " + ARM, "backend setuptools " + AMD,
                "compilers " + ARM, "compilers " + AMD,
            },
        ),
        (
            {"builders": {"3.11-alpine": base(OTHER_DIGEST, ALPINE)}},
            {f"builder {AMD}", f"builder {ARM}"},
        ),
    ],
)  # fmt: skip
def test_what_moves_in_the_lock_has_a_name(given: dict[str, Any], names: set[str]) -> None:
    assert changed(tag(given=locked(declared(), **given))) == names


@pytest.mark.parametrize("moved", [{"revision": "1" * 40}, {"epoch": 1}])
def test_the_commit_has_a_name(moved: dict[str, Any]) -> None:
    given = replace(locked(declared()), assets={"web": assets(**moved)})
    assert changed(tag(given=given)) == {"revision"}


def test_drafts_on_one_commit_are_told_apart_with_little() -> None:
    given = replace(locked(declared()), assets={"web": assets(revision=f"{'a' * 40}-dirty-1f")})
    assert tag(given=given).ingredients["revision"] == "aaaaaaaaaaaa-dirty-1f@1700000000"


def test_one_installation_for_all_platforms_is_another_builder() -> None:
    found = tag(declared(pure=True))
    assert {f"builder {AMD}", f"builder {ARM}"} <= changed(found)
    assert found.ingredients[f"builder {ARM}"] == f"python:3.11-alpine on {AMD}@{DIGEST}"


def looks(builds: tuple[PlatformBuild, ...]) -> dict[str, str]:
    known = declared()
    return ingredients(cells(known.images[0])[0], builds, locked(known))


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("name", [*tag().builds[1].arguments, "ANOTHER"])
def test_no_argument_of_a_build_changes_unseen(name: str, number: int) -> None:
    builds = list(tag().builds)
    before = looks(tuple(builds))
    arguments = {**builds[number].arguments, name: "changed"}
    identity = digest_of([builds[number].platform, DIGEST, arguments, ""])
    builds[number] = replace(builds[number], arguments=arguments, identity=identity)
    assert looks(tuple(builds)) != before


def test_no_field_of_the_assets_that_moves_an_identity_changes_unseen() -> None:
    other: dict[str, Any] = {"files": {"a": DIGEST}, "epoch": 1}
    before = tag()
    for name in (field.name for field in fields(assets())):
        given = assets(**{name: other.get(name, "changed")})
        after = tag(given=replace(locked(declared()), assets={"web": given}))
        assert after.identity == before.identity or after.ingredients != before.ingredients


def test_a_mirror_of_a_base_is_another_input_though_it_has_no_name() -> None:
    mirrored = replace(base(), repository="mirror.example.org/python")
    after = tag(given=locked(declared(), bases={"3.11-alpine": mirrored}))
    assert after.identity != tag().identity
    assert changed(after) == set()
    assert after.ingredients != tag().ingredients
