"""Version tags with evidence: signed first, then named, in one update."""

import json
import re
from contextlib import nullcontext
from typing import Any

import pytest
from pulumi.runtime.rpc import UNKNOWN

from fleet.evidence.statement import PROVENANCE, SBOM, TEST_RESULT
from fleet.registry.errors import AuthenticationError, RegistryError
from fleet.registry.reference import TagReference
from tests.fleet.evidence.examples import ED25519, P256
from tests.providers.ociregistry.declared import NAME, OWNER, PLATFORMS, Declared
from tests.providers.ociregistry.engine_fake import TAG, CheckFailedError, Engine
from tests.providers.ociregistry.evidence.stated import (
    REF,
    SIGNING,
    STATEMENTS,
    digest_in,
    fallback,
    referrers,
    signed,
    stating,
)
from tests.providers.ociregistry.registry_fake import OCI_INDEX, FakeRegistry


def test_all_is_signed_and_attached_before_the_index_and_its_tag_are_written(
    engine: Engine, registry: FakeRegistry, declared: Declared, inputs: dict[str, Any]
) -> None:
    digest = digest_in(inputs)
    step = engine.up(TAG, REF, inputs)
    assert step.outputs["digest"] == declared.tags[REF] == digest
    written = [path.rpartition("/")[2] for path in registry.writes if "/manifests/" in path]
    assert written[-2:] == [digest, REF]
    assert {*referrers(registry, digest)} <= {*written[:-2]}
    found = signed(registry, digest)
    assert found.keys() == {PROVENANCE, TEST_RESULT, SBOM}
    subjects = found[PROVENANCE].statement.subjects
    assert next(iter(subjects.values())) == digest
    assert [name.rpartition("#")[2] for name in list(subjects)[1:]] == sorted(PLATFORMS)
    for manifest in referrers(registry, digest).values():
        assert manifest["subject"]["digest"] == digest
        assert manifest["subject"]["mediaType"] == OCI_INDEX


def test_the_joined_index_of_several_builders_is_what_is_signed(
    engine: Engine, registry: FakeRegistry, declared: Declared
) -> None:
    tag = engine.up(TAG, REF, declared.evidence(declared.joined(REF)))
    assert declared.tags[REF] == tag.outputs["digest"]
    assert signed(registry, tag.outputs["digest"]).keys() == {PROVENANCE, TEST_RESULT, SBOM}


def test_the_state_has_digests_and_no_text(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any]
) -> None:
    """And little of them: a tag's state is by less than 1 KiB larger than without evidence."""
    engine.up(TAG, REF, inputs)
    engine.up(TAG, "plain", {k: v for k, v in inputs.items() if k != "evidence"})
    state, plain = (
        json.dumps([kept.inputs, kept.outputs], separators=(",", ":"))
        for kept in (engine.resources[REF], engine.resources["plain"])
    )
    assert "buildDefinition" not in state
    assert "PRIVATE" not in state
    assert 0 < len(state) - len(plain) <= 1024


def test_evidence_that_did_not_change_is_one_request_more(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any]
) -> None:
    asked = []
    for declared in ({k: v for k, v in inputs.items() if k != "evidence"}, inputs):
        engine.up(TAG, REF, declared)
        engine.restart()
        registry.log.clear()
        assert engine.up(TAG, REF, declared).kind == "same"
        asked.append(len(registry.log))
    assert asked[1] == asked[0] + 1, registry.log


@pytest.mark.parametrize("joined", [False, True])
def test_a_preview_that_signs_alone_says_that_the_tag_stays(
    engine: Engine, registry: FakeRegistry, declared: Declared, joined: bool
) -> None:
    inputs = declared.evidence(declared.joined(REF) if joined else declared.version(REF))
    tag = engine.up(TAG, REF, inputs)
    registry.log.clear()
    again = engine.preview(TAG, REF, stating(inputs, tests=json.dumps({"result": "WARNED"})))
    assert (again.kind, again.outputs["digest"]) == ("update", tag.outputs["digest"])
    assert "to be signed: it was verified in another way" in engine.messages
    assert registry.writes == []


