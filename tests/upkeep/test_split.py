"""A fleet that has outgrown one stack: a stack file an image."""

from pathlib import Path

import pytest
import yaml

from inputs.locks import lock_file
from inputs.stack import declaration_of_engine, declaration_of_file, whole_stack
from tests.fleet.examples import config, image
from upkeep.__main__ import main
from upkeep.split import stack_files


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
    assert main(["--root", str(root), "split", "--stack", "prod"]) == 0
    assert "Pulumi.prod-base.yaml: there already" in capsys.readouterr().err
    assert "written" not in mine.read_text()
    assert (root / "Pulumi.prod-child.yaml").exists()
    assert main(["--root", str(root), "split", "--stack", "prod-child"]) == 1
    assert "is a part of prod already" in capsys.readouterr().err
