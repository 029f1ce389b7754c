"""The build inputs of a tag: everything has a name, and two tags never look the same by mistake."""

from dataclasses import fields, replace
from typing import Any

import pytest

from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.lock.model import Tools
from fleet.plan.identity import digest_of
from fleet.plan.plan import VersionTag, make_plan
from fleet.plan.plan_inputs import Inputs
from tests.fleet.examples import (
    DIGEST,
    INDEX_DIGEST,
    INSTALLER,
    OTHER_DIGEST,
    assets,
    base,
    config,
    image,
    inputs,
    lock,
    wheel,
)

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
UVLOOP = wheel("uvloop==0.21.0", "cp311-cp311-musllinux_1_2_x86_64.whl")
MANYLINUX = wheel("uvloop==0.21.0", "cp311-cp311-manylinux_2_17_x86_64.whl")
BUILT = "file shared/compiling/compile.py"


def hashed(file: str) -> str:
    return digest_of(file)[: len("sha256:") + 12]


def another(pin: str) -> str:
    """The address of a wheel of the same name with another hash."""
    return f"{wheel(pin).partition('#')[0]}#sha256={'f' * 64}"


def declared(**overrides: Any) -> Declaration:
    given = {"versions": ["0.34.0"], "bases": ["alpine"], **overrides}
    return parse(config(images={"web": image(**given)}))


def locked(declaration: Declaration, **overrides: Any) -> Inputs:
    given = {
        "pins": {("web", "3.11", "0.34.0"): PINS},
        "files": {"uvloop==0.21.0": (UVLOOP,)},
        "tools": {("web", "3.11"): TOOLS},
        "builders": {"3.11-alpine": base(name=ALPINE)},
        **overrides,
    }
    return inputs(declaration, lock=lock(declaration, **given))


def tag(declaration: Declaration | None = None, given: Inputs | None = None) -> VersionTag:
    known = declaration or declared()
    return make_plan(known, given or locked(known), "fleet/t").images[0].tags[0]


def changed(after: VersionTag, before: VersionTag | None = None) -> set[str]:
    """Return what differs from ``before``, or from the tag as it is without changes."""
    old = (before or tag()).build_inputs
    keys = {*old, *after.build_inputs}
    return {key for key in keys if old.get(key) != after.build_inputs.get(key)}


def test_the_ingredients_name_what_goes_in() -> None:
    found = tag().build_inputs
    assert found["distribution uvicorn"] == f"0.34.0@{hashed(wheel('uvicorn==0.34.0'))}"
    own = hashed(wheel("gunicorn==23.0.0"))
    assert found[f"distribution gunicorn {AMD}"] == f"23.0.0@{own}"
    assert found[f"distribution gunicorn {ARM}"] == f"23.0.0@{hashed(SOURCE)} compiled"
    assert "distribution gunicorn" not in found
    assert found[f"distribution uvloop {AMD}"] == f"0.21.0@{hashed(UVLOOP)}"
    assert "distribution uvloop" not in found
    assert found[f"backend setuptools {ARM}"] == f"82.0.1@{hashed(wheel('setuptools==82.0.1'))}"
    assert found[f"base {AMD}"] == f"python:3.11-slim@{DIGEST}"
    assert found["base"] == f"python:3.11-slim@{INDEX_DIGEST}"
    assert found["builder"] == f"python:3.11-alpine@{INDEX_DIGEST}"
    assert found["file start.sh"] == DIGEST[: len("sha256:") + 12]
    assert found[BUILT] == DIGEST[: len("sha256:") + 12]
    assert found["setting TITLE"] == "Web server"
    assert found["installer"] == f"0.7.0@{hashed(wheel(INSTALLER))}"
    assert found["revision"] == "000000000000@1700000000"


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"files": {"uvicorn==0.34.0": (another("uvicorn==0.34.0"),)}}, {"distribution uvicorn"}),
        (
            {"files": {"uvloop==0.21.0": (another("uvloop==0.21.0"),)}},
            {f"distribution uvloop {AMD}"},
        ),
        (
            {"files": {"setuptools==82.0.1": (another("setuptools==82.0.1"),)}},
            {f"backend setuptools {ARM}"},
        ),
        (
            {"tools": {("web", "3.11"): ELSEWHERE}},
            {
                "backend setuptools " + ARM, "backend setuptools " + AMD,
                "distribution gunicorn", f"distribution gunicorn {AMD}",
                f"distribution gunicorn {ARM}", f"distribution uvloop {AMD}",
            },
        ),
        (
            {"builders": {"3.11-alpine": base(name=ALPINE, index=OTHER_DIGEST)}},
            {"builder"},
        ),
        ({"bases": {"3.11-alpine": base(index=OTHER_DIGEST)}}, {"base"}),
        (
            {"bases": {"3.11-alpine": base(OTHER_DIGEST, index=OTHER_DIGEST)}},
            {"base", f"base {AMD}", f"base {ARM}"},
        ),
    ],
)  # fmt: skip
def test_what_moves_in_the_lock_has_a_name(given: dict[str, Any], names: set[str]) -> None:
    files = {"uvloop==0.21.0": (UVLOOP,), **given.pop("files", {})}
    assert changed(tag(given=locked(declared(), files=files, **given))) == names


