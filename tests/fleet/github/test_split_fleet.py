"""The commands of the workflows, for a fleet that was split: its runs left a file per stack."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.checkout.stack_config import declaration_of_file
from fleet.cli.main import main
from fleet.github import commands as program
from fleet.github.drift import troubles
from fleet.releases.writing import text_of
from fleet.upkeep.split import stack_files
from providers.ociregistry.report import Entry
from tests.fleet.examples import config, image, lock
from tests.fleet.github.examples import BUILD, MOVE, written

ROOT = Path(__file__).parents[3]
FILE = "github:index/repositoryFile:RepositoryFile"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose stack prod is split in two, of which prod-web left its files."""
    values = config(images={"web": image(), "other": image()})
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(yaml.safe_dump({"config": {f"fleet:{k}": v for k, v in values.items()}}))
    for name, text in stack_files(declaration_of_file(path), "prod").items():
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("FLEET_REPORT", str(tmp_path / "report.json"))
    report(tmp_path, "prod-web", BUILD, changes=(f"update {FILE} up.yml",))
    return tmp_path


def report(root: Path, stack: str, entry: Entry, **fields: Any) -> None:
    document = written(entry, **fields)
    (root / f"report.{stack}.json").write_text(json.dumps(document))


def asked(root: Path, stack: str = "prod") -> program.Asked:
    return program.Asked(root=root, stack=stack)


def test_the_page_of_a_job_has_all_stacks(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report(root, "prod-other", MOVE)
    assert main(["page", "--stack", "prod", "--root", str(root)]) == 0
    page = capsys.readouterr().out
    assert page.startswith("## `prod`\n\n| stack |")
    assert "`py3.13-1.0.0` | `build`" in page
    assert "`py3.13-LATEST` | `re-point`" in page


def test_a_job_for_one_stack_reads_the_file_that_was_named(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "report.json").write_text(json.dumps(written(MOVE)))
    assert main(["page", "--stack", "prod-web", "--root", str(root)]) == 0
    assert capsys.readouterr().out.startswith("## `prod-web`\n\n`0 build, 1 re-point")


def test_what_was_found_is_put_together_and_what_is_missing_is_told(root: Path) -> None:
    found = asked(root).report
    assert found is not None
    assert found.changes == (f"update {FILE} up.yml",)
    assert [text.partition(":")[0] for text in troubles(found)] == ["prod-other"]
    report(root, "prod-other", MOVE, unverified=("x:1 could not be verified",))
    assert troubles(asked(root).report) == ("x:1 could not be verified",)


def test_the_repository_is_that_of_the_whole_fleet(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(root, "prod-web").fleet == asked(root).fleet == asked(root)
    assert main(["proposal", "--stack", "prod-web", "--root", str(root)]) == 1
    assert "Pulumi.prod.yaml: fleet:github is not declared" in capsys.readouterr().err


def test_the_fleet_and_each_of_its_stacks_can_be_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rendered files are those of the fleet, whichever stack is asked for."""
    github = {"github": {"repository": "team/fleet"}}
    values = config(registry="ghcr.io/team", images={"web": image(), "other": image()}, **github)
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(yaml.safe_dump({"config": {f"fleet:{k}": v for k, v in values.items()}}))
    declaration = declaration_of_file(path)
    for name, text in stack_files(declaration, "prod").items():
        (tmp_path / name).write_text(text)
    for folder in ("templates", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    for name in declaration.by_name:
        for kind in ("image", "verify"):
            folder_of = tmp_path / "assets" / name / kind
            folder_of.mkdir(parents=True)
            (folder_of / "Dockerfile").write_text("FROM scratch\n")
            (folder_of / ".dockerignore").write_text("*\n")
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "prod.yaml").write_bytes(text_of(lock(declaration)))
    told = {}
    for stack in ("prod", "prod-web", "prod-github"):
        assert main(["check", "--stack", stack, "--root", str(tmp_path)]) == 0
        told[stack] = capsys.readouterr().err.strip()
    assert told == {
        "prod": "prod: 4 tags of 2 images, 4 files on GitHub",
        "prod-web": "prod-web: 2 tags of 1 images, 0 files on GitHub",
        "prod-github": "prod-github: 0 tags of 0 images, 4 files on GitHub",
    }
