"""`make prune` and evidence: it goes with what it is about, and keeps nothing itself."""

from typing import Any

import pytest

from fleet.registry.manifest import OWNER_ANNOTATION
from providers.ociregistry.evidence.model import KIND_ANNOTATION
from tests.fleet.upkeep.sweeping import FIRST, LAST, PUBLIC, Sweeper
from tests.providers.ociregistry.registry_fake import OCI_INDEX, OCI_MANIFEST, FakeRegistry, sha

TAG = "py3.11-0.34.0"


def fallback(digest: str) -> str:
    return digest.replace(":", "-")


def attach(registry: FakeRegistry, subject: str, *owners: str) -> list[str]:
    """Attach an artifact for each owner (empty: a signature of others), and list all of them."""
    entries: list[dict[str, Any]] = []
    for number, owner in enumerate(owners):
        said = {OWNER_ANNOTATION: owner, KIND_ANNOTATION: "provenance"} if owner else {}
        registry.repositories[PUBLIC].blobs[sha(b"{}")] = b"{}"
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"digest": sha(b"{}"), "size": 2},
            "layers": [],
            "subject": {"mediaType": OCI_INDEX, "digest": subject, "size": 1},
            "annotations": {**said, "number": str(number)},
        }
        digest = registry.push_manifest(PUBLIC, document)
        size = len(registry.repositories[PUBLIC].manifests[digest][1])
        entry = {"mediaType": OCI_MANIFEST, "digest": digest, "size": size, "annotations": said}
        entries.append(entry)
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    listed = registry.push_manifest(PUBLIC, index, fallback(subject))
    return [listed, *(str(entry["digest"]) for entry in entries)]


def superseded(sweeper: Sweeper, *owners: str) -> tuple[str, list[str]]:
    """Have an index with what is attached to it noted, then its tag moved to another."""
    registry = sweeper.registry
    old = registry.push_index(PUBLIC, TAG)
    attached = attach(registry, old, *owners)
    sweeper.sweep(FIRST)
    new = registry.push_index(PUBLIC, "other")
    tags = registry.repositories[PUBLIC].tags
    tags[TAG] = new
    del tags["other"]
    attach(registry, new, *owners)
    sweeper.sweep(FIRST)
    return old, attached


def test_a_superseded_index_goes_with_our_evidence_and_its_list(sweeper: Sweeper) -> None:
    sweeper.max_share = 1
    old, attached = superseded(sweeper, sweeper.owner, sweeper.owner)
    swept = sweeper.sweep(LAST)
    assert {old, *attached} <= {item.digest for item in swept.gone}
    assert not any(sweeper.holds(PUBLIC, digest) for digest in (old, *attached))
    tags = sweeper.registry.repositories[PUBLIC].tags
    assert fallback(old) not in tags
    assert sweeper.sweep(LAST).kept == {}


def test_the_evidence_of_a_kept_index_stays(sweeper: Sweeper) -> None:
    sweeper.max_share = 1
    superseded(sweeper, sweeper.owner)
    sweeper.sweep(LAST)
    storage = sweeper.registry.repositories[PUBLIC]
    kept = storage.tags[TAG]
    assert storage.tags.keys() == {TAG, fallback(kept)}
    assert sweeper.registry.pullable(PUBLIC, fallback(kept))


@pytest.mark.parametrize("owners", [("",), ("fleet/dev", ""), ("fleet/other",)])
def test_signatures_of_others_keep_what_they_are_about(
    sweeper: Sweeper, owners: tuple[str, ...]
) -> None:
    sweeper.max_share = 1
    old, attached = superseded(sweeper, *owners)
    sweeper.sweep(LAST)
    assert all(sweeper.holds(PUBLIC, digest) for digest in (old, *attached))
    assert fallback(old) in sweeper.registry.repositories[PUBLIC].tags


def test_a_signature_that_comes_meanwhile_keeps_its_image(sweeper: Sweeper) -> None:
    sweeper.max_share = 1
    old, _ = superseded(sweeper, sweeper.owner)
    sweeper.sweep(LAST, meanwhile=lambda: attach(sweeper.registry, old, sweeper.owner, ""))
    assert sweeper.holds(PUBLIC, old)
    assert sweeper.registry.pullable(PUBLIC, fallback(old))


def test_evidence_of_an_index_that_never_came_goes(sweeper: Sweeper) -> None:
    sweeper.max_share = 1
    sweeper.registry.push_index(PUBLIC, TAG)
    attached = attach(sweeper.registry, sha(b"never pushed"), sweeper.owner)
    sweeper.sweep(FIRST)
    sweeper.sweep(FIRST)
    sweeper.sweep(LAST)
    assert not any(sweeper.holds(PUBLIC, digest) for digest in attached)
