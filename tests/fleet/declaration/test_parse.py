"""Bad declarations: every problem at once, each with its place and remedy."""

import contextlib
import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.declaration import tags as names
from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from tests.fleet.examples import config, image


def problems(values: dict[str, Any]) -> list[str]:
    with pytest.raises(DeclarationError) as failure:
        parse(values)
    return [str(problem) for problem in failure.value.problems]


def one_problem(**image_overrides: Any) -> str:
    found = problems(config(images={"web": image(**image_overrides)}))
    assert len(found) == 1, found
    return found[0]


def test_a_sound_declaration_has_no_problems() -> None:
    declared = parse(config())
    assert declared.host == "localhost:5443"
    assert declared.images[0].versions == ("0.33.0", "0.34.0")


def test_a_fault_in_what_images_have_in_common_is_told_once_and_where_it_stands() -> None:
    bare = {k: v for k, v in image().items() if k not in ("bases", "maintainer")}
    common = {"bases": ["slim", "slimm"], "maintainer": 5}
    with pytest.raises(DeclarationError) as failure:
        parse(config(defaults=common, images={"web": bare, "api": bare}))
    assert [(problem.path, problem.what) for problem in failure.value.problems] == [
        ("fleet:defaults.maintainer", "is the number 5, not text"),
        ("fleet:defaults.bases[1]", "'slimm' is not a known base"),
    ]


@pytest.mark.parametrize(
    "registry",
    [
        "ghcr.io/multi-py",
        "docker.io.example/multi-py",
        "europe-docker.pkg.dev/project/repository",
        # A template of the account has it make repositories on push.
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team",
        "docker.io:5000/team",
    ],
)
def test_a_registry_of_which_no_limit_is_known_is_good(registry: str) -> None:
    assert parse(config(registry=registry)).registry == registry


def test_a_tag_has_room_for_the_longest_builder_behind_the_longest_version() -> None:
    builder, version = "b" * 50, "1.2." + "3" * (names.LONGEST_VERSION - 4)
    tag = names.tag("3.99", "alpine", version)
    assert len(names.build_tag(tag, builder)) == 128
    builders = {"linux/amd64": builder, "linux/arm/v7": "fleet"}
    assert parse(config(builders=builders, images={"web": image(versions=[version])}))
    (problem,) = problems(config(builders={**builders, "linux/amd64": f"{builder}b"}))
    assert "is not a builder name" in problem


def test_what_is_missing_on_the_first_level_is_not_looked_for_in_defaults() -> None:
    values = config()
    del values["registry"]
    with pytest.raises(DeclarationError) as failure:
        parse(values)
    assert str(failure.value.problems[0]) == "fleet:registry: is missing. Declare it."


def test_defaults_serve_every_image_that_says_nothing_else() -> None:
    bare = {"package": "gunicorn", "versions": ["23.0.0"], "bases": ["full"]}
    defaults = {k: v for k, v in image().items() if k not in bare}
    declared = parse(config(defaults=defaults, images={"web": bare}))
    assert declared.images[0].bases == ("full",)
    assert declared.images[0].maintainer == "multi-py"


