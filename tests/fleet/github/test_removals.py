import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from fleet.checkout.stack_config import declaration_of_file
from fleet.cli.main import main
from fleet.registry.reference import Repository
from fleet.upkeep.split import stack_files
from providers.ociregistry.stale_pointers.allow_list import not_allowed_of, read_allowed
from tests.fleet.examples import config, image
from tests.fleet.github.examples import BUILD, KEEP, OLD, remove, written

ONE, TWO = remove("py3.8-LATEST"), remove("py3.9-LATEST")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a stack that was not split, and the folder of a job."""
    values = config(images={"web": image(), "other": image()})
    text = yaml.safe_dump({"config": {f"fleet:{key}": value for key, value in values.items()}})
    (tmp_path / "Pulumi.prod.yaml").write_text(text)
    monkeypatch.setenv("FLEET_REPORT", str(tmp_path / "preview.json"))
    monkeypatch.setenv("FLEET_REMOVALS", str(tmp_path / "removals"))
    return tmp_path


def split(root: Path) -> None:
    for name, text in stack_files(declaration_of_file(root / "Pulumi.prod.yaml"), "prod").items():
        (root / name).write_text(text)


def parted(*tags: str) -> tuple[Repository, dict[str, str]]:
    """Return the repository of the entries, and tags of it that name the old digest."""
    return Repository.parse(ONE.ref.rpartition(":")[0]), dict.fromkeys(tags, OLD)


def listed(root: Path) -> int:
    return main(["removals", "--stack", "prod", "--root", str(root)])


def test_what_is_handed_over_is_the_report_that_an_update_takes_for_its_list(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "preview.json").write_text(json.dumps(written(ONE, BUILD, KEEP, TWO)))
    assert listed(root) == 0
    printed = capsys.readouterr()
    assert printed.out == "removals=2\n", "an output of a step is a line of its own"
    assert f"{ONE.ref} {OLD}" in printed.err
    handed = root / "removals" / "preview.json"
    allowed = read_allowed({"FLEET_ALLOWED_REMOVALS": str(handed)})
    assert allowed == {ONE.ref: OLD, TWO.ref: OLD}
    kept = not_allowed_of(*parted("py3.7-LATEST", "py3.8-LATEST"), allowed)
    assert kept.keys() == {"py3.7-LATEST"}, "what is not listed stays"


def test_where_nothing_is_to_be_removed_an_update_may_remove_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "preview.json").write_text(json.dumps(written(BUILD, KEEP)))
    assert listed(root) == 0
    assert capsys.readouterr().out == "removals=0\n"
    handed = root / "removals" / "preview.json"
    allowed = read_allowed({"FLEET_ALLOWED_REMOVALS": str(handed)})
    assert not_allowed_of(*parted("py3.8-LATEST"), allowed)


@pytest.mark.parametrize(
    "text",
    [None, "", "{}", '{"version": 99}', json.dumps(written(ONE, complete=False))],
)
def test_without_a_whole_report_nothing_is_handed_over(
    root: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    if text is not None:
        (root / "preview.json").write_text(text)
    assert listed(root) == 1
    printed = capsys.readouterr()
    assert printed.out == "", "no number, so that no job takes it for 0"
    assert "error: " in printed.err
    assert not (root / "removals").exists()


def test_a_preview_that_a_failing_resource_ended_allows_no_removal_and_stops_no_other_image(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = replace(BUILD, action="fail")
    (root / "preview.json").write_text(json.dumps(written(ONE, failed, complete=False)))
    assert listed(root) == 0
    printed = capsys.readouterr()
    assert printed.out == "removals=0\n", "nobody is asked, and the job up runs"
    assert "a failure ended a preview early" in printed.err
    assert "to be removed" not in printed.err
    handed = root / "removals" / "preview.json"
    assert read_allowed({"FLEET_ALLOWED_REMOVALS": str(handed)}) == {}


def test_of_a_split_fleet_each_stack_has_its_list(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split(root)
    (root / "preview.prod-web.json").write_text(json.dumps(written(ONE)))
    assert listed(root) == 1
    assert "The preview of prod-other left no whole report" in capsys.readouterr().err
    (root / "preview.prod-other.json").write_text(json.dumps(written(TWO, BUILD)))
    assert listed(root) == 0
    assert capsys.readouterr().out == "removals=2\n"
    for stack, entry in (("prod-web", ONE), ("prod-other", TWO)):
        handed = root / "removals" / f"preview.{stack}.json"
        allowed = read_allowed({"FLEET_ALLOWED_REMOVALS": str(handed)})
        assert allowed == {entry.ref: OLD}
