import json
from typing import Any

import pytest

from fleet.reports.event_log import parse_events, report_of
from fleet.reports.report import Report, ReportError, document
from providers.ociregistry.fields import TAG

STACK = "pulumi:pulumi:Stack"
END = {"summaryEvent": {"isPreview": True, "result": "succeeded"}}


def step(op: str, token: str, name: str = "x", kind: str = "resourcePreEvent") -> dict[str, Any]:
    urn = f"urn:pulumi:prod::fleet::{token}::{name}"
    return {kind: {"planning": True, "metadata": {"op": op, "type": token, "urn": urn}}}


def said(severity: str, message: str) -> dict[str, Any]:
    return {"diagnosticEvent": {"severity": severity, "message": message}}


def report(*events: dict[str, Any]) -> Report:
    return report_of(parse_events(f"{json.dumps(event)}\n".encode() for event in events))


def test_changes_are_those_of_what_has_no_entry() -> None:
    found = report(
        step("update", "github:index/repositoryFile:RepositoryFile", "up.yml"),
        step("same", "github:index/repositoryFile:RepositoryFile"),
        step("refresh", "github:index/repositoryFile:RepositoryFile", "read.yml"),
        step("create", "docker-build:index:Image"),
        step("create", STACK),
    )
    assert found.changes == ("update github:index/repositoryFile:RepositoryFile up.yml",)


@pytest.mark.parametrize(
    "text",
    [
        "x:1 could not be verified, and its state is kept: timeout",
        "unable to verify image tags, leaving state unchanged: no route",
    ],
)
def test_a_refresh_that_could_not_look_is_seen(text: str) -> None:
    coloured = f"<{{%fg 3%}}>{text}<{{%reset%}}>\n"
    found = report(said("warning", coloured), said("warning", "old python"))
    assert found.unverified == (text,)
    assert found.errors == ()


def test_errors_are_kept_and_empty_ones_dropped() -> None:
    assert report(said("error", "it broke\n"), said("error", "\n")).errors == ("it broke",)


def test_a_run_is_complete_where_the_program_got_to_its_end() -> None:
    registered, failed = step("same", STACK, kind="resOutputsEvent"), {"result": "failed"}
    broken = {"summaryEvent": {"isPreview": True, **failed}}
    assert report(registered, END).complete
    assert not report(registered).complete, "the engine was killed"
    assert not report(registered, broken).complete
    assert report(registered, registered, broken).complete, "one resource failed"
    of_a_tag = {"diagnosticEvent": {"severity": "error", "message": "no", "urn": "urn:x::y::z::w"}}
    assert report(registered, of_a_tag, registered, broken).complete
    verdict = said("error", "update failed\n")
    assert report(registered, of_a_tag, registered, verdict, broken).complete
    canceled = said("error", "preview canceled\n")
    assert not report(registered, registered, canceled, broken).complete
    raised = said("error", "Program failed with an unhandled exception: broken")
    assert not report(registered, raised, registered, broken).complete


def test_a_run_without_a_program_is_a_refresh() -> None:
    assert report(step("refresh", STACK), END).mode == "refresh"
    assert report(step("same", STACK), END).mode == "preview"
    assert report(step("same", STACK), {"summaryEvent": {"isPreview": False}}).mode == "update"


SOURCE = f"h/n/build@sha256:{'1' * 64}"
GITHUB = "github:index/repositoryFile:RepositoryFile"


@pytest.mark.parametrize(
    "kinds", [("resourcePreEvent", "resOpFailedEvent"), ("resourcePreEvent",), ()]
)
def test_a_change_of_another_resource_that_failed_is_said_to_have_and_counted(
    kinds: tuple[str, ...],
) -> None:
    steps = [step("create", GITHUB, "up.yml", kind=kind) for kind in kinds]
    error = {
        "severity": "error",
        "message": "403",
        "urn": f"urn:pulumi:prod::fleet::{GITHUB}::up.yml",
    }
    found = report(*steps, {"diagnosticEvent": error}, END)
    assert found.changes == (f"fail {GITHUB} up.yml",)
    assert "1 failed" in found.summary
    assert document(found)["counts"]["fail"] == 1
    assert found.other_errors == ("403",)


@pytest.mark.parametrize("op", ["", "create", "update"])
def test_a_version_tag_fails_with_its_evidence_in_its_check_and_in_its_operation(op: str) -> None:
    urn = f"urn:pulumi:prod::fleet::fleet:index:ImageTag${TAG}::h/n:v1"
    failed = step(op, TAG, "h/n:v1", kind="resOpFailedEvent")
    failed["resOpFailedEvent"]["metadata"]["urn"] = urn
    said_of_it = {"diagnosticEvent": {"severity": "error", "message": "no key", "urn": urn}}
    found = report(said_of_it, *([failed] if op else []), END)
    (entry,) = found.entries
    assert (entry.ref, entry.kind, entry.action) == ("h/n:v1", "version", "fail")
    assert entry.reasons == ("no key",)
    assert found.other_errors == ()


def base(letter: str, repository: str = "docker.io/library/python") -> str:
    return f"{repository}@sha256:{letter * 64}"


def build(image: str, old: str, new: str, platform: str = "linux/amd64") -> dict[str, Any]:
    """A build that started from a base, and starts from another."""
    found = step("update", "docker-build:index:Image", f"{image}/build:py3.13-slim-1")
    states = [
        {"inputs": {"buildArgs": {"BASE": each, **named}, "platforms": [platform]}, "outputs": {}}
        for named in ({"BASE_NAME": "docker.io/library/python:3.13-slim"},)
        for each in (old, new)
    ]
    found["resourcePreEvent"]["metadata"] |= {"old": states[0], "new": states[1]}
    return found


def test_a_base_that_moved_is_told_once_with_all_that_is_built_on_it() -> None:
    found = report(
        build("web", base("a"), base("b")),
        build("api", base("a"), base("b"), "linux/arm64"),
        build("same", base("a"), base("a")),
        build("mirrored", base("a"), base("a", "mirror.example.org/library/python")),
        # Built here, in this very run: the engine tells no value.
        build("below", base("a"), "04da6b54-80e4-46f7-96ec-b56ff0331ba9"),
        step("create", "docker-build:index:Image", "new/build:py3.13-slim-1"),
        END,
    )
    (moved,) = found.moved
    assert (moved.name, moved.before, moved.after) == ("python:3.13-slim", base("a"), base("b"))
    assert moved.platforms == ("linux/amd64", "linux/arm64")
    assert moved.images == ("web", "api")


def test_a_last_line_that_a_kill_cut_off_ends_the_log() -> None:
    whole = f"{json.dumps(said('error', 'it broke'))}\n".encode()
    for cut in (b'{"summary', '{"diagnosticEvent": {"message": "ü'.encode()[:-1]):
        assert report_of(parse_events([whole, cut])).errors == ("it broke",)


@pytest.mark.parametrize("text", ["{\n", "no log"])
def test_what_is_no_event_log_is_refused_with_what_gives_one(text: str) -> None:
    with pytest.raises(ReportError, match="PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true"):
        report_of(parse_events([text.encode()]))


@pytest.mark.parametrize("value", [None, {}, {"metadata": {"op": "same"}}, {"metadata": None}])
def test_an_event_of_another_form_is_refused(value: Any) -> None:
    with pytest.raises(ReportError, match="another form than expected"):
        report_of([{"resourcePreEvent": value}])
