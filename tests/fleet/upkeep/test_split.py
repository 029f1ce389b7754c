"""A fleet that has outgrown one stack: a stack file per image."""

from pathlib import Path

import pytest
import yaml

from fleet.checkout.lock_file import lock_file
from fleet.checkout.stack_config import declaration_of_engine, declaration_of_file, whole_stack
from fleet.cli.main import main
from fleet.declaration.parse import parse
from fleet.upkeep.split import github_stack, stack_files
from tests.fleet.examples import config, image


@pytest.fixture
def root(tmp_path: Path) -> Path:
    values = config(
        registry="ghcr.io/multi-py",
        images={"child": image(**{"builds-on": "base"}), "base": image(package="gunicorn")},
    )
    text = yaml.safe_dump(
        {"config": {f"fleet:{key}": value for key, value in values.items()}}, sort_keys=False
    )
    (tmp_path / "Pulumi.prod.yaml").write_text(text)
    return tmp_path


def test_the_parts_make_up_the_whole_and_share_its_lock(root: Path) -> None:
    whole = declaration_of_file(root / "Pulumi.prod.yaml")
    files = stack_files(whole, "prod")
    assert list(files) == ["Pulumi.prod-child.yaml", "Pulumi.prod-base.yaml"]
    for name, text in files.items():
        (root / name).write_text(text)
        stack = name.removeprefix("Pulumi.").removesuffix(".yaml")
        part = declaration_of_file(root / name)
        assert [i.name for i in part.images] == [stack.removeprefix("prod-")]
        assert set(part.by_name) == set(whole.by_name)
        assert lock_file(root, stack, part) == root / "locks" / "prod.yaml"
        assert whole_stack(root, stack) == "prod"


def test_one_part_without_images_looks_after_github(root: Path) -> None:
    path = root / "Pulumi.prod.yaml"
    declared = yaml.safe_load(path.read_text())
    declared["config"]["fleet:github"] = {"repository": "multi-py/fleet"}
    path.write_text(yaml.safe_dump(declared))
    for name, text in stack_files(declaration_of_file(path), "prod").items():
        (root / name).write_text(text)
    parts = {name: declaration_of_file(root / f"Pulumi.prod-{name}.yaml")
             for name in ("child", "base", "github")}  # fmt: skip
    assert [name for name, part in parts.items() if part.github] == ["github"]
    assert parts["github"].images == ()
    assert github_stack(parts["base"], "prod") == "prod-github"
    taken = parse(config(images={"github": image(), "github-part": image()}))
    assert github_stack(taken, "prod") == "prod-github-part-part"


def test_what_was_encrypted_can_be_read_in_the_part_that_needs_it(root: Path) -> None:
    path = root / "Pulumi.prod.yaml"
    declared = yaml.safe_load(path.read_text())
    secret = {"secure": "v1:abc=:def=="}
    declared |= {"encryptionsalt": "v1:salt=", "secretsprovider": "passphrase"}
    declared["config"] |= {
        "fleet:github": {"repository": "multi-py/fleet"},
        "secrets:KEY": secret,
        "github:baseUrl": "https://example.com/",
    }
    path.write_text(yaml.safe_dump(declared))
    files = stack_files(declaration_of_file(path), "prod", yaml.safe_load(path.read_text()))
    for name, text in files.items():
        (root / name).write_text(text)
        written = yaml.safe_load(text)
        assert written["encryptionsalt"] == "v1:salt="
        assert written["secretsprovider"] == "passphrase"
        assert written["config"]["github:baseUrl"] == "https://example.com/"
        given = written["config"].get("secrets:KEY")
        assert given == (secret if name == "Pulumi.prod-github.yaml" else None)
        assert declaration_of_file(root / name).share is not None


def test_the_engine_and_the_file_say_the_same_of_a_part(root: Path) -> None:
    whole = declaration_of_file(root / "Pulumi.prod.yaml")
    path = root / "Pulumi.prod-child.yaml"
    path.write_text(stack_files(whole, "prod")[path.name])
    engine = {
        "fleet:part-of": "prod",
        "fleet:only": '["child"]',
        "fleet:below": '{"base": "prod-base"}',
    }
    assert declaration_of_engine(engine, "prod-child", root) == declaration_of_file(path)


def test_the_command_writes_what_is_not_there_and_overwrites_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = root / "Pulumi.prod-base.yaml"
    mine.write_text("config: {fleet:part-of: prod, fleet:only: [base]}\n")
    assert main(["split", "--stack", "prod", "--root", str(root)]) == 0
    assert "Pulumi.prod-base.yaml: there already" in capsys.readouterr().err
    assert "written" not in mine.read_text()
    assert (root / "Pulumi.prod-child.yaml").exists()
    assert main(["split", "--stack", "prod", "--root", str(root)]) == 0
    assert "Pulumi.prod-child.yaml: there already" in capsys.readouterr().err
    assert main(["split", "--stack", "prod-child", "--root", str(root)]) == 1
    assert "is a part of prod already" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["adopt"], ["prune"], ["restore", "--tag", "py3.11-LATEST"]])
def test_of_a_stack_that_was_split_the_other_commands_want_a_part(
    root: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    main(["split", "--stack", "prod", "--root", str(root)])
    assert main([*command, "--stack", "prod", "--root", str(root)]) == 1
    assert "is split into prod-base, prod-child. Name one of them" in capsys.readouterr().err