@pytest.mark.parametrize("joined", [False, True])
def test_a_preview_of_a_build_with_evidence_predicts_the_same_as_without(
    engine: Engine, registry: FakeRegistry, declared: Declared, joined: bool
) -> None:
    version = declared.joined(REF) if joined else declared.version(REF)
    unknown = {"sources": [version["sources"][0], UNKNOWN]} if joined else {"source": UNKNOWN}
    inputs = stating(declared.evidence({**version, **unknown}), provenance=UNKNOWN)
    plain = {k: v for k, v in inputs.items() if k != "evidence"}
    with_evidence, without = (engine.preview(TAG, REF, each) for each in (inputs, plain))
    assert with_evidence.outputs == {**without.outputs, "signed": UNKNOWN}
    assert with_evidence.outputs["digest"] == UNKNOWN
    assert engine.messages[0] == engine.messages[1]
    assert registry.writes == []


@pytest.mark.parametrize(
    ("name", "value"), [("owner", f"{OWNER}-other"), ("annotations", {"a": "b"})]
)
def test_what_is_part_of_a_joined_index_has_it_signed_again(
    engine: Engine, registry: FakeRegistry, declared: Declared, name: str, value: Any
) -> None:
    version = declared.joined(REF)
    before = engine.up(TAG, REF, declared.evidence(version)).outputs["digest"]
    step = engine.up(TAG, REF, declared.evidence({**version, name: value}))
    assert step.changed == (name,)
    digest = step.outputs["digest"]
    assert before != digest == declared.tags[REF]
    assert signed(registry, digest).keys() == {PROVENANCE, TEST_RESULT, SBOM}


def test_what_failed_to_build_is_not_signed(
    engine: Engine, registry: FakeRegistry, declared: Declared, inputs: dict[str, Any]
) -> None:
    with pytest.raises(RegistryError, match="its build or verification failed"):
        engine.up(TAG, REF, {**inputs, "source": declared.unknown})
    assert registry.writes == []


WRITES = 31
"""What an update of one tag writes: evidence, platforms, index and name."""


@pytest.mark.parametrize("kept", range(WRITES + 2))
def test_a_run_that_ended_between_two_writes_is_ended_by_the_next(
    engine: Engine, registry: FakeRegistry, declared: Declared, inputs: dict[str, Any], kept: int
) -> None:
    """The first `kept` writes take effect, and no other, as when the process was killed there."""
    digest = digest_in(inputs)
    registry.fault("^(PUT|POST) ", times=kept, act=lambda: None)
    registry.fault("^(PUT|POST) ", times=1000, status=403)
    writes = WRITES + (0 if registry.lists_referrers else 1)
    with pytest.raises(AuthenticationError) if kept < writes else nullcontext():
        engine.up(TAG, REF, inputs)
    if declared.tags.get(REF):
        assert signed(registry, digest).keys() == {PROVENANCE, TEST_RESULT, SBOM}
    registry.faults.clear()
    engine.restart()
    engine.up(TAG, REF, inputs)
    assert declared.tags[REF] == digest
    assert signed(registry, digest).keys() == {PROVENANCE, TEST_RESULT, SBOM}
    assert len(referrers(registry, digest)) == STATEMENTS
    assert engine.up(TAG, REF, inputs).kind == "same"


def test_nothing_is_signed_by_an_import_so_that_nothing_is_said_of_what_others_built(
    engine: Engine, registry: FakeRegistry, declared: Declared, inputs: dict[str, Any]
) -> None:
    theirs = registry.push_index(NAME, REF)
    registry.log.clear()
    assert engine.adopt(TAG, REF, inputs["ref"])
    assert "signed" not in engine.resources[REF].outputs
    assert not [path for path in registry.log if "sha256-" in path or "/referrers/" in path]
    engine.up(TAG, REF, inputs)
    assert declared.tags[REF] == digest_in(inputs)
    assert referrers(registry, theirs) == {}


