"""Statements through their life, against a registry with and without the referrers API."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import AsyncMock

import pytest

from fleet.evidence.errors import EvidenceError
from fleet.evidence.statement import PROVENANCE, SBOM, TEST_RESULT
from fleet.registry.errors import RegistryError
from providers.ociregistry.evidence.model import fingerprint
from tests.fleet.evidence.examples import ED25519, OTHER_P256, P256, key
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.declared import BUILD, NAME, OWNER, Declared
from tests.providers.ociregistry.engine_fake import TAG, Engine
from tests.providers.ociregistry.evidence.stated import (
    REF,
    SIGNING,
    STATEMENTS,
    digest_in,
    fallback,
    holder,
    referrers,
    signed,
    stating,
)
from tests.providers.ociregistry.noticed import give
from tests.providers.ociregistry.registry_fake import OCI_INDEX, OCI_MANIFEST, FakeRegistry, sha


def test_a_lost_state_costs_no_signature(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any], environment: dict[str, str]
) -> None:
    before = engine.up(TAG, REF, inputs).outputs
    engine.resources.clear()
    del environment[SIGNING]
    engine.restart()
    registry.log.clear()
    assert engine.up(TAG, REF, inputs).outputs == before
    assert registry.writes == []


def test_another_signer_of_the_same_claims_signs_nothing(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any], environment: dict[str, str]
) -> None:
    engine.up(TAG, REF, inputs)
    engine.resources.clear()
    environment |= {"GITHUB_ACTIONS": "true", "GITHUB_WORKFLOW_REF": "o/r/.github/w.yml@main"}
    engine.restart()
    registry.log.clear()
    engine.up(TAG, REF, inputs)
    assert registry.writes == []


def test_a_workflow_is_told_as_the_builder(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any], environment: dict[str, str]
) -> None:
    environment |= {"GITHUB_ACTIONS": "true", "GITHUB_WORKFLOW_REF": "o/r/.github/w.yml@main"}
    engine.restart()
    engine.up(TAG, REF, inputs)
    run = signed(registry, digest_in(inputs))[PROVENANCE].statement.predicate["runDetails"]
    assert run == {"builder": {"id": "https://github.com/o/r/.github/w.yml@main"}}


def test_a_lost_statement_is_found_and_put_back(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any], environment: dict[str, str]
) -> None:
    outputs = engine.up(TAG, REF, inputs).outputs
    before = referrers(registry, digest_in(inputs))
    del registry.repositories[NAME].manifests[holder(registry, outputs, "provenance")]
    environment["FLEET_VERIFY_CHILDREN"] = "all"
    engine.restart()
    step = engine.preview(TAG, REF, inputs)
    assert step.changed == ("signed.statements",)
    assert step.outputs["digest"] == digest_in(inputs)
    assert f"{inputs['ref']}: its evidence was lost: provenance" in engine.messages
    assert "to be signed: the registry lost its provenance" in engine.messages
    assert engine.report.summary == "0 build, 0 re-point, 0 remove, 0 unchanged, 1 sign"
    registry.log.clear()
    assert engine.up(TAG, REF, inputs).kind == "update"
    assert referrers(registry, digest_in(inputs)) == before
    named = [path for path in registry.writes if path.endswith((REF, digest_in(inputs)))]
    assert named == [], "the tag is not written again"


def _bundle_of(registry: FakeRegistry, outputs: dict[str, Any], kind: str) -> str:
    """The digest of the blob of a statement."""
    body = registry.repositories[NAME].manifests[holder(registry, outputs, kind)][1]
    return str(json.loads(body)["layers"][0]["digest"])


@pytest.mark.parametrize("left", [None, b"other bytes"], ids=["lost", "altered"])
def test_a_bundle_that_is_gone_or_altered_is_written_again_by_any_update(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any], left: bytes | None
) -> None:
    outputs = engine.up(TAG, REF, inputs).outputs
    blobs, blob = registry.repositories[NAME].blobs, _bundle_of(registry, outputs, "provenance")
    whole = dict(blobs)
    if left is None:
        del blobs[blob]
    else:
        blobs[blob] = left
    tests = json.dumps({"result": "PASSED", "passedTests": ["more"]})
    assert engine.up(TAG, REF, stating(inputs, tests=tests)).kind == "update"
    assert blobs[blob] == whole[blob]
    assert signed(registry, digest_in(inputs)).keys() == {PROVENANCE, TEST_RESULT, SBOM}


def test_a_lost_bundle_is_found_by_a_refresh_that_asks_for_all(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any], environment: dict[str, str]
) -> None:
    outputs = engine.up(TAG, REF, inputs).outputs
    blobs, blob = registry.repositories[NAME].blobs, _bundle_of(registry, outputs, "provenance")
    before = blobs.pop(blob)
    environment["FLEET_VERIFY_CHILDREN"] = "all"
    engine.restart()
    assert engine.preview(TAG, REF, inputs).changed == ("signed.statements",)
    assert f"{inputs['ref']}: its evidence was lost: provenance" in engine.messages
    assert engine.up(TAG, REF, inputs).kind == "update"
    assert blobs[blob] == before
    assert engine.up(TAG, REF, inputs).kind == "same"


@pytest.mark.parametrize("layers", [0, 2, "?"])
def test_an_artifact_that_is_none_of_ours_by_its_form_is_not_held(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any], layers: Any
) -> None:
    outputs = engine.up(TAG, REF, inputs).outputs
    digest, victim = digest_in(inputs), holder(registry, outputs, "provenance")
    manifest = referrers(registry, digest)[victim]
    manifest["layers"] = manifest["layers"] * layers if layers != "?" else ["?"]
    del registry.repositories[NAME].manifests[victim]
    forged = registry.push_manifest(NAME, manifest)
    if not registry.lists_referrers:
        _relist(registry, digest, victim, forged)
    assert engine.up(TAG, REF, inputs).kind == "update"
    assert victim in referrers(registry, digest)


def test_a_bundle_too_large_to_be_read_again_is_refused_before_anything_is_attached(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any]
) -> None:
    large = json.dumps({"result": "PASSED", "passedTests": ["x" * 4 * 1024 * 1024]})
    with pytest.raises(RegistryError, match="exceeds the limit of 4194304"):
        engine.up(TAG, REF, stating(inputs, tests=large))
    assert registry.writes == []


@pytest.mark.parametrize("hiding", ["404", "403", "400", "late"])
def test_a_registry_that_says_to_list_referrers_and_does_not_gets_a_list_under_the_tag(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any], hiding: str
) -> None:
    registry.lists_referrers = True
    empty = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}).encode()
    status, body = (200, empty) if hiding == "late" else (int(hiding), None)
    registry.fault("^GET .*/referrers/", times=1000, status=status, body=body)
    outputs = engine.up(TAG, REF, inputs).outputs
    assert len(engine.waits) == 1
    listed = registry.repositories[NAME].tags[fallback(digest_in(inputs))]
    assert outputs["signed"]["listed"] == fingerprint(listed)
    assert engine.up(TAG, REF, inputs).kind == "same"
    registry.lists_referrers = False
    marks = {*map(fingerprint, referrers(registry, digest_in(inputs)))}
    assert marks == {*outputs["signed"]["statements"].values()}


def test_a_lost_list_is_found_by_any_refresh_and_put_back(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any]
) -> None:
    if registry.lists_referrers:
        pytest.skip("the registry keeps the list")
    engine.up(TAG, REF, inputs)
    tag = fallback(digest_in(inputs))
    before = registry.repositories[NAME].tags.pop(tag)
    assert engine.up(TAG, REF, inputs).changed == ("signed.statements",)
    assert registry.repositories[NAME].tags[tag] == before


def test_a_list_under_the_tag_that_lacks_what_the_registry_lists_hides_no_loss(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any]
) -> None:
    """Another client wrote that list; a refresh is one request still."""
    registry.lists_referrers = True
    empty = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    registry.push_manifest(NAME, empty, fallback(digest_in(inputs)))
    outputs = engine.up(TAG, REF, inputs).outputs
    assert engine.up(TAG, REF, inputs).kind == "same"
    registry.log.clear()
    engine.refresh(REF)
    assert len([path for path in registry.log if "sha256-" in path or "/referrers/" in path]) == 1
    del registry.repositories[NAME].manifests[holder(registry, outputs, "provenance")]
    assert engine.up(TAG, REF, inputs).changed == ("signed.statements",)
    assert signed(registry, digest_in(inputs)).keys() == {PROVENANCE, TEST_RESULT, SBOM}


def test_evidence_is_signed_again_though_the_build_lost_a_platform_that_the_tag_has(  # noqa: PLR0913, PLR0917
    engine: Engine, registry: FakeRegistry, declared: Declared, inputs: dict[str, Any],
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    engine.up(TAG, REF, inputs)
    builds = registry.repositories[BUILD].manifests
    del builds[json.loads(builds[digest_in(inputs)][1])["manifests"][0]["digest"]]
    environment[SIGNING] = OTHER_P256
    engine.restart()
    # What finds images, in the place of its stand-in; the layers of these are no archives.
    engine.provider._session._sboms = None
    monkeypatch.setattr("fleet.sbom.reader.SbomReader.image", AsyncMock())
    monkeypatch.setattr("fleet.sbom.reader.document", lambda _: b"{}")
    assert engine.up(TAG, REF, declared.evidence(inputs, OTHER_P256)).changed == ("evidence",)


def test_a_forged_statement_is_not_taken_for_ours(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any]
) -> None:
    engine.up(TAG, REF, inputs)
    digest = digest_in(inputs)
    storage = registry.repositories[NAME]
    whole = referrers(registry, digest)
    victim, manifest = next(iter(whole.items()))
    bundle = json.loads(storage.blobs[manifest["layers"][0]["digest"]])
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = "AAAA"
    body = json.dumps(bundle).encode()
    storage.blobs[sha(body)] = body
    manifest["layers"][0] |= {"digest": sha(body), "size": len(body)}
    del storage.manifests[victim]
    forged = registry.push_manifest(NAME, manifest)
    if not registry.lists_referrers:
        _relist(registry, digest, victim, forged)
    step = engine.up(TAG, REF, inputs)
    assert step.changed == ("signed.statements",)
    assert victim in referrers(registry, digest)
    if not registry.lists_referrers:
        assert referrers(registry, digest).keys() == whole.keys()


def _relist(registry: FakeRegistry, digest: str, old: str, new: str) -> None:
    storage = registry.repositories[NAME]
    body = storage.manifests[storage.tags[fallback(digest)]][1]
    document = json.loads(body.decode().replace(old, new))
    registry.push_manifest(NAME, document, fallback(digest))


def _foreign(registry: FakeRegistry, digest: str) -> str:
    """Attach what cosign attaches, or any other client."""
    storage = registry.repositories[NAME]
    for blob in (b"{}", b"signature"):
        storage.blobs[sha(blob)] = blob
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": sha(b"{}"),
            "size": 2,
        },
        "layers": [{"mediaType": "text/plain", "digest": sha(b"signature"), "size": 9}],
        "subject": {"mediaType": OCI_INDEX, "digest": digest, "size": 1},
    }
    foreign = registry.push_manifest(NAME, document)
    entry = {
        "mediaType": OCI_MANIFEST,
        "digest": foreign,
        "size": len(storage.manifests[foreign][1]),
        "artifactType": document["artifactType"],
        "platform": {"os": "unknown", "architecture": "unknown"},
    }
    if not registry.lists_referrers:
        listed = storage.tags.get(fallback(digest))
        known = json.loads(storage.manifests[listed][1])["manifests"] if listed else []
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*known, entry]}
        registry.push_manifest(NAME, {**index, "annotations": {"by": "them"}}, fallback(digest))
    return foreign


@pytest.mark.parametrize("first", [True, False])
def test_a_foreign_signature_stays_beside_ours(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any], first: bool
) -> None:
    digest = digest_in(inputs)
    foreign = _foreign(registry, digest) if first else ""
    engine.up(TAG, REF, inputs)
    foreign = foreign or _foreign(registry, digest)
    assert engine.up(TAG, REF, inputs).kind == "same"
    assert foreign in referrers(registry, digest)
    assert len(referrers(registry, digest)) == STATEMENTS + 1
    if not registry.lists_referrers:
        storage = registry.repositories[NAME]
        listed = json.loads(storage.manifests[storage.tags[fallback(digest)]][1])
        assert listed["annotations"] == {"by": "them"}


def test_what_is_signed_anew_leaves_a_notice_of_the_end_of_life(
    engine: Engine,
    call: Caller,
    declared: Declared,
    inputs: dict[str, Any],
    environment: dict[str, str],
) -> None:
    digest = digest_in(inputs)
    engine.up(TAG, REF, inputs)
    call(lambda client: give(client, call.repository, OWNER, REF, digest))
    environment[SIGNING] = OTHER_P256
    engine.restart()
    engine.up(TAG, REF, declared.evidence(declared.version(REF), OTHER_P256))
    kinds = [m["artifactType"] for m in referrers(call.registry, digest).values()]
    assert kinds.count("application/vnd.microsoft.artifact.lifecycle") == 1


def test_a_rotation_keeps_what_the_old_key_signed_until_it_is_declared_no_more(
    engine: Engine,
    registry: FakeRegistry,
    declared: Declared,
    inputs: dict[str, Any],
    environment: dict[str, str],
) -> None:
    engine.up(TAG, REF, inputs)
    digest, version = digest_in(inputs), declared.version(REF)
    environment[SIGNING] = ED25519
    engine.restart()
    both = declared.evidence(version, ED25519, P256)
    step = engine.preview(TAG, REF, both)
    assert step.changed == ("evidence",)
    assert "to be signed: the signer changed" in engine.messages
    engine.up(TAG, REF, both)
    assert len(referrers(registry, digest)) == 2 * STATEMENTS
    assert {s.signer for s in signed(registry, digest, key().public, key(ED25519).public).values()}
    environment[SIGNING] = OTHER_P256
    engine.restart()
    engine.up(TAG, REF, declared.evidence(version, OTHER_P256))
    if not registry.lists_referrers:
        assert len(referrers(registry, digest)) == STATEMENTS
        assert signed(registry, digest, key(OTHER_P256).public).keys() == {
            PROVENANCE,
            TEST_RESULT,
            SBOM,
        }


def test_another_build_is_signed_and_the_evidence_of_the_last_one_stays(
    engine: Engine, registry: FakeRegistry, declared: Declared, inputs: dict[str, Any]
) -> None:
    engine.up(TAG, REF, inputs)
    again = declared.evidence(declared.version(REF, "another"))
    assert engine.up(TAG, REF, again).changed == ("source", "identity")
    assert len(referrers(registry, digest_in(inputs))) == STATEMENTS
    assert len(referrers(registry, digest_in(again))) == STATEMENTS


def test_another_verification_is_signed_and_takes_the_place_of_the_last_one(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any]
) -> None:
    first = engine.up(TAG, REF, inputs).outputs["signed"]["statements"]
    tests = json.dumps({"result": "PASSED", "passedTests": ["more"]})
    step = engine.up(TAG, REF, stating(inputs, tests=tests))
    assert step.changed == ("evidence.tests",)
    assert step.outputs["signed"]["statements"]["provenance"] == first["provenance"]
    assert step.outputs["signed"]["statements"]["test-result"] != first["test-result"]
    if not registry.lists_referrers:
        assert len(referrers(registry, digest_in(inputs))) == STATEMENTS


def test_without_a_key_a_preview_says_nothing_and_an_update_writes_nothing(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any], environment: dict[str, str]
) -> None:
    del environment[SIGNING]
    engine.restart()
    engine.preview(TAG, REF, inputs)
    assert engine.warnings == []
    with pytest.raises(EvidenceError, match="Set FLEET_SIGNING_KEY"):
        engine.up(TAG, REF, inputs)
    assert registry.writes == []


def test_another_key_than_the_declared_one_signs_nothing(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any], environment: dict[str, str]
) -> None:
    environment[SIGNING] = OTHER_P256
    engine.restart()
    with pytest.raises(EvidenceError, match="is declared first"):
        engine.up(TAG, REF, inputs)
    assert registry.writes == []


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        (SIGNING, OTHER_P256, f"{SIGNING} is the key .* is declared first"),
        (SIGNING, "garbage", f"{SIGNING} is not a private key to sign with"),
        (f"{SIGNING}_FILE", "/absent.pem", f"{SIGNING}_FILE: /absent.pem could not be read"),
    ],
)
def test_a_wrong_key_is_warned_of_once_and_stops_only_what_has_to_be_signed(  # noqa: PLR0913, PLR0917
    engine: Engine,
    registry: FakeRegistry,
    inputs: dict[str, Any],
    environment: dict[str, str],
    name: str,
    value: str,
    fault: str,
) -> None:
    engine.up(TAG, REF, inputs)
    del environment[SIGNING]
    environment[name] = value
    engine.restart()
    assert engine.up(TAG, REF, inputs).kind == "same"
    assert engine.warnings == []
    other = stating(inputs, tests=json.dumps({"result": "PASSED", "passedTests": ["more"]}))
    for _ in range(2):
        engine.preview(TAG, REF, other)
    assert len(engine.warnings) == 1
    assert re.search(f"an update could not sign: {fault}", engine.warnings[0])
    registry.log.clear()
    with pytest.raises(EvidenceError, match=fault):
        engine.up(TAG, REF, other)
    assert registry.writes == []


def test_two_processes_that_sign_the_same_at_once_leave_it_signed_once(
    registry: FakeRegistry, inputs: dict[str, Any], environment: dict[str, str]
) -> None:
    def signing() -> dict[str, Any]:
        with Engine(dict(environment)) as process:
            return process.up(TAG, REF, inputs).outputs

    with ThreadPoolExecutor(2) as pool:
        first, second = (each.result() for each in [pool.submit(signing) for _ in range(2)])
    assert first == second
    assert len(referrers(registry, digest_in(inputs))) == STATEMENTS
    assert signed(registry, digest_in(inputs)).keys() == {PROVENANCE, TEST_RESULT, SBOM}


def test_another_owner_s_evidence_is_foreign(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any]
) -> None:
    engine.up(TAG, REF, inputs)
    elsewhere = f"{inputs['ref']}-theirs"
    engine.up(TAG, "theirs", {**inputs, "ref": elsewhere, "owner": f"{OWNER}-other"})
    assert len(referrers(registry, digest_in(inputs))) == 2 * STATEMENTS


def test_a_list_of_referrers_in_pages_is_read_whole(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any]
) -> None:
    registry.page = 2
    first = engine.up(TAG, REF, inputs).outputs
    engine.resources.clear()
    registry.log.clear()
    assert engine.up(TAG, REF, inputs).outputs == first
    assert registry.writes == []
