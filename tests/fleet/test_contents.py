"""Which distributions go into a tag on which platform, and what compiles them."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.declaration import Declaration
from fleet.lock import Tools, bare
from fleet.parse import parse
from fleet.plan import Plan, VersionTag, make_plan
from fleet.problems import DeclarationError
from tests.fleet.examples import DIGEST, OTHER_DIGEST, assets, base, config, image, inputs, lock

MARKED = "uvloop==0.21.0 ; platform_machine != 'armv7l'"


def source(stem: str) -> str:
    """Where a source distribution is."""
    return f"https://files.test/{stem}.tar.gz#sha256={'a' * 64}"


PINS = ("httptools==0.6.4", "uvicorn==0.34.0", MARKED)
TOOLS = Tools(
    pins=("setuptools==80.0.0",),
    compiled=dict.fromkeys(("linux/arm/v7 glibc", "linux/arm/v7 musl"), ("httptools==0.6.4",)),
    sources={"httptools==0.6.4": source("httptools-0.6.4")},
)


def declared(**overrides: Any) -> Declaration:
    return parse(config(images={"web": image(versions=["0.34.0"], **overrides)}))


def plan(declaration: Declaration, tools: Tools = TOOLS, **overrides: Any) -> Plan:
    hashes = dict.fromkeys(
        ("httptools==0.6.4", "uvicorn==0.34.0", "uvloop==0.21.0", "setuptools==80.0.0",
         "cffi==2.1.1"),
        (DIGEST,),
    )  # fmt: skip
    alpine = {"3.11": base(), "3.11-alpine": base(OTHER_DIGEST)}
    locked = lock(
        declaration, pins={("web", "3.11", "0.34.0"): PINS}, hashes=hashes, builders=alpine,
        tools={("web", "3.11"): tools},
    )  # fmt: skip
    return make_plan(declaration, inputs(declaration, lock=locked, **overrides), "fleet/t")


def tag(declaration: Declaration, number: int = 0, tools: Tools = TOOLS) -> VersionTag:
    return plan(declaration, tools).images[0].tags[number]


def test_a_platform_gets_what_its_marker_says() -> None:
    amd64, arm = tag(declared()).builds
    assert "uvloop==0.21.0 \\" in amd64.arguments["DEPENDENCIES"]
    assert "uvloop" not in arm.arguments["DEPENDENCIES"]
    assert '"uvloop"' in amd64.expectation
    assert '"uvloop"' not in arm.expectation


def test_a_distribution_that_cannot_be_had_is_left_out_there_and_seen_to_be_absent() -> None:
    amd64, arm = tag(declared(lacks={"linux/arm/v7": ["HttpTools"]})).builds
    assert "httptools" in amd64.arguments["DEPENDENCIES"]
    assert "httptools" not in arm.arguments["DEPENDENCIES"]
    assert '"absent": ["httptools"]' in arm.expectation
    assert "BUILD_REQUIREMENTS" not in arm.arguments


def test_what_one_base_lacks_is_left_out_of_that_base_alone() -> None:
    lacks = {"linux/arm/v7 alpine": ["HttpTools"], "linux/arm/v7": ["uvloop"]}
    made = declared(lacks=lacks, bases=["slim", "alpine"])
    slim, alpine = tag(made), tag(made, 1)
    assert "httptools" in slim.builds[1].arguments["DEPENDENCIES"]
    assert "httptools" not in alpine.builds[1].arguments["DEPENDENCIES"]
    assert "httptools" in alpine.builds[0].arguments["DEPENDENCIES"]
    assert '"absent": ["uvloop"]' in slim.builds[1].expectation
    assert '"absent": ["httptools", "uvloop"]' in alpine.builds[1].expectation
    assert slim.identity == tag(declared(lacks={"linux/arm/v7": ["uvloop"]})).identity


def test_compilers_and_backends_go_only_where_something_compiles() -> None:
    amd64, arm = tag(declared()).builds
    assert "BUILD_REQUIREMENTS" not in amd64.arguments
    assert arm.arguments["BUILD_REQUIREMENTS"].startswith("setuptools==80.0.0")
    assert "COMPILERS" not in arm.arguments, "the full image has them"
    assert "COMPILED" not in amd64.arguments
    assert arm.arguments["COMPILED"] == f"httptools @ {source('httptools-0.6.4')}\n"


def test_a_backend_without_a_wheel_is_had_from_its_source_behind_the_others() -> None:
    pins = ("cffi==2.1.1", "setuptools==80.0.0")
    without = {"linux/arm/v7 glibc": ("cffi==2.1.1", "httptools==0.6.4")}
    sources = {**TOOLS.sources, "cffi==2.1.1": source("cffi-2.1.1")}
    tools = Tools(pins=pins, compiled=without, sources=sources)
    text = tag(declared(), tools=tools).builds[1].arguments["BUILD_REQUIREMENTS"]
    assert text == f"{TOOLS.pins[0]} \\\n    --hash={DIGEST}\ncffi @ {source('cffi-2.1.1')}\n"


def test_an_index_of_ones_own_reaches_the_builder() -> None:
    assert "INDEX" not in tag(declared()).builds[0].arguments
    own = replace(declared(), index="https://index.test/simple")
    found = plan(own).images[0]
    assert found.tags[0].builds[0].arguments["INDEX"] == "https://index.test/simple"
    ((wheels, _),) = found.compiling
    assert wheels.arguments["INDEX"] == "https://index.test/simple"


def test_images_that_compile_the_same_compile_from_the_same_arguments() -> None:
    images = {name: image(versions=["0.34.0"]) for name in ("web", "api")}
    both = parse(config(images=images))
    pins = {("web", "3.11", "0.34.0"): PINS, ("api", "3.11", "0.34.0"): (*PINS, "zope==1.0")}
    held = {bare(pin) for entry in (*pins.values(), TOOLS.pins) for pin in entry}
    locked = lock(
        both, pins=pins, hashes=dict.fromkeys(held, (DIGEST,)),
        tools=dict.fromkeys((("web", "3.11"), ("api", "3.11")), TOOLS),
    )  # fmt: skip
    images_of = make_plan(both, inputs(both, lock=locked), "fleet/t").images
    web, api = (found.tags[0].builds[1].arguments for found in images_of)
    assert web["DEPENDENCIES"] != api["DEPENDENCIES"]
    for name in ("BUILDER", "COMPILED", "BUILD_REQUIREMENTS"):
        assert web[name] == api[name]


def test_all_tags_that_compile_the_same_have_one_set_of_wheels() -> None:
    found = plan(declared(bases=["full", "slim"])).images[0]
    builds = [build for tag in found.tags for build in tag.builds]
    assert [b.wheels is None for b in builds] == [True, False] * 2
    ((wheels, build),) = found.compiling
    assert build == builds[1]
    assert [b.wheels for b in builds if b.wheels] == [wheels, wheels]
    short = wheels.name.removeprefix("web/wheels:py3.11-arm-v7-")
    assert wheels.cache == f"localhost:5443/multi-py/web/cache:py3.11-arm-v7-{short}"
    assert set(wheels.arguments) == {"BUILDER", "COMPILED", "BUILD_REQUIREMENTS"}


def test_alpine_has_wheels_of_its_own() -> None:
    found = plan(declared(bases=["slim", "alpine"])).images[0]
    assert [wheels.name.rpartition("-")[0] for wheels, _ in found.compiling] == [
        "web/wheels:py3.11-arm-v7", "web/wheels:py3.11-alpine-arm-v7",
    ]  # fmt: skip


def test_a_dockerfile_without_the_shared_files_has_no_stage_of_wheels() -> None:
    found = plan(declared(), assets={"web": assets(shared_context="")}).images[0]
    assert found.compiling == ()


def test_a_package_that_is_compiled_itself_leaves_its_versions_the_same_wheels() -> None:
    compiled = {"linux/arm/v7 glibc": ("httptools==0.6.4", "uvicorn==0.34.0")}
    sources = {**TOOLS.sources, "uvicorn==0.34.0": source("uvicorn-0.34.0")}
    tools = Tools(pins=TOOLS.pins, compiled=compiled, sources=sources)
    _, arm = tag(declared(), tools=tools).builds
    assert "uvicorn" not in arm.arguments["COMPILED"]
    assert arm.arguments["PACKAGE_COMPILED"] == f"uvicorn @ {source('uvicorn-0.34.0')}\n"
    assert "BUILD_REQUIREMENTS" in arm.arguments


def test_alpine_is_compiled_on_alpine_with_compilers_of_its_own() -> None:
    slim, alpine = (tag(declared(bases=["slim", "alpine"]), n).builds[1] for n in (0, 1))
    assert slim.arguments["BUILDER"].endswith(DIGEST)
    assert alpine.arguments["BUILDER"].endswith(OTHER_DIGEST)
    assert "build-base" in alpine.arguments["COMPILERS"]


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ({"linux/386": ["uvloop"]}, "lacks.linux/386: the image is not built for linux/386"),
        ({"linux/arm/v7": ["uvicorn"]}, "uvicorn is what the image is made for"),
        ({"linux/arm/v7": ["uvlop"]}, "nothing here brings uvlop along"),
        ({"linux/arm7": ["uvloop"]}, "lacks.linux/arm7: unknown key"),
        ({"linux/arm/v7": []}, "lacks.linux/arm/v7: is empty"),
        ({"linux/arm/v7 alpin": ["uvloop"]}, "lacks.linux/arm/v7 alpin: unknown key"),
        ({"linux/arm/v7 ": ["uvloop"]}, "lacks.linux/arm/v7 : unknown key"),
        ({"linux/arm/v7 full": ["uvloop"]}, "arm/v7 full: the image is not built on full"),
        ({"linux/386 slim": ["uvloop"]}, "386 slim: the image is not built for linux/386"),
        ({"linux/arm/v7 slim": ["uvicorn"]}, "Leave the base out of the image's bases"),
        ({"linux/arm/v7 slim": ["uvlop"]}, "lacks.linux/arm/v7 slim: nothing here brings uvlop"),
    ],
)
def test_a_lack_that_makes_no_sense_is_a_problem(lacks: dict[str, Any], says: str) -> None:
    with pytest.raises(DeclarationError) as failure:
        tag(declared(lacks=lacks))
    assert says in str(failure.value)


@pytest.mark.parametrize(
    ("exclude", "says"),
    [
        ([{"python": "3.13", "because": "x"}], "exclude[0]: excludes no tag"),
        ([{"because": "x"}], "exclude[0]: says not which tags"),
        ([{"python": "3.11"}], "exclude[0].because: is missing"),
        ([{"python": "3.11", "because": "x"}], "exclude: leaves no tag"),
        ([{"pyhton": "3.11", "because": "x"}], "exclude[0].pyhton: unknown key"),
        (["3.11"], "exclude[0]: says not which tags"),
        ({"python": "3.11"}, "exclude: is no list"),
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
