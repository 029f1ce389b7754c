"""Reading a stack's file, before the engine does."""

import json
from pathlib import Path

import pytest
import yaml

from fleet.checkout.stack_config import declaration_of_engine, declaration_of_file
from fleet.cli.main import main
from fleet.declaration.problems import DeclarationError
from tests.fleet import examples
from tests.fleet.examples import config

ROOT = Path(__file__).parents[3]


def stack_file(folder: Path, text: str = "", **overrides: object) -> Path:
    path = folder / "Pulumi.test.yaml"
    values = {f"fleet:{key}": value for key, value in config(**overrides).items()}
    path.write_text(text or yaml.safe_dump({"config": values}))
    return path


def test_the_file_and_the_engine_say_the_same(tmp_path: Path) -> None:
    values = config()
    engine = {
        "fleet:registry": values["registry"],
        "fleet:builders": json.dumps(values["builders"]),
        "fleet:images": json.dumps(values["images"]),
        "github:token": "not ours",
    }
    found = declaration_of_engine(engine, "test", tmp_path)
    assert found == declaration_of_file(stack_file(tmp_path))


def test_images_come_in_the_order_of_the_file_where_the_engine_sorts_them(tmp_path: Path) -> None:
    images = {name: examples.image() for name in ("web", "api", "job")}
    path = stack_file(
        tmp_path, yaml.safe_dump({"config": {"fleet:images": images}}, sort_keys=False)
    )
    values = {**config(), "images": dict(sorted(images.items()))}
    engine = {f"fleet:{key}": json.dumps(value) for key, value in values.items()}
    found = declaration_of_engine(
        {**engine, "fleet:registry": values["registry"]}, "test", path.parent
    )
    assert [declared.name for declared in found.images] == ["web", "api", "job"]


SECURE = {"secure": "v1:abc=:def=="}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("secrets:TOKEN", SECURE),
        ("github:token", SECURE),
        ("aws:assumeRole", {"role": "r", "externalId": SECURE}),
        ("other:keys", ["plain", SECURE]),
    ],
)
def test_what_is_encrypted_is_refused_where_the_passphrase_is_empty_and_only_there(
    tmp_path: Path, key: str, value: object
) -> None:
    path = stack_file(tmp_path)
    values = yaml.safe_load(path.read_text())["config"]
    path.write_text(yaml.safe_dump({"config": {**values, key: value}}))
    with pytest.raises(DeclarationError) as caught:
        declaration_of_file(path)
    (problem,) = caught.value.problems
    assert problem.path == key
    assert "passphrase is empty, and its file is committed" in problem.what
    elsewhere = {**values, key: value, "fleet:registry": "ghcr.io/multi-py"}
    path.write_text(yaml.safe_dump({"config": elsewhere}))
    declaration_of_file(path)


def test_the_shipped_declaration_is_sound() -> None:
    declared = declaration_of_file(ROOT / "Pulumi.dev.yaml")
    image = declared.images[0]
    assert len(image.pythons) * len(image.versions) * len(image.bases) == 4
    assert len(image.platforms) == 3


def test_keys_given_twice_are_named_with_both_lines_beside_all_else(tmp_path: Path) -> None:
    path = stack_file(
        tmp_path,
        "config:\n"
        "  fleet:registry: localhost:1/a\n"
        "  fleet:registry: localhost:2/b\n"
        "  fleet:builders: {linux/amd64: one, linux/amd64: two}\n"
        "  fleet:images: {}\n",
    )
    with pytest.raises(DeclarationError) as failure:
        declaration_of_file(path)
    assert [str(problem) for problem in failure.value.problems] == [
        "fleet:registry: is given twice, on lines 2 and 3. Keep one of the two.",
        "fleet:builders.linux/amd64: is given twice, on lines 4 and 4. Keep one of the two.",
        "fleet:images: is empty. Declare at least one entry.",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("config: [", "is not YAML"),
        ("- a", "holds no mapping"),
        ("config: text", "config: is not a mapping"),
        ("config: {fleet:registry: &a [*a]}", "not text"),
        ("\x00", "is not YAML"),
        ("pythons: [2024-13-45]", "is not YAML: month must be in 1..12"),
        ("a: b: c", "in Pulumi.test.yaml, line 1"),
        (f"config: {'[' * 3000}{']' * 3000}", "nests deeper than any"),
        (f"config: {'{a: ' * 40_000}{'}' * 40_000}", "nests deeper than any"),
        ("- " * 40_000, "nests deeper than any"),
    ],
)
def test_what_is_no_stack_file_is_said_plainly(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        declaration_of_file(stack_file(tmp_path, text))


def test_check_prints_all_problems_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack_file(tmp_path, registry="x")
    assert main(["validate", "--stack", "test", "--root", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "2 problems in Pulumi.test.yaml; nothing was changed:" in printed.err
    assert "fleet:registry: 'x' is not a registry and namespace" in printed.err
    assert "there is no folder assets/web" in printed.err, "also while the rest is faulty"


def test_check_tells_of_every_folder_that_has_no_allow_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack_file(tmp_path, images={name: examples.image() for name in ("web", "api")})
    for name in ("web", "api"):
        for part in ("image", "verify"):
            (tmp_path / "assets" / name / part).mkdir(parents=True)
            (tmp_path / "assets" / name / part / "Dockerfile").write_text("FROM scratch\n")
    assert main(["validate", "--stack", "test", "--root", str(tmp_path)]) == 1
    printed = capsys.readouterr().err
    for name in ("web", "api"):
        assert f"{name}/image/.dockerignore: is not an allow-list" in printed


def test_check_names_an_image_without_assets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack_file(tmp_path)
    assert main(["validate", "--stack", "test", "--root", str(tmp_path)]) == 1
    assert "there is no folder assets/web" in capsys.readouterr().err


def test_check_of_a_stack_that_is_not_there_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "--stack", "nowhere", "--root", str(tmp_path)]) == 1
    assert "Pulumi.nowhere.yaml: there is no such file" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["protected", "flet:protected", "1"])
def test_a_key_that_nobody_would_hear_is_named(tmp_path: Path, key: str) -> None:
    path = stack_file(tmp_path)
    path.write_text(path.read_text() + f"  {key}: true\n")
    with pytest.raises(DeclarationError, match=f"{key}: is in no namespace of this project"):
        declaration_of_file(path)


def test_a_providers_key_is_left_to_it(tmp_path: Path) -> None:
    path = stack_file(tmp_path)
    path.write_text(path.read_text() + "  github:owner: multi-py\n")
    declaration_of_file(path)