def test_a_file_of_one_platform_is_named_with_it() -> None:
    arm = wheel("uvicorn==0.34.0", "cp311-cp311-musllinux_1_2_armv7l.whl")
    files = {"uvloop==0.21.0": (UVLOOP,), "uvicorn==0.34.0": (wheel("uvicorn==0.34.0"), arm)}
    before = tag(given=locked(declared(), files=files))
    assert f"distribution uvicorn {ARM}" in before.build_inputs
    moved = (wheel("uvicorn==0.34.0"), f"{arm.partition('#')[0]}#sha256={'f' * 64}")
    after = tag(given=locked(declared(), files={**files, "uvicorn==0.34.0": moved}))
    assert changed(after, before) == {f"distribution uvicorn {ARM}"}


def test_a_file_that_only_another_image_installs_is_no_change() -> None:
    more = {"uvloop==0.21.0": (UVLOOP, MANYLINUX)}
    after = tag(given=locked(declared(), files=more))
    assert after.identity == tag().identity
    assert changed(after) == set()


@pytest.mark.parametrize("moved", [{"revision": "1" * 40}, {"epoch": 1}])
def test_the_commit_has_a_name(moved: dict[str, Any]) -> None:
    given = replace(locked(declared()), assets={"web": assets(**moved)})
    assert changed(tag(given=given)) == {"revision"}


def test_what_compiles_is_an_input_of_what_takes_compiled_wheels_and_of_nothing_else() -> None:
    moved = {"web": assets(compiling={"shared/compiling/compile.py": OTHER_DIGEST})}
    after = tag(given=replace(locked(declared()), assets=moved))
    assert (changed(after), after.identity != tag().identity) == ({BUILT}, True)
    wheels = {"files": {"uvloop==0.21.0": (UVLOOP,)}, "tools": {}}
    known = locked(declared(), **wheels)
    plain, same = tag(given=known), tag(given=replace(known, assets=moved))
    assert (changed(same, plain), same.identity) == (set(), plain.identity)
    assert BUILT not in plain.build_inputs


def test_drafts_on_one_commit_are_told_apart_with_little() -> None:
    given = replace(locked(declared()), assets={"web": assets(revision=f"{'a' * 40}-dirty-1f")})
    assert tag(given=given).build_inputs["revision"] == "aaaaaaaaaaaa-dirty-1f@1700000000"


def test_no_field_of_the_assets_that_moves_an_identity_changes_without_a_name() -> None:
    other: dict[str, Any] = {"files": {"a": DIGEST}, "compiling": {"b": DIGEST}, "epoch": 1}
    before = tag()
    names = [field.name for field in fields(assets())]
    names.remove("context_hash")  # It moves with a file, and a file has a name.
    for name in names:
        given = assets(**{name: other.get(name, "changed")})
        after = tag(given=replace(locked(declared()), assets={"web": given}))
        assert after.identity == before.identity or after.build_inputs != before.build_inputs


def test_a_mirror_is_named_though_the_same_bytes_of_it_move_no_identity() -> None:
    mirror = {"base-registry": "mirror.example.org/library"}
    images = {"web": image(versions=["0.34.0"], bases=["alpine"])}
    mirrored = parse(config(images=images, **mirror))
    place = "mirror.example.org/library/python"
    bases = {"3.11-alpine": replace(base(name=ALPINE), repository=place)}
    before = tag(given=locked(declared(), bases={"3.11-alpine": base(name=ALPINE)}))
    after = tag(mirrored, locked(mirrored, bases=bases, builders=bases))
    assert after.identity == before.identity
    assert changed(after, before) == {"place base", "place builder"}
    (build,), (official,) = after.builds, before.builds
    assert build.arguments["BASE"] == build.arguments["BUILDER"] == f"{place}@{INDEX_DIGEST}"
    same = ("BASE_NAME", "BASE_DIGEST")
    assert [build.arguments[key] for key in same] == [official.arguments[key] for key in same]
    assert build.annotations == official.annotations
    assert [w.name for w in build.wheels.values()] == [w.name for w in official.wheels.values()]
    assert build.wheels, "what is compiled is not compiled again"
