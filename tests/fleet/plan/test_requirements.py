"""What a build installs where, as the text of its arguments."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.lock.model import Base, Tools
from fleet.plan.plan import Plan, make_plan
from fleet.plan.platform_build import TagBuild
from tests.fleet.examples import DIGEST, base, config, image, inputs, lock, wheel

AMD, ARM64, ARM = "linux/amd64", "linux/arm64", "linux/arm/v7"
GUNICORN, UVICORN, LOOP = "gunicorn==23.0.0", "uvicorn==0.34.0", "uvloop==0.21.0"
SOURCE = f"https://files.example/uvloop-0.21.0.tar.gz#sha256={'e' * 64}"
COMPILED = Tools(
    pins=("cython==3.1.0", "setuptools==82.0.1"),
    compiled={f"{ARM} glibc": (LOOP,)},
    sources={LOOP: SOURCE},
)


def linux(tags: str) -> str:
    return wheel(LOOP, f"{tags}.whl")


AMD_WHEEL = linux("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64")
ARM64_WHEEL = linux("cp311-cp311-manylinux_2_17_aarch64")
ALPINE_WHEEL = linux("cp311-cp311-musllinux_1_2_x86_64")


def declared(platforms: tuple[str, ...], builders: dict[str, str], **overrides: Any) -> Declaration:
    given = {"versions": ["0.34.0"], "platforms": list(platforms), **overrides}
    return parse(config(builders=builders, images={"web": image(**given)}))


def planned(
    *platforms: str,
    pins: tuple[str, ...] = (GUNICORN, UVICORN, LOOP),
    files: tuple[str, ...] = (AMD_WHEEL, ARM64_WHEEL, ALPINE_WHEEL),
    tools: Tools = COMPILED,
    builders: dict[str, str] | None = None,
    **overrides: Any,
) -> Plan:
    known = declared(platforms, builders or dict.fromkeys(platforms, "fleet"), **overrides)
    bases = {key: _base(key, platforms) for key in ("3.11-slim", "3.11-alpine")}
    held = lock(
        known,
        pins={("web", "3.11", "0.34.0"): pins},
        files={LOOP: files},
        tools={("web", "3.11"): tools},
        bases=bases,
        builders={"3.11": bases["3.11-slim"], "3.11-alpine": bases["3.11-alpine"]},
    )
    return make_plan(known, inputs(known, lock=held), "fleet/test")


def _base(key: str, platforms: tuple[str, ...]) -> Base:
    made = base(name=f"docker.io/library/python:{key}")
    return replace(made, platforms=dict.fromkeys(platforms, DIGEST))


def builds(plan: Plan) -> tuple[TagBuild, ...]:
    return plan.images[0].tags[0].builds


def lines(plan: Plan, argument: str = "DEPENDENCIES") -> list[str]:
    return builds(plan)[0].arguments[argument].splitlines()


def test_a_pure_wheel_of_all_platforms_is_for_any() -> None:
    plan = planned(AMD, ARM64, pins=(GUNICORN, UVICORN))
    assert lines(plan) == [f"any {wheel(GUNICORN)}"]
    assert lines(plan, "REQUIREMENT") == [f"any {wheel(UVICORN)}"]


def test_each_platform_gets_the_wheel_that_is_its_own() -> None:
    assert lines(planned(AMD, ARM64)) == [
        f"any {wheel(GUNICORN)}",
        f"{ARM64} {ARM64_WHEEL}",
        f"{AMD} {AMD_WHEEL}",
    ]


def test_a_pure_wheel_of_some_platforms_names_them() -> None:
    only = f"{GUNICORN} ; platform_machine != 'armv7l'"
    plan = planned(AMD, ARM64, ARM, pins=(only, UVICORN))
    assert lines(plan) == [f"{AMD},{ARM64} {wheel(GUNICORN)}"]


def test_platforms_may_have_versions_of_their_own() -> None:
    pins = (
        f"{GUNICORN} ; platform_machine != 'armv7l'",
        "gunicorn==22.0.0 ; platform_machine == 'armv7l'",
        UVICORN,
    )
    plan = planned(AMD, ARM, pins=pins)
    assert lines(plan) == [f"{ARM} {wheel('gunicorn==22.0.0')}", f"{AMD} {wheel(GUNICORN)}"]


def test_what_is_compiled_is_named_by_its_version_and_comes_in_an_image_of_wheels() -> None:
    plan = planned(AMD, ARM)
    assert lines(plan) == [f"any {wheel(GUNICORN)}", f"{AMD} {AMD_WHEEL}", f"{ARM} {LOOP}"]
    (wheels,) = plan.images[0].compiling
    assert builds(plan)[0].wheels == {"WHEELS": wheels}
    assert wheels.platforms == (AMD, ARM)
    assert wheels.arguments["COMPILED"] == f"{ARM} uvloop @ {SOURCE}\n"
    assert wheels.arguments["BUILD_REQUIREMENTS"].splitlines() == [
        f"{ARM} {wheel('cython==3.1.0')}",
        f"{ARM} {wheel('setuptools==82.0.1')}",
    ]
    assert wheels.reference.startswith("localhost:5443/multi-py/web/build:wheels-py3.11-")


def test_a_backend_without_a_wheel_is_a_source_after_the_wheels() -> None:
    source = f"https://files.example/cython-3.1.0.tar.gz#sha256={'f' * 64}"
    tools = Tools(
        pins=COMPILED.pins,
        compiled={f"{ARM} glibc": ("cython==3.1.0", LOOP)},
        sources={LOOP: SOURCE, "cython==3.1.0": source},
    )
    (wheels,) = planned(AMD, ARM, tools=tools).images[0].compiling
    assert wheels.arguments["BUILD_REQUIREMENTS"].splitlines() == [
        f"{ARM} {wheel('setuptools==82.0.1')}",
        f"{ARM} cython @ {source}",
    ]


def test_a_package_that_is_compiled_has_an_image_of_its_own() -> None:
    source = f"https://files.example/uvicorn.tar.gz#sha256={'f' * 64}"
    tools = Tools(
        pins=(),
        compiled={f"{ARM} glibc": (LOOP, UVICORN)},
        sources={LOOP: SOURCE, UVICORN: source},
    )
    plan = planned(AMD, ARM, tools=tools)
    found = builds(plan)[0].wheels
    assert set(found) == {"WHEELS", "PACKAGE_WHEELS"}
    assert found["PACKAGE_WHEELS"].arguments["COMPILED"] == f"{ARM} uvicorn @ {source}\n"
    assert f"{ARM} {UVICORN}" in lines(plan, "REQUIREMENT")


def test_alpine_gets_wheels_of_its_own_c_library() -> None:
    plan = planned(AMD, bases=["alpine"])
    assert f"{AMD} {ALPINE_WHEEL}" in lines(plan)
    assert f"{AMD} {AMD_WHEEL}" not in lines(plan)


APART = {AMD: "one", ARM64: "two", ARM: "two"}


def test_several_builders_have_common_lines_and_each_those_of_its_platforms() -> None:
    one, two = builds(planned(AMD, ARM64, ARM, builders=APART))
    common = f"any {wheel(GUNICORN)}\n"
    assert one.arguments["DEPENDENCIES"] == f"{common}{AMD} {AMD_WHEEL}\n"
    assert two.arguments["DEPENDENCIES"] == f"{common}{ARM64} {ARM64_WHEEL}\n{ARM} {LOOP}\n"
    rest = {**one.arguments, "DEPENDENCIES": two.arguments["DEPENDENCIES"]}
    assert rest == two.arguments, "so that layers of what is common are the same"


def test_a_tag_of_several_builders_is_another_one_when_any_of_its_builds_is() -> None:
    other = linux("cp311-cp311-manylinux_2_28_aarch64")
    before, after = (
        planned(AMD, ARM64, ARM, files=(AMD_WHEEL, arm64, ALPINE_WHEEL), builders=APART)
        for arm64 in (ARM64_WHEEL, other)
    )
    same = [
        one.identity == two.identity for one, two in zip(builds(before), builds(after), strict=True)
    ]
    assert same == [True, False]
    assert before.images[0].tags[0].identity != after.images[0].tags[0].identity


def test_what_one_of_several_builders_lacks_is_common_for_none() -> None:
    only = f"{GUNICORN} ; platform_machine != 'armv7l'"
    one, two = builds(planned(AMD, ARM64, ARM, pins=(only, UVICORN), builders=APART))
    assert one.arguments["DEPENDENCIES"] == f"{AMD} {wheel(GUNICORN)}\n"
    assert two.arguments["DEPENDENCIES"] == f"{ARM64} {wheel(GUNICORN)}\n"


def test_a_file_that_moved_for_one_builder_leaves_the_build_of_the_other() -> None:
    moved = (AMD_WHEEL, f"{ARM64_WHEEL.partition('#')[0]}#sha256={'f' * 64}", ALPINE_WHEEL)
    before = builds(planned(AMD, ARM64, ARM, builders=APART))
    after = builds(planned(AMD, ARM64, ARM, builders=APART, files=moved))
    same = [old.identity == new.identity for old, new in zip(before, after, strict=True)]
    assert same == [True, False]


def test_several_builders_compile_each_its_own() -> None:
    plan = planned(AMD, ARM64, ARM, builders=APART)
    one, two = builds(plan)
    assert (one.platforms, two.platforms) == ((AMD,), (ARM64, ARM))
    assert (one.name, two.name) == (
        "web/build:py3.11-slim-0.34.0-one",
        "web/build:py3.11-slim-0.34.0-two",
    )
    assert not one.wheels
    assert two.wheels["WHEELS"].platforms == (ARM64, ARM)
    assert two.wheels["WHEELS"].builder == "two"


@pytest.mark.parametrize("moved", [{"pins": ("cython==3.2.0", "setuptools==82.0.1")}])
def test_another_backend_is_another_image_of_wheels(moved: dict[str, Any]) -> None:
    other = Tools(
        **{"pins": (), "compiled": COMPILED.compiled, "sources": COMPILED.sources, **moved}
    )
    before, after = planned(AMD, ARM), planned(AMD, ARM, tools=other)
    assert before.images[0].compiling[0].name != after.images[0].compiling[0].name
    assert before.images[0].tags[0].identity != after.images[0].tags[0].identity
