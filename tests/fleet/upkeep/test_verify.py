"""`make verify` over a registry in memory: what is signed, what is wrong, what is others'."""

import json
from dataclasses import replace
from typing import Any

import pytest

from fleet.console import TroubleError
from fleet.evidence.keys import PublicKey
from fleet.plan.plan import ImageMirror
from fleet.registry.client import Client
from fleet.registry.errors import AuthenticationError
from fleet.registry.reference import TagReference
from fleet.upkeep.trusted import Trusted
from fleet.upkeep.verify import Verified, Wanted, report, verify_tags, wanted
from providers.ociregistry.evidence.model import kinds_of
from tests.components import plans
from tests.fleet.evidence.examples import ED25519, P256, key
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.declared import NAME, OWNER, PLATFORMS, Declared
from tests.providers.ociregistry.engine_fake import TAG, Engine
from tests.providers.ociregistry.noticed import DAY, give
from tests.providers.ociregistry.registry_fake import FakeRegistry, sha

REF = "py3.13-slim-0.34.0"
KINDS = kinds_of(PLATFORMS)
PROVENANCE = {
    "buildDefinition": {
        "resolvedDependencies": [
            {"name": "revision", "digest": {"gitCommit": "1" * 40}},
            {"name": "base", "digest": {"sha256": "2" * 64}},
        ]
    }
}


@pytest.fixture
def call(registry: FakeRegistry, environment: dict[str, str]) -> Caller:
    return Caller(registry, environment)


@pytest.fixture
def digest(registry: FakeRegistry, call: Caller) -> str:
    """The digest of a tag that is there with its evidence."""
    declared = Declared(registry)
    version = declared.version(REF)
    evidence = declared.evidence(version, provenance=json.dumps(PROVENANCE))
    with Engine({**call.environment, "FLEET_SIGNING_KEY": P256}) as engine:
        return str(engine.up(TAG, REF, evidence).outputs["digest"])


def verified(call: Caller, *keys: PublicKey, owner: str = OWNER, **pin: bool) -> Verified:
    ref = TagReference(repository=call.repository, tag=REF)

    async def run(client: Client) -> list[Verified]:
        tags = [Wanted(ref=ref, kinds=KINDS, **pin)]
        return await verify_tags(client, tags, owner, Trusted(keys=keys or (key().public,)))

    (found,) = call(run)
    return found


def entries(registry: FakeRegistry, digest: str) -> dict[str, dict[str, Any]]:
    storage = registry.repositories[NAME]
    listed = storage.tags[digest.replace(":", "-")]
    found = json.loads(storage.manifests[listed][1])["manifests"]
    return {e["annotations"]["io.github.multi-py.fleet.evidence.kind"]: e for e in found}