def test_an_own_tag_that_was_imported_is_signed_where_it_stays(
    engine: Engine, registry: FakeRegistry, declared: Declared, inputs: dict[str, Any]
) -> None:
    engine.up(TAG, REF, {k: v for k, v in inputs.items() if k != "evidence"})
    engine.resources.clear()
    assert engine.adopt(TAG, REF, inputs["ref"])
    step = engine.up(TAG, REF, inputs)
    assert step.changed == ("signed",)
    (entry,) = engine.report.entries
    assert (entry.action, entry.reasons) == (
        "sign",
        ("no evidence of it is in this stack's state",),
    )
    assert signed(registry, declared.tags[REF]).keys() == {PROVENANCE, TEST_RESULT, SBOM}


def test_a_tag_that_nobody_is_declared_to_sign_any_more_changes_nothing(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any]
) -> None:
    engine.up(TAG, REF, inputs)
    plain = {k: v for k, v in inputs.items() if k != "evidence"}
    registry.log.clear()
    for _ in range(2):
        assert engine.up(TAG, REF, plain).kind == "same"
    assert registry.writes == []
    assert "signed" not in engine.resources[REF].outputs
    assert engine.up(TAG, REF, inputs).changed == ("signed",)


def test_a_tag_that_was_moved_and_lost_its_evidence_gets_both_back(
    engine: Engine, registry: FakeRegistry, declared: Declared, inputs: dict[str, Any]
) -> None:
    if registry.lists_referrers:
        pytest.skip("the registry keeps the list")
    engine.up(TAG, REF, inputs)
    digest = digest_in(inputs)
    declared.tags[REF] = registry.push_index(NAME, "stray")
    listed = declared.tags.pop(fallback(digest))
    step = engine.up(TAG, REF, inputs)
    assert step.changed == ("digest", "signed.statements")
    assert (declared.tags[REF], declared.tags[fallback(digest)]) == (digest, listed)
    (entry,) = engine.report.entries
    assert (entry.action, entry.reasons[0]) == ("re-point", "it was moved since the last update")
    assert entry.reasons[1].startswith("the registry lost its provenance, test-result, sbom ")


def test_a_preview_of_a_moved_tag_says_what_is_signed_of_it_as_well(
    engine: Engine, registry: FakeRegistry, declared: Declared, inputs: dict[str, Any]
) -> None:
    engine.up(TAG, REF, inputs)
    declared.tags[REF] = registry.push_index(NAME, "stray")
    engine.restart()
    engine.preview(TAG, REF, declared.evidence(inputs, ED25519, P256))
    assert engine.messages[-1].endswith(": it was moved since the last update, the signer changed")
    (entry,) = engine.report.entries
    assert (entry.action, entry.signs) == ("re-point", True)
    assert entry.reasons == ("it was moved since the last update", "the signer changed")


def test_a_preview_tells_apart_what_has_to_be_signed(
    engine: Engine, registry: FakeRegistry, declared: Declared, inputs: dict[str, Any]
) -> None:
    def signs(inputs: dict[str, Any]) -> bool:
        engine.restart()
        engine.preview(TAG, REF, inputs)
        (entry,) = engine.report.entries
        return entry.signs

    assert signs(inputs)
    assert not signs({k: v for k, v in inputs.items() if k != "evidence"})
    engine.up(TAG, REF, inputs)
    assert not signs(inputs)
    assert signs(stating({**inputs, "source": UNKNOWN}, provenance=UNKNOWN))
    declared.tags[REF] = registry.push_index(NAME, "stray")
    assert not signs(inputs), "a moved tag is put back, and its evidence is there"
    del declared.tags[REF]
    assert not signs(inputs)


def _spoil_the_list(registry: FakeRegistry, digest: str, how: str) -> None:
    if how == "garbage":
        other = registry.push_image(NAME, "linux/amd64", "x")
        registry.repositories[NAME].tags[fallback(digest)] = other
    else:
        registry.fault("^(HEAD|GET) .*/(manifests/sha256-|referrers/)", times=1000, status=403)