@pytest.mark.parametrize(
    ("overrides", "path", "says"),
    [
        ({"pythons": [3.11]}, "pythons[0]", "is the number 3.11, not text"),
        ({"pythons": ["3.11.2"]}, "pythons[0]", "not a Python feature release"),
        ({"pythons": ["2.7"]}, "pythons[0]", "not a Python feature release"),
        ({"pythons": []}, "pythons", "is empty"),
        ({"pythons": None}, "pythons", "is empty"),
        ({"pythons": "3.11"}, "pythons", "not a list"),
        ({"versions": ["0.34"], "pointers": {"X.Y": "keep"}}, "versions[0]", "collides"),
        ({"versions": ["1"], "pointers": {"X": "keep"}}, "versions[0]", "collides"),
        ({"versions": ["v0.34.0"]}, "versions[0]", "not a canonical PEP 440 version"),
        ({"versions": ["0.34.00"]}, "versions[0]", "not a canonical PEP 440 version"),
        ({"versions": ["1!0.34.0"]}, "versions[0]", "not a canonical PEP 440 version"),
        ({"versions": ["0.34.0+local"]}, "versions[0]", "not a canonical PEP 440 version"),
        ({"versions": ["LATEST"]}, "versions[0]", "not a canonical PEP 440 version"),
        ({"versions": ["0.34.0", "0.34.0"]}, "versions[1]", "listed twice"),
        ({"versions": ["1." + "0" * 120 + "1"]}, "versions[0]", "not a canonical"),
        ({"versions": ["1.0." + "1" * 120]}, "versions[0]", "more than 63 characters"),
        ({"platforms": ["linux/armv7"]}, "platforms[0]", "not a known platform"),
        ({"platforms": ["windows/amd64"]}, "platforms[0]", "not a known platform"),
        ({"versions": [date(2024, 1, 1)]}, "versions[0]", "is the date 2024-01-01"),
        ({"bases": ["slimm"]}, "bases[0]", "not a known base"),
        ({"pointers": {"latest": "remove"}}, "pointers.latest", "unknown key"),
        ({"pointers": {"LATEST": "delete"}}, "pointers.LATEST", "not a known policy"),
        ({"pointers": {"X.Y": "remove after 0 days"}}, "pointers.X.Y", "not a known policy"),
        ({"pointers": {"X.Y": "remove after 90"}}, "pointers.X.Y", "not a known policy"),
        ({"pointers": {"X.Y": 90}}, "pointers.X.Y", "is the number 90, not text"),
        ({"lacks": {"linux/arm7": ["uvloop"]}}, "lacks.linux/arm7", "is not a platform"),
        ({"package": "uvicorn; rm -rf /"}, "package", "not a distribution name"),
        (
            {"requires": ["gunicorn; python_version<'3.12'"]},
            "requires[0]",
            "is not a distribution name",
        ),
        ({"requires": ["gunicorn<28; " + "(" * 9999]}, "requires[0]", "is not a distribution name"),
        (
            {"requires": ["gunicorn @ https://x.example/g.whl"]},
            "requires[0]",
            "is not a distribution name",
        ),
        ({"requires": ["gunicorn>=23", "<28"]}, "requires[1]", "is not a distribution name"),
        ({"requires": ["gunicorn<28\n-r x"]}, "requires[0]", "is not a distribution name"),
        ({"requires": ["gunicorn===23.0.0"]}, "requires[0]", "is not a distribution name"),
        ({"requires": ["gunicorn>=23.*"]}, "requires[0]", "a condition that is not one of PEP 440"),
        ({"requires": ["gunicorn~=23"]}, "requires[0]", "a condition that is not one of PEP 440"),
        ({"requires": ["gunicorn>28,<27"]}, "requires[0]", "a condition that no version meets"),
        ({"requires": ["gunicorn", "Gunicorn<28"]}, "requires[1]", "same distribution as 'gunic"),
        ({"requires": ["a", "a_b[x]", "A.b"]}, "requires[2]", "same distribution as 'a_b[x]'"),
        (
            {"requires": ["uvicorn<0.34"]},
            "requires[0]",
            "a condition on what the image web is made",
        ),
        ({"title": "a$(id)"}, "title", "not allowed"),
        ({"title": "a\nb"}, "title", "not allowed"),
        ({"title": "${{ secrets.X }}"}, "title", "not allowed"),
        ({"title": "a](http://x)"}, "title", "not allowed"),
        ({"source": "http://example.org"}, "source", "not a plain https URL"),
        ({"pyhtons": ["3.11"]}, "pyhtons", "unknown key"),
    ],
)
def test_one_fault_is_one_problem(overrides: dict[str, Any], path: str, says: str) -> None:
    found = one_problem(**overrides)
    assert found.startswith(f"fleet:images.web.{path}: ")
    assert says in found
    assert found.count(". ") >= 1, "a remedy follows"


