from pathlib import Path

import pytest

from fleet.cli.main import main
from fleet.declaration.problems import DeclarationError
from fleet.github import commands as program
from fleet.github.check import _unlocked

PROJECT = """
[project]
dependencies = ["httpx==0.28.1", "Some_Thing==1.0"]
[dependency-groups]
dev = ["pytest==9.2.0"]
"""


def project(folder: Path, runtime: str, development: str) -> Path:
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "requirements.lock").write_text(runtime)
    (folder / "requirements-dev.lock").write_text(development)
    return folder


BOTH = "httpx==0.28.1 \\\n    --hash=sha256:0\nsome-thing==1.0 \\\n"


def test_pins_that_both_locks_have_are_well(tmp_path: Path) -> None:
    assert list(_unlocked(project(tmp_path, BOTH, f"{BOTH}pytest==9.2.0 \\\n"))) == []


def test_every_pin_that_a_lock_lacks_is_told(tmp_path: Path) -> None:
    older = BOTH.replace("0.28.1", "0.28.0")
    found = list(_unlocked(project(tmp_path, older, BOTH)))
    assert [(problem.path, problem.what) for problem in found] == [
        ("httpx", "requirements.lock does not have httpx==0.28.1"),
        ("pytest", "requirements-dev.lock does not have pytest==9.2.0"),
    ]


def test_the_projects_own_locks_have_its_pins() -> None:
    assert list(_unlocked(Path(__file__).parents[3])) == []


def test_a_problem_is_told_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> str:
        raise DeclarationError((), "Pulumi.prod.yaml")

    monkeypatch.setattr(program, "check", refuse)
    assert main(["check", "--stack", "prod"]) == 1
    assert "Pulumi.prod.yaml" in capsys.readouterr().err


def test_a_stack_that_is_nowhere_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--stack", "nowhere", "--root", str(tmp_path)]) == 1
    assert "Pulumi.nowhere.yaml" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", ["comment", "removals", "drift", "repair", "collect", "proposal"]
)
def test_outside_of_a_job_a_command_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    for name in ("GITHUB_REPOSITORY", "GITHUB_SHA", "FLEET_REPORT"):
        monkeypatch.delenv(name, raising=False)
    assert main([command]) == 1
    assert capsys.readouterr().err.startswith("error: ")
