"""The schema for editors has the parser's keys, and takes the files and examples of the project."""

import re
from collections.abc import Iterator
from textwrap import dedent
from typing import Any, get_args

import jsonschema
import pytest
import yaml

from fleet.declaration.model import EVERYWHERE
from fleet.declaration.parse import parse
from fleet.declaration.schema import DEFINITIONS, KEYS
from fleet.declaration.tags import BASES, LONGEST_VERSION, PLATFORMS, PointerKind
from fleet.upkeep.split import stack_files
from tests.fleet.declaration.editor_schema import (
    PART,
    ROOT,
    SCHEMA,
    WHOLE,
    Place,
    changed,
    of_file,
    of_parser,
    of_schema,
)


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_schema_has_the_platforms_and_bases_that_the_program_knows() -> None:
    assert DEFINITIONS["platform"]["enum"] == [*PLATFORMS]
    assert DEFINITIONS["base"]["enum"] == [*BASES]
    assert [*KEYS["builders"]["properties"]] == [*PLATFORMS]
    assert KEYS["whole-check"]["enum"] == [*PLATFORMS, EVERYWHERE]
    assert [*DEFINITIONS["image"]["properties"]["pointers"]["properties"]] == [
        *get_args(PointerKind)
    ]
    assert DEFINITIONS["version"]["maxLength"] == LONGEST_VERSION


def test_an_unknown_key_is_one_at_every_level() -> None:
    for place in (("?",), ("defaults", "?"), ("images", "web", "releases", "?"), ("github", "?")):
        (found,) = of_parser(changed(WHOLE, place, {"?": None}))
        assert found.what == "unknown key"
        assert of_schema(changed(WHOLE, place, {"?": None}))
    (found,) = of_parser({**PART, "registry": "ghcr.io/a"})
    known = "Known keys: fleet:part-of, fleet:only, fleet:below, fleet:with-github"
    assert found.remedy == known


@pytest.mark.parametrize(
    ("place", "key", "meant"),
    [
        ((), "imagse", "Did you mean fleet:images?"),
        ((), "Retention_Days", "Did you mean fleet:retention-days?"),
        (("images", "web"), "platfroms", "Did you mean platforms?"),
        (("images", "web"), "pyhton", "Did you mean pythons?"),
        (("defaults",), "Bases", "Did you mean bases?"),
        (("images", "web", "pointers"), "x.y", "Did you mean X.Y?"),
        (("images", "web", "exclude", 0), "versions", "Did you mean version?"),
    ],
)
def test_a_key_that_is_written_nearly_as_another_names_it(
    place: Place, key: str, meant: str
) -> None:
    (found,) = of_parser(changed(WHOLE, (*place, key), "x"))
    assert found.what == "unknown key"
    assert found.remedy.startswith(f"{meant} Known keys: ")


@pytest.mark.parametrize("key", ["pointers", "pythons", "package", "platforms"])
def test_a_key_of_an_image_at_the_top_is_told_its_place(key: str) -> None:
    (found,) = of_parser(changed(WHOLE, (key,), "x"))
    assert (found.path, found.what) == (f"fleet:{key}", "unknown key")
    where = f"{key} is a key of an image. Move it to fleet:defaults or to an entry of fleet:images"
    assert found.remedy == where


@pytest.mark.parametrize("place", [("defaults",), ("images", "web")])
def test_a_key_of_the_top_in_an_image_is_told_its_place(place: Place) -> None:
    (found,) = of_parser(changed(WHOLE, (*place, "retention-days"), 9))
    assert found.what == "unknown key"
    assert found.remedy == "It is a key of the whole fleet. Write fleet:retention-days at the top"


def test_a_key_that_resembles_none_gets_no_guess() -> None:
    (found,) = of_parser(changed(WHOLE, ("colour",), "red"))
    assert found.remedy.startswith("Known keys: fleet:registry, fleet:mirrors, ")


@pytest.mark.parametrize("base", ["", *(f" {base}" for base in BASES), " slimm", " "])
@pytest.mark.parametrize("platform", [*PLATFORMS, "linux/armv7"])
def test_the_keys_of_what_is_lacking_are_the_parsers(platform: str, base: str) -> None:
    wrong = changed(WHOLE, ("images", "web", "lacks"), {platform + base: ["uvloop"]})
    unknown = any("is not a platform" in problem.what for problem in of_parser(wrong))
    assert bool(of_schema(wrong)) == unknown


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_whole_takes_no_key_of_a_part_and_a_part_none_of_a_whole(key: str) -> None:
    values = {**WHOLE, key: PART[key]} if key in PART else {**PART, key: WHOLE.get(key, "true")}
    if key != "part-of":
        assert of_parser(values)
        assert of_schema(values)


