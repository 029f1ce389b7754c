"""The settings of a run: environment variables that are checked before anything is done."""

import asyncio
import json
from pathlib import Path

import pytest
from pulumi.provider.experimental import provider as p

from fleet.evidence.errors import EvidenceError
from fleet.registry.errors import OciError
from providers.ociregistry.context import Session
from providers.ociregistry.evidence.signer import require_key
from providers.ociregistry.provider import OciProvider
from providers.ociregistry.run_settings import SETTINGS, RunSettings, read_run_settings
from tests.fleet.evidence.examples import P256, key
from tests.providers.ociregistry.declared import Declared
from tests.providers.ociregistry.engine_fake import TAG, Engine

WRONG = {
    "FLEET_VERIFY_CHILDREN": "ALL",
    "FLEET_ALLOWED_REMOVALS": "preview.json",
}


def test_without_any_of_them_a_run_is_a_usual_one() -> None:
    assert read_run_settings({}) == RunSettings()


def test_every_wrong_one_is_named_at_once() -> None:
    with pytest.raises(OciError) as caught:
        read_run_settings(WRONG)
    for name, value in WRONG.items():
        assert f"{name} is {value!r}; write a" in str(caught.value)
    signing = {"FLEET_SIGNING_KEY", "FLEET_SIGNING_KEY_FILE"}
    keyless = {"FLEET_TRUSTED_ROOT", "FLEET_ATTESTATIONS_TOKEN"}
    assert WRONG.keys() | {"FLEET_LOGINS"} | signing | keyless == SETTINGS.keys()


@pytest.mark.parametrize("value", ["canary", "[1]", "[" * 100_000])
def test_what_is_no_declaration_of_logins_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(OciError, match="FLEET_LOGINS is not a JSON object") as caught:
        read_run_settings({"FLEET_LOGINS": value})
    assert "canary" not in str(caught.value)


def test_a_key_is_read_from_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "private.pem"
    file.write_text(P256)
    for name, value in {"FLEET_SIGNING_KEY": P256, "FLEET_SIGNING_KEY_FILE": str(file)}.items():
        assert require_key({name: value}, [key().public]).public == key().public


@pytest.mark.parametrize("name", ["FLEET_SIGNING_KEY", "FLEET_SIGNING_KEY_FILE"])
def test_what_is_no_key_to_sign_with_is_refused_where_something_is_signed(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(EvidenceError, match=name):
        require_key({name: str(tmp_path / "canary")}, [key().public])


def test_the_plugin_refuses_them_before_it_serves_a_resource() -> None:
    provider = OciProvider(Session(environment=WRONG))
    with pytest.raises(OciError, match="FLEET_VERIFY_CHILDREN"):
        asyncio.run(provider.configure(p.ConfigureRequest({}, {}, False, False)))


def test_one_that_changes_holds_in_the_same_refresh_and_changes_no_row(
    engine: Engine, declared: Declared, environment: dict[str, str]
) -> None:
    inputs = declared.version("v1")
    engine.up(TAG, "v1", inputs)
    before = engine.resources["v1"]
    digests = [platform["digest"] for platform in before.outputs["platforms"]]
    environment["FLEET_VERIFY_CHILDREN"] = "all"
    engine.restart()
    declared.registry.log.clear()
    assert engine.up(TAG, "v1", inputs).kind == "same"
    asked = {line.rpartition("/")[2] for line in declared.registry.log}
    assert set(digests) <= asked
    assert engine.resources["v1"] == before


def test_a_report_of_an_earlier_run_that_was_replaced_still_counts(
    tmp_path: Path,
) -> None:
    path = tmp_path / "preview.json"
    entry = {"ref": "r/a:b", "action": "remove", "previous": "sha256:1"}
    report = {"version": 2, "mode": "preview", "complete": True, "entries": [entry]}
    path.write_text(json.dumps(report))
    session = Session(environment={"FLEET_ALLOWED_REMOVALS": str(path)})
    session.configure({})
    path.write_text("")
    assert session.settings.allowed == {"r/a:b": "sha256:1"}