def test_all_that_is_signed_is_verified_and_told(call: Caller, digest: str) -> None:
    found = verified(call)
    assert found.problems == ()
    assert {*found.signed} == {*KINDS}
    lines = report([found]).splitlines()
    assert lines[0] == f"evidence of {call.repository} (1)"
    assert lines[2].split() == [
        REF,
        digest[:19],
        key().public.hint,
        "1" * 12,
        f"sha256:{'2' * 12}",
        "5/5",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_statement_is_named(
    call: Caller, registry: FakeRegistry, digest: str, kind: str
) -> None:
    gone = entries(registry, digest)[kind]["digest"]
    del registry.repositories[NAME].manifests[gone]
    assert verified(call).problems == (
        f"{kind}: its manifest, {gone}, is gone",
        f"no valid evidence: {kind}",
    )


@pytest.mark.parametrize("needs_evidence", [True, False])
def test_a_pinned_digest_without_evidence_fails_unless_that_is_said(
    call: Caller, registry: FakeRegistry, needs_evidence: bool
) -> None:
    digest = registry.push_index(NAME, REF)
    found = verified(call, pinned=True, needs_evidence=needs_evidence)
    assert "pinned, no evidence" in report([found]).splitlines()[2]
    assert found.digest == digest, "it keeps its tag"
    assert bool(found.problems) == needs_evidence
    assert found.notes == (() if needs_evidence else ("pinned, no evidence",))


def test_a_pinned_digest_with_our_evidence_passes(call: Caller, digest: str) -> None:
    found = verified(call, pinned=True)
    assert (found.digest, found.problems) == (digest, ())


def test_damaged_evidence_of_a_pinned_digest_is_a_problem_all_the_same(
    call: Caller, registry: FakeRegistry, digest: str
) -> None:
    for entry in entries(registry, digest).values():
        del registry.repositories[NAME].manifests[entry["digest"]]
    assert verified(call, pinned=True, needs_evidence=False).problems


def test_a_lost_list_is_no_evidence(call: Caller, registry: FakeRegistry, digest: str) -> None:
    del registry.repositories[NAME].tags[digest.replace(":", "-")]
    assert verified(call).problems == (f"no valid evidence: {', '.join(KINDS)}",)


def test_evidence_of_another_image_is_refused(
    call: Caller, registry: FakeRegistry, digest: str
) -> None:
    tags = registry.repositories[NAME].tags
    other = registry.push_index(NAME, REF)
    tags[other.replace(":", "-")] = tags.pop(digest.replace(":", "-"))
    problems = verified(call).problems
    assert sum("is about another image" in problem for problem in problems) == len(KINDS)


def test_an_altered_statement_is_refused(call: Caller, registry: FakeRegistry, digest: str) -> None:
    storage = registry.repositories[NAME]
    entry = entries(registry, digest)["provenance"]
    manifest = json.loads(storage.manifests[entry["digest"]][1])
    layer = manifest["layers"][0]
    body = storage.blobs[layer["digest"]].replace(b'"payload":"', b'"payload":"AAAA')
    storage.blobs[sha(body)] = body
    manifest["layers"][0] = {**layer, "digest": sha(body), "size": len(body)}
    altered = registry.push_manifest(NAME, manifest)
    listed = storage.manifests[storage.tags[digest.replace(":", "-")]][1].decode()
    document = json.loads(listed.replace(entry["digest"], altered))
    registry.push_manifest(NAME, document, digest.replace(":", "-"))
    problems = verified(call).problems
    assert problems[0].startswith(f"provenance, {altered}: the bundle is signed by none")
    assert problems[1] == "no valid evidence: provenance"


def test_a_key_that_is_not_declared_verifies_nothing(call: Caller, digest: str) -> None:
    found = verified(call, key(ED25519).public)
    assert found.problems == (f"no valid evidence: {', '.join(KINDS)}",)
    assert found.others == len(KINDS)


def test_another_owner_s_evidence_is_counted_and_not_judged(call: Caller, digest: str) -> None:
    found = verified(call, owner="fleet/other")
    assert found.signed == {}
    assert found.others == len(KINDS)


def test_an_absent_tag_is_named(call: Caller) -> None:
    assert verified(call).problems == ("the tag is absent",)
    assert report([verified(call)]).endswith(f"{call.repository}:{REF}: the tag is absent")


def test_each_version_tag_is_wanted_with_its_platforms() -> None:
    every, one = wanted(plans.plan(), ""), wanted(plans.plan(), "py3.11-slim-0.34.0")
    assert [each.ref.tag for each in every] == ["py3.11-slim-0.33.0", "py3.11-slim-0.34.0"]
    assert one == every[1:]
    assert one[0].kinds == kinds_of(("linux/amd64", "linux/arm/v7"))


def test_one_image_s_version_tags_are_wanted_where_it_is_named() -> None:
    plan = plans.plan()
    (one,) = plan.images
    plan = replace(plan, images=(one, replace(one, name="other", repository="r.test/acme/other")))
    every, other = wanted(plan), wanted(plan, image="other")
    assert {each.ref.repository.name for each in other} == {"acme/other"}
    assert len(every) == 2 * len(other)
    (ref,) = (str(each.ref) for each in wanted(plan, "py3.11-slim-0.34.0", "other"))
    assert ref == "r.test/acme/other:py3.11-slim-0.34.0"


@pytest.mark.parametrize(
    ("tag", "image"), [("", "absent"), ("py3.11-slim-LATEST", ""), ("py3.11-slim-9.9.9", "absent")]
)
def test_a_tag_or_image_that_is_not_declared_is_named(tag: str, image: str) -> None:
    with pytest.raises(TroubleError, match=f"{tag or 'version tag'} of .*{image}.* is declared"):
        wanted(plans.plan(), tag, image)


def test_those_at_mirrors_are_wanted_where_that_is_asked() -> None:
    plan = plans.plan()
    mirror = ImageMirror(repository="quay.io/org/web", removable=True)
    plan = replace(plan, images=(replace(plan.images[0], mirrors=(mirror,)),))
    own, there = wanted(plan, ""), wanted(plan, "", mirrors=True)
    assert there[: len(own)] == own
    assert [str(each.ref) for each in there[len(own) :]] == [
        f"quay.io/org/web:{each.ref.tag}" for each in own
    ]


def signed_by_both(registry: FakeRegistry, call: Caller) -> str:
    """Have evidence by one key, then by a new one that tells of another commit."""
    declared = Declared(registry)
    version = declared.version(REF)
    told = json.dumps(PROVENANCE)
    old = declared.evidence(version, P256, provenance=told)
    new = declared.evidence(version, ED25519, P256, provenance=told.replace("1" * 40, "9" * 40))
    with Engine({**call.environment, "FLEET_SIGNING_KEY": P256}) as engine:
        engine.up(TAG, REF, old)
    with Engine({**call.environment, "FLEET_SIGNING_KEY": ED25519}) as engine:
        return str(engine.up(TAG, REF, new).outputs["digest"])


def test_the_first_key_s_claims_are_shown_and_all_keys_told(
    registry: FakeRegistry, call: Caller
) -> None:
    signed_by_both(registry, call)
    new, old = key(ED25519).public, key().public
    found = verified(call, new, old)
    assert found.problems == ()
    assert {each.signer.hint for each in found.signed.values()} == {new.hint}
    row = report([found]).splitlines()[2].split()
    assert row[2:5] == [f"{new.hint},", old.hint, "9" * 12]
    # The order of declaration decides, and not that of the list.
    found = verified(call, old, new)
    assert {each.signer.hint for each in found.signed.values()} == {old.hint}


def test_valid_statements_that_differ_are_told(registry: FakeRegistry, call: Caller) -> None:
    signed_by_both(registry, call)
    found = verified(call, key(ED25519).public, key().public)
    assert found.notes == ("provenance: 2 valid statements differ; one of them is older",)
    assert report([found]).endswith(f"{REF}: {found.notes[0]}")


def test_a_lost_statement_of_the_first_key_is_named_though_another_signed_it(
    registry: FakeRegistry, call: Caller
) -> None:
    digest = signed_by_both(registry, call)
    storage = registry.repositories[NAME]
    new, old = key(ED25519).public, key().public
    listed = json.loads(storage.manifests[storage.tags[digest.replace(":", "-")]][1])
    (gone,) = [
        str(entry["digest"])
        for entry in listed["manifests"]
        if entry["annotations"]["io.github.multi-py.fleet.evidence.kind"] == "provenance"
        and entry["annotations"]["io.github.multi-py.fleet.evidence.key"] == new.hint
    ]
    del storage.manifests[gone]
    unsigned = (
        f"no valid evidence by {new.hint}: provenance; the next update that may sign as that "
        "signs it"
    )
    assert verified(call, new, old).problems == (
        f"provenance: its manifest, {gone}, is gone",
        unsigned,
    )


def test_a_key_that_signed_nothing_yet_is_named(call: Caller, digest: str) -> None:
    new = key(ED25519).public
    (problem,) = verified(call, new, key().public).problems
    assert problem.startswith(f"no valid evidence by {new.hint}: ")


def test_a_lost_body_and_a_malformed_artifact_are_problems_of_their_row(
    call: Caller, registry: FakeRegistry, digest: str
) -> None:
    storage = registry.repositories[NAME]
    of = entries(registry, digest)
    lost, malformed = of["sbom linux/amd64"]["digest"], of["test-result"]["digest"]
    del storage.blobs[json.loads(storage.manifests[lost][1])["layers"][0]["digest"]]
    document = json.loads(storage.manifests[malformed][1])
    other = registry.push_manifest(NAME, {**document, "layers": []})
    listed = storage.manifests[storage.tags[digest.replace(":", "-")]][1].decode()
    changed = json.loads(listed.replace(malformed, other))
    registry.push_manifest(NAME, changed, digest.replace(":", "-"))
    found = verified(call)
    assert {*found.signed} == {*KINDS} - {"sbom linux/amd64", "test-result"}
    text = report([found])
    assert "sbom linux/amd64: " in text
    assert f"{lost}, is gone" in text
    assert f"test-result, {other}: " in text
    assert "has 0 layers, and not one" in text


def test_a_list_that_is_none_is_a_problem_of_its_row(
    call: Caller, registry: FakeRegistry, digest: str
) -> None:
    tags = registry.repositories[NAME].tags
    tags[digest.replace(":", "-")] = registry.push_image(NAME, "linux/amd64", "no list")
    (problem,) = verified(call).problems
    assert "not an index of referrers" in problem


def test_a_registry_that_fails_is_an_error(
    call: Caller, registry: FakeRegistry, digest: str
) -> None:
    tag = digest.replace(":", "-")
    registry.fault(f"^GET .*{tag}", times=1000, status=403)
    with pytest.raises(AuthenticationError):
        verified(call)


@pytest.mark.parametrize("with_referrers", [True, False])
def test_a_copy_has_its_evidence_if_that_was_copied_too(
    call: Caller, registry: FakeRegistry, digest: str, with_referrers: bool
) -> None:
    """As `regctl image copy` does it with `--referrers`, and without."""
    here, there = registry.repositories[NAME], registry.repositories["mirror/app"]
    tags = [REF, *([digest.replace(":", "-")] if with_referrers else [])]
    there.tags |= {tag: here.tags[tag] for tag in tags}
    kept = {d: m for d, m in here.manifests.items() if with_referrers or b"subject" not in m[1]}
    there.manifests |= kept
    there.blobs |= here.blobs
    ref = TagReference(repository=replace(call.repository, name="mirror/app"), tag=REF)

    async def run(client: Client) -> list[Verified]:
        trusted = Trusted(keys=(key().public,))
        return await verify_tags(client, [Wanted(ref=ref, kinds=KINDS)], OWNER, trusted)

    (found,) = call(run)
    missing = (f"no valid evidence: {', '.join(KINDS)}",)
    assert found.problems == (() if with_referrers else missing)


def test_a_notice_of_the_end_of_life_is_ours_and_told(call: Caller, digest: str) -> None:
    call(lambda client: give(client, call.repository, OWNER, REF, digest))
    found = verified(call)
    assert (found.problems, found.others) == ((), 0)
    assert found.notes == (f"has a notice of its end of life on {DAY}",)
