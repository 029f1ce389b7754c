import json
from pathlib import Path
from typing import Any

import pytest

from fleet.console import TroubleError
from fleet.github.event_log import read_record


def step(op: str, token: str, name: str = "x") -> dict[str, Any]:
    urn = f"urn:pulumi:prod::fleet::{token}::{name}"
    return {"resourcePreEvent": {"metadata": {"op": op, "type": token, "urn": urn}}}


def said(severity: str, message: str) -> dict[str, Any]:
    return {"diagnosticEvent": {"severity": severity, "message": message}}


def log(folder: Path, *events: dict[str, Any]) -> Path:
    path = folder / "events.json"
    path.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    return path


def test_changes_are_those_that_the_report_does_not_know(tmp_path: Path) -> None:
    found = read_record(
        log(
            tmp_path,
            step("update", "github:index/repositoryFile:RepositoryFile", "up.yml"),
            step("same", "github:index/repositoryFile:RepositoryFile"),
            step("refresh", "github:index/repositoryFile:RepositoryFile"),
            step("update", "ociregistry:index:Tag"),
            step("create", "docker-build:index:Image"),
            step("create", "pulumi:pulumi:Stack"),
        )
    )
    assert found.changes == ("update github:index/repositoryFile:RepositoryFile up.yml",)


@pytest.mark.parametrize(
    "text",
    [
        "x:1 could not be verified: timeout; the state is kept",
        "unable to verify image tags, leaving state unchanged: no route",
    ],
)
def test_a_refresh_that_could_not_look_is_seen(tmp_path: Path, text: str) -> None:
    coloured = f"<{{%fg 3%}}>{text}<{{%reset%}}>\n"
    found = read_record(log(tmp_path, said("warning", coloured), said("warning", "old python")))
    assert found.unverified == (text,)
    assert found.errors == ()


def test_errors_are_kept_and_empty_ones_dropped(tmp_path: Path) -> None:
    found = read_record(log(tmp_path, said("error", "it broke\n"), said("error", "\n")))
    assert found.errors == ("it broke",)


@pytest.mark.parametrize("content", [None, "{"])
def test_without_a_log_nothing_is_taken_for_well(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "events.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TroubleError, match="PULUMI_OPTION_EVENT_LOG"):
        read_record(path)
