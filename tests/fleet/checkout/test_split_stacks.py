"""Which stacks a fleet was split into, as the stack files of a checkout tell."""

from pathlib import Path

import pytest
import yaml

from fleet.checkout.split_stacks import refuse_split, share_file, stacks_of
from fleet.checkout.stack_config import declaration_of_file
from fleet.declaration.problems import DeclarationError
from fleet.upkeep.split import stack_files
from tests.fleet.examples import config, image

IMAGES = {"top": image(**{"builds-on": "base"}), "base": image(package="gunicorn")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with the declaration of the stack prod, not split yet."""
    values = config(images=IMAGES, github={"repository": "multi-py/fleet"})
    text = yaml.safe_dump({"config": {f"fleet:{key}": value for key, value in values.items()}})
    (tmp_path / "Pulumi.prod.yaml").write_text(text)
    return tmp_path


def split(root: Path) -> None:
    for name, text in stack_files(declaration_of_file(root / "Pulumi.prod.yaml"), "prod").items():
        (root / name).write_text(text)


def test_the_stacks_are_those_whose_files_say_so(root: Path) -> None:
    assert stacks_of(root, "prod") == ()
    refuse_split(root, "prod")
    split(root)
    names = ["prod-base", "prod-top", "prod-github"]
    assert [stack.name for stack in stacks_of(root, "prod")] == names
    for name in names:
        assert stacks_of(root, name) == ()
        refuse_split(root, name)


def test_a_stack_that_was_split_is_refused_with_those_to_name_instead(root: Path) -> None:
    split(root)
    with pytest.raises(DeclarationError) as refused:
        refuse_split(root, "prod")
    assert "is split into prod-base, prod-top, prod-github" in str(refused.value)
    assert "make up STACK=prod" in str(refused.value)


def test_files_of_other_stacks_do_not_matter_whatever_is_wrong_with_them(root: Path) -> None:
    split(root)
    (root / "Pulumi.broken.yaml").write_text("config: [")
    (root / "Pulumi.other-web.yaml").write_text("config: {fleet:part-of: other, fleet:only: 3}")
    (root / "Pulumi.binary.yaml").write_bytes(b"\xff\xfe")
    assert len(stacks_of(root, "prod")) == 3


def test_what_is_wrong_with_one_part_is_told_for_all(root: Path) -> None:
    split(root)
    path = root / "Pulumi.prod-top.yaml"
    share = yaml.safe_load(path.read_text())
    share["config"]["fleet:only"] = ["tip"]
    path.write_text(yaml.safe_dump(share))
    with pytest.raises(DeclarationError, match=r"Pulumi\.prod-top\.yaml") as refused:
        stacks_of(root, "prod")
    assert "prod declares no tip" in str(refused.value)


def test_an_image_that_was_added_since_is_missed(root: Path) -> None:
    split(root)
    path = root / "Pulumi.prod.yaml"
    declared = yaml.safe_load(path.read_text())
    declared["config"]["fleet:images"]["new"] = image()
    path.write_text(yaml.safe_dump(declared))
    with pytest.raises(
        DeclarationError, match=r"new: is declared, and no stack has it.*make split"
    ):
        stacks_of(root, "prod")


def test_each_stack_has_a_file_of_its_own(tmp_path: Path) -> None:
    assert share_file(tmp_path / "report.json", "prod-a.b") == tmp_path / "report.prod-a.b.json"
