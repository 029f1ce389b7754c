"""The state is read where there is one, and nothing is made where there is none."""

import json
from pathlib import Path
from typing import Any

import pytest

from fleet.console import TroubleError
from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.split import FleetStack
from fleet.local.paths import Checkout
from fleet.overview.state_export import Known, parse_known, read_known
from tests.fleet import examples
from tests.fleet.local.examples import closed

DECLARED = examples.declaration()
BACKEND = "PULUMI_BACKEND_URL"
REF = "localhost:5443/multi-py/web:py3.11-slim-0.34.0"
ROW = {"tag": REF, "digest": examples.DIGEST}


def state(*, delete: bool = False, tags: list[Any] | None = None, signed: Any = None) -> str:
    """An exported state with the outputs of its stack, and one tag."""
    outputs = {"ref": REF, "assembled": examples.DIGEST, "signed": signed}
    resources = [
        {"type": "pulumi:pulumi:Stack", "outputs": {"tags": [ROW] if tags is None else tags}},
        {"type": "ociregistry:index:Tag", "outputs": outputs, "delete": delete},
    ]
    return json.dumps({"version": 3, "deployment": {"resources": resources}})


SIGNED = {"statements": {"test-result": "b", "provenance": "a"}}
EVIDENCE = {REF: (examples.DIGEST, ("provenance", "test-result"))}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A fresh clone on a machine that has no engine."""
    monkeypatch.delenv(BACKEND, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return Checkout(root=tmp_path / "clone", cache=tmp_path / "cache")


def engine(here: Checkout, script: str) -> None:
    """Install an engine that is `script`."""
    here.bin.mkdir(parents=True)
    path = here.bin / "pulumi"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def bring_up(here: Checkout) -> None:
    (here.state / "state" / ".pulumi").mkdir(parents=True)


def test_a_backend_that_is_closed_to_this_user_is_no_empty_stack(
    here: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    monkeypatch.setenv(BACKEND, f"file://{theirs}")
    closed(theirs, monkeypatch)
    with pytest.raises(TroubleError, match=f"{BACKEND}: {theirs} is closed to this user"):
        read_known(here, "prod", elsewhere())


def test_a_fresh_clone_is_left_as_it_is(here: Checkout) -> None:
    engine(here, "touch was-run")
    before = sorted(here.root.rglob("*"))
    assert read_known(here, "dev", DECLARED) == Known(lacking="stack dev was never brought up")
    assert sorted(here.root.rglob("*")) == before


def test_without_an_engine_that_is_said(here: Checkout) -> None:
    bring_up(here)
    assert read_known(here, "dev", DECLARED).lacking == "there is no pulumi on PATH yet"


def test_what_the_engine_exports_is_known(here: Checkout) -> None:
    bring_up(here)
    (here.root / "export.json").write_text(state(signed=SIGNED))
    engine(here, 'echo "$*" > arguments; cat export.json')
    known = read_known(here, "dev", DECLARED)
    assert known == Known(rows={REF: ROW}, evidence=EVIDENCE)
    asked = (here.root / "arguments").read_text()
    assert asked == "stack export --stack dev --non-interactive\n"


def test_the_engine_writes_no_log(here: Checkout) -> None:
    bring_up(here)
    engine(here, 'mkdir "$PULUMI_HOME/logs" 2>/dev/null && exit 1; echo "{}"')
    read_known(here, "dev", DECLARED)
    assert not (here.pulumi_home / "logs").is_dir()


def test_a_login_to_a_service_is_still_found(
    here: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BACKEND, "https://pulumi.example.com")
    engine(here, 'echo "$PULUMI_HOME" > home; echo "{}"')
    read_known(here, "prod", elsewhere())
    assert (here.root / "home").read_text().strip() == str(here.pulumi_home)


def test_a_stack_that_the_backend_lacks_was_never_brought_up(here: Checkout) -> None:
    bring_up(here)
    engine(here, "echo \"error: no stack named 'dev' found\" >&2; exit 6")
    assert read_known(here, "dev", DECLARED).lacking == "stack dev was never brought up"


def test_a_backend_that_fails_is_told_in_its_own_words(here: Checkout) -> None:
    bring_up(here)
    engine(here, "echo 'error: access denied' >&2; exit 1")
    with pytest.raises(TroubleError, match=r"(?s)access denied.*the-state-is-lost"):
        read_known(here, "dev", DECLARED)


def test_a_stack_elsewhere_without_a_backend_says_what_to_name(here: Checkout) -> None:
    lacking = read_known(here, "prod", elsewhere()).lacking
    assert "PULUMI_BACKEND_URL is not set" in lacking


def test_what_waits_for_its_deletion_or_failed_half_way_is_not_known() -> None:
    assert parse_known(state(delete=True, signed=SIGNED)).evidence == {}
    failed = {"type": "ociregistry:index:Tag", "inputs": {}}
    assert parse_known(json.dumps({"deployment": {"resources": [failed]}})) == Known(rows={})


def test_a_stack_without_resources_knows_nothing() -> None:
    for deployment in (None, {}, {"resources": None}):
        assert parse_known(json.dumps({"version": 3, "deployment": deployment})) == Known(rows={})


def test_the_states_of_several_stacks_are_known_as_one(here: Checkout) -> None:
    bring_up(here)
    other = {"tag": "other", "digest": ""}
    (here.root / "a").write_text(state(signed=SIGNED))
    (here.root / "b").write_text(state(tags=[other]))
    lost = "{ echo \"error: no stack named 'c' found\" >&2; exit 6; }"
    engine(here, f"test $4 != c && cat $4 || {lost}")
    stacks = [FleetStack(name=name, images=(), after=(), github=False) for name in "abc"]
    known = read_known(here, "dev", DECLARED, stacks)
    assert known.rows == {REF: ROW, "other": other}
    assert (known.evidence, known.lacking) == (EVIDENCE, "stack c was never brought up")


def test_a_state_without_tags_beside_one_that_is_missing_tells_nothing(here: Checkout) -> None:
    bring_up(here)
    (here.root / "a").write_text(json.dumps({"version": 3, "deployment": {}}))
    lost = "{ echo \"error: no stack named 'b' found\" >&2; exit 6; }"
    engine(here, f"test $4 != b && cat $4 || {lost}")
    stacks = [FleetStack(name=name, images=(), after=(), github=False) for name in "ab"]
    known = read_known(here, "dev", DECLARED, stacks)
    assert known == Known(lacking="stack b was never brought up")


def elsewhere() -> Declaration:
    return parse(examples.config(registry="ghcr.io/multi-py"))