@pytest.mark.parametrize(
    ("overrides", "path", "says"),
    [
        ({"registry": "ghcr.io"}, "fleet:registry", "not a registry and namespace"),
        ({"registry": "GHCR.io/Multi-Py"}, "fleet:registry", "not a registry and namespace"),
        ({"registry": "localhost:0/a"}, "fleet:registry", "no port that can be"),
        ({"registry": "localhost:99999/a"}, "fleet:registry", "no port that can be"),
        ({"registry": "localhost/a"}, "fleet:registry", "needs a port"),
        ({"registry": "127.0.0.1/a"}, "fleet:registry", "needs a port"),
        ({"registry": None}, "fleet:registry", "is empty"),
        ({"registry": "docker.io/multi-py"}, "fleet:registry", "two levels"),
        ({"registry": "index.docker.io/multi-py"}, "fleet:registry", "two levels"),
        ({"registry": "ghcr.io:443/multi-py"}, "fleet:registry", "Write ghcr.io/multi-py"),
        ({"registry": "ghcr.io:0443/multi-py"}, "fleet:registry", "Write ghcr.io/multi-py"),
        ({"registry": "docker.io:443/multi-py"}, "fleet:registry", "Write docker.io/multi-py"),
        ({"base-registry": "ghcr.io:443/a"}, "fleet:base-registry", "Write ghcr.io/a"),
        ({"registry": "registry.hub.docker.com/multi-py"}, "fleet:registry", "two levels"),
        ({"registry": "public.ecr.aws/team"}, "fleet:registry", "no repository on push"),
        (
            {"registry": "europe-docker.pkg.dev/project"},
            "fleet:registry",
            "no repository in it. Make a repository there",
        ),
        ({"builders": {"linux/amd64": "fleet"}}, "fleet:builders.linux/arm/v7", "no builder"),
        ({"images": {}}, "fleet:images", "is empty"),
        ({"images": {"Web": image()}}, "fleet:images.Web", "not a name for an image's"),
        ({"images": {"shared": image()}}, "fleet:images.shared", "not a name for an image's"),
        ({"schedules": {"drift": "@daily"}}, "fleet:schedules.drift", "not a cron line"),
        ({"schedules": {"weekly": "0 4 * * *"}}, "fleet:schedules.weekly", "unknown key"),
        ({"secrets": ["GITHUB_TOKEN"]}, "fleet:secrets[0]", "not a name of an Actions secret"),
        ({"secrets": ["token"]}, "fleet:secrets[0]", "not a name of an Actions secret"),
        ({"secrets": ["TOKEN"]}, "fleet:secrets", "and none is declared"),
        (
            {"secrets": ["TOKEN"], "github": {"repository": "a/b"}},
            "fleet:secrets",
            "passphrase is empty",
        ),
        (
            {
                "secrets": ["TOKEN"],
                "github": {"repository": "a/b"},
                "registry": "127.0.0.1:5443/a",
            },
            "fleet:secrets",
            "give it to a stack whose registry is elsewhere",
        ),
        ({"github": {"repository": "fleet"}}, "fleet:github.repository", "not a GitHub repository"),
        ({"github": {}}, "fleet:github.repository", "is missing"),
        (
            {"github": {"repository": "a/b", "branch": "a..b"}},
            "fleet:github.branch",
            "not a branch name",
        ),
        (
            {"github": {"repository": "a/b", "drift": "ignore"}},
            "fleet:github.drift",
            "not a known answer",
        ),
        (
            {"github": {"repository": "a/b", "environment": "$(id)"}},
            "fleet:github.environment",
            "not an environment name",
        ),
        ({"images": {"web": None}}, "fleet:images.web", "is empty"),
        ({"images": {"web": []}}, "fleet:images.web", "is a list, not a mapping"),
        ({"imagse": {}}, "fleet:imagse", "unknown key"),
        ({"protected": "maybe"}, "fleet:protected", "neither true nor false"),
        ({"retention-days": "a month"}, "fleet:retention-days", "not a whole number"),
        ({"retention-days": 0}, "fleet:retention-days", "not a whole number"),
        ({"retention-days": True}, "fleet:retention-days", "not a whole number"),
        ({"max-removals": 2}, "fleet:max-removals", "not between 0 and 1"),
        ({"max-removals": math.nan}, "fleet:max-removals", "not between 0 and 1"),
        (
            {"on-destroy": {"pointers": "purge"}},
            "fleet:on-destroy.pointers",
            "is neither remove nor keep",
        ),
        ({"on-destroy": {"tags": "keep"}}, "fleet:on-destroy.tags", "unknown key"),
        (
            {"on-conflict": {"versions": "force"}},
            "fleet:on-conflict.versions",
            "not a known answer",
        ),
        ({"defaults": {"colour": "red"}}, "fleet:defaults.colour", "unknown key"),
    ],
)
def test_one_fault_of_the_stack_is_one_problem(
    overrides: dict[str, Any], path: str, says: str
) -> None:
    found = problems(config(**overrides))
    assert len(found) == 1, found
    assert found[0].startswith(f"{path}: ")
    assert says in found[0]