@pytest.mark.parametrize("how", ["garbage", "denied"])
def test_a_moved_tag_is_put_back_though_its_evidence_can_not_be_read(
    engine: Engine, registry: FakeRegistry, declared: Declared, inputs: dict[str, Any], how: str
) -> None:
    if registry.lists_referrers:
        pytest.skip("the registry keeps the list")
    before = engine.up(TAG, REF, inputs).outputs
    digest = digest_in(inputs)
    declared.tags[REF] = registry.push_index(NAME, "stray")
    _spoil_the_list(registry, digest, how)
    engine.restart()
    step = engine.up(TAG, REF, inputs)
    assert (step.changed, declared.tags[REF]) == (("digest",), digest)
    assert step.outputs["signed"] == before["signed"]
    (warning,) = engine.warnings
    assert re.search("its evidence could not be verified, and the state of it is kept: ", warning)
    other = stating(inputs, tests=json.dumps({"result": "PASSED", "passedTests": ["more"]}))
    with pytest.raises(RegistryError):
        engine.up(TAG, REF, other)
    another = declared.evidence(declared.version(REF, "another"))
    if how == "garbage":
        assert engine.up(TAG, REF, another).outputs["digest"] == digest_in(another)


def test_a_tag_that_takes_the_place_of_one_that_is_gone_has_nothing_of_its_history(
    engine: Engine, declared: Declared, inputs: dict[str, Any]
) -> None:
    engine.up(TAG, REF, inputs)
    del declared.tags[REF]
    engine.restart()
    digest = engine.up(TAG, REF, {**inputs, "ref": f"{inputs['ref']}-new"}).outputs["digest"]
    repository, tag = TagReference.parse(inputs["ref"]).repository, f"{REF}-new"
    moves = engine.provider._session.moves.sights(repository, {tag: digest})
    assert (moves[tag].why, moves[tag].outside) == ("new in this stack", None)
    (entry,) = engine.report.entries
    assert (entry.previous, entry.reasons) == ("", ("new in this stack",))


def test_a_tag_that_was_moved_is_put_back_without_a_look_at_its_evidence(
    engine: Engine, registry: FakeRegistry, declared: Declared, inputs: dict[str, Any],
    environment: dict[str, str],
) -> None:  # fmt: skip
    engine.up(TAG, REF, inputs)
    declared.tags[REF] = registry.push_index(NAME, "stray")
    del environment[SIGNING]
    engine.restart()
    engine.refresh(REF)
    registry.log.clear()
    engine.up(TAG, REF, inputs, refresh=False)
    assert declared.tags[REF] == digest_in(inputs)
    assert not [path for path in registry.log if "sha256-" in path or "/referrers/" in path]


def test_deletion_asks_and_writes_nothing(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any]
) -> None:
    engine.up(TAG, REF, inputs)
    registry.log.clear()
    engine.delete(REF)
    assert registry.log == []


def test_what_can_not_be_read_keeps_the_state_and_fails_alone(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any]
) -> None:
    engine.up(TAG, REF, inputs)
    registry.fault("^(HEAD|GET) ", times=1000, status=500)
    with pytest.raises(Exception, match="could not be verified, so nothing is changed"):
        engine.up(TAG, REF, inputs)
    assert "could not be verified" in engine.warnings[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("provenance", "no JSON"),
        ("provenance", "[]"),
        ("tests", ""),
        ("tests", 1),
        ("keys", []),
        ("keys", ["?"]),
        ("keyless", "?"),
    ],
)
def test_what_is_wrong_of_evidence_is_named(
    engine: Engine, inputs: dict[str, Any], name: str, value: Any
) -> None:
    with pytest.raises(CheckFailedError) as caught:
        engine.up(TAG, REF, stating(inputs, **{name: value}))
    assert caught.value.failures.keys() == {f"evidence.{name}"}


@pytest.mark.parametrize(
    ("name", "value"), [("platforms", []), ("owner", ""), ("ref", "no tag"), ("evidence", "?")]
)
def test_a_tag_with_evidence_has_all_that_it_needs(
    engine: Engine, inputs: dict[str, Any], name: str, value: Any
) -> None:
    with pytest.raises(CheckFailedError) as caught:
        engine.up(TAG, REF, {**inputs, name: value})
    assert caught.value.failures.keys() == {name}