@pytest.mark.parametrize("values", [WHOLE, PART, {**PART, "only": []}])
def test_a_sound_declaration_has_no_error(values: dict[str, Any]) -> None:
    assert of_parser(values) == []
    assert of_schema(values) == []


@pytest.mark.parametrize("key", ["registry", "builders", "images"])
def test_what_a_whole_must_have_the_schema_asks_for(key: str) -> None:
    values = {name: value for name, value in WHOLE.items() if name != key}
    assert of_parser(values)
    assert [error.validator for error in of_schema(values)] == ["required"]


def test_a_part_without_the_repository_must_have_images() -> None:
    for values in ({"part-of": "prod"}, {"part-of": "prod", "only": [], "with-github": "false"}):
        assert of_parser(values)
        assert of_schema(values)


FILES = {name: (ROOT / name).read_text("utf-8") for name in ("Pulumi.dev.yaml", "Pulumi.prod.yaml")}
FILES |= stack_files(parse(WHOLE), "prod", {"encryptionsalt": "v1:x"})


@pytest.mark.parametrize("name", FILES)
def test_the_projects_files_and_those_of_a_split_name_the_schema_and_have_no_error(
    name: str,
) -> None:
    assert FILES[name].startswith("# yaml-language-server: $schema=fleet/declaration/schema.json\n")
    assert of_file(yaml.safe_load(FILES[name])) == []


def test_what_is_pulumis_own_is_left_to_it() -> None:
    config = {f"fleet:{key}": value for key, value in WHOLE.items()}
    config |= {"secrets:TOKEN": {"secure": "v1:x:y"}, "github:token": {"secure": "v1:x:y"}}
    contents = {"encryptionsalt": "v1:x", "environment": ["team/fleet"], "config": config}
    assert of_file(contents) == []
    assert of_file({**contents, "config": {**config, "registry": "ghcr.io/a"}})
    assert of_file({"encryptionsalt": "v1:x"})


def filled(block: str) -> str:
    """Return an example with public keys in the place of what says whose they are."""
    for number, said in enumerate(sorted(set(re.findall(r"\(the [a-z. ]+\)", block)))):
        block = block.replace(said, f"MCowBQYDK2VwAyEA{str(number) * 43}=")
    return dedent(block)


def examples() -> Iterator[Any]:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for number, block in enumerate(
            re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
        ):
            found = yaml.safe_load(filled(block))
            if "apiVersion" not in found:  # an object of Kubernetes, and no declaration
                yield pytest.param(found, id=f"{page.name}-{number}")


@pytest.mark.parametrize("block", [*examples()])
def test_the_examples_of_the_pages_have_no_error(block: dict[str, Any]) -> None:
    if "config" in block:
        assert of_file(block) == []
    elif all(key.startswith("fleet:") for key in block):
        whole = {f"fleet:{key}": value for key, value in WHOLE.items()}
        assert of_file({"config": {**whole, **block}}) == []
    else:
        key = "builder-nodes" if any("driver" in entry for entry in block.values()) else "images"
        assert of_schema({**WHOLE, key: block}) == []


def test_the_tables_of_keys_name_each_and_their_examples_have_no_error() -> None:
    page = (ROOT / "docs/declaration.md").read_text()
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", page, re.MULTILINE)
    named = {name for first, told in rows for name in re.findall(r"`([^`]+)`", f"{first} {told}")}
    assert {f"fleet:{key}" for key in KEYS} | DEFINITIONS["image"]["properties"].keys() <= named
    tried = 0
    for first, told in rows:
        key = first.split("`")[1]
        for text in re.findall(r"`([{\[][^`]+)`", told):
            value = yaml.safe_load(text.replace("[…]", "[]"))
            place: Place = (key[6:],) if key.startswith("fleet:") else ("images", "web", key)
            is_list = key == "exclude"
            assert of_schema(changed(WHOLE, place, [value] if is_list else value)) == [], text
            tried += 1
    assert tried > 6