def test_a_policy_may_give_a_stale_pointer_days_of_grace() -> None:
    words = {"LATEST": "remove", "X.Y": "remove after 90 days", "X": "keep"}
    assert dict(parse(config(images={"web": image(pointers=words)})).images[0].pointers) == words


def test_a_two_part_version_is_sound_where_no_pointer_has_its_form() -> None:
    declared = parse(config(images={"web": image(versions=["1.0"], pointers={"LATEST": "remove"})}))
    assert declared.images[0].versions == ("1.0",)


def test_all_problems_come_at_once_in_reading_order() -> None:
    values = config(
        registry="nowhere",
        images={"web": image(pythons=[3.1], platforms=["linux/vax"]), "api": image(bases=[])},
    )
    places = [problem.partition(": ")[0] for problem in problems(values)]
    assert places == [
        "fleet:registry",
        "fleet:images.web.pythons[0]",
        "fleet:images.web.platforms[0]",
        "fleet:images.api.bases",
    ]


def test_the_report_counts_and_says_that_nothing_was_changed() -> None:
    with pytest.raises(DeclarationError) as failure:
        parse(config(registry="x", imagse={}), "Pulumi.dev.yaml")
    assert str(failure.value).startswith("2 problems in Pulumi.dev.yaml; nothing was changed:\n")


json_like = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = (
    *config(), "defaults", "protected", "max-removals", "on-conflict", "on-destroy", "schedules",
    "secrets", "github",
)  # fmt: skip
IMAGE_KEYS = (*image(), "builds-on", "lacks", "exclude", "extras")


@given(st.dictionaries(st.sampled_from(KEYS), json_like, min_size=1))
def test_no_configuration_makes_the_parser_itself_fail(overrides: dict[str, Any]) -> None:
    with contextlib.suppress(DeclarationError):
        parse({**config(), **overrides})


@given(st.dictionaries(st.sampled_from(IMAGE_KEYS), json_like, min_size=1))
def test_no_image_makes_the_parser_itself_fail(overrides: dict[str, Any]) -> None:
    with contextlib.suppress(DeclarationError):
        parse(config(images={"web": image(**overrides)}))


@pytest.mark.parametrize("given", [90, "90", 90.0])
def test_a_retention_is_read_as_yaml_and_as_the_engine_hand_it_over(given: object) -> None:
    assert parse(config(**{"retention-days": given})).retention_days == 90


@pytest.mark.parametrize("where", ["images.web", "defaults"])
def test_a_key_that_is_none_is_named_where_it_stands(where: str) -> None:
    given = image(colour=True) if where == "images.web" else image()
    others = {"defaults": {"colour": True}} if where == "defaults" else {}
    (found,) = problems(config(images={"web": given}, **others))
    assert found.startswith(f"fleet:{where}.colour: unknown key. Known keys: title, ")


@pytest.mark.parametrize(
    ("where", "key", "remedy"),
    [
        ("defaults", "pointers", "is empty. Give it a value"),
        ("images.web", "pointers", "is empty. Give it a value"),
        ("images.web", "maintainer", "is missing. Declare it here or in fleet:defaults"),
        ("images.web", "exclude[0].because", "is missing. Declare it"),
    ],
)
def test_what_is_missing_is_asked_for_where_it_can_be_declared(
    where: str, key: str, remedy: str
) -> None:
    web = image(**({"exclude": [{"python": "3.11"}]} if key.startswith("exclude") else {}))
    web.pop(key, None)
    if key == "pointers" and where == "images.web":
        web[key] = None
    others = {"defaults": {key: None}} if where == "defaults" else {}
    assert problems(config(images={"web": web}, **others)) == [f"fleet:{where}.{key}: {remedy}."]
