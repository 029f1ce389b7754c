"""`make prune` and evidence: it goes with what it is about, and keeps nothing itself."""

from typing import Any

import pytest

from fleet.registry.errors import RegistryError
from fleet.registry.manifest import OWNER_ANNOTATION
from fleet.registry.reference import Repository
from providers.ociregistry.evidence.model import KIND_ANNOTATION
from tests.fleet.upkeep.sweeping import FIRST, LAST, PUBLIC, Run, Sweeper
from tests.providers.ociregistry.noticed import give
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
            "artifactType": "application/vnd.test",
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


def test_a_superseded_index_goes_with_the_notice_of_its_end(sweeper: Sweeper, run: Run) -> None:
    sweeper.max_share = 1
    registry = sweeper.registry
    old = registry.push_index(PUBLIC, TAG)
    place = Repository(host=registry.host, name=PUBLIC)
    run(lambda client: give(client, place, sweeper.owner, TAG, old))
    sweeper.sweep(FIRST)
    registry.repositories[PUBLIC].tags[TAG] = registry.push_index(PUBLIC, "py3.11-0.35.0")
    sweeper.sweep(FIRST)
    sweeper.sweep(LAST)
    assert not sweeper.holds(PUBLIC, old)
    assert fallback(old) not in registry.repositories[PUBLIC].tags


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


def test_the_evidence_of_an_index_that_the_registry_does_not_delete_stays(sweeper: Sweeper) -> None:
    sweeper.max_share = 1
    old, attached = superseded(sweeper, sweeper.owner, sweeper.owner)
    sweeper.registry.fault(f"^DELETE .*{old}", times=1000, status=403)
    swept = sweeper.sweep(LAST)
    assert {old, *attached} <= swept.kept.keys()
    assert all(sweeper.holds(PUBLIC, digest) for digest in (old, *attached))
    assert sweeper.registry.pullable(PUBLIC, fallback(old))


def test_an_index_goes_before_its_evidence(sweeper: Sweeper) -> None:
    sweeper.max_share = 1
    old, (listed, *statements) = superseded(sweeper, sweeper.owner, sweeper.owner)
    order = [item.digest for item in sweeper.sweep(LAST).gone]
    assert order.index(old) < order.index(listed)
    assert all(order.index(listed) < order.index(digest) for digest in statements)


def test_a_list_of_evidence_that_holds_what_it_is_about_goes(sweeper: Sweeper) -> None:
    """Nobody writes such a list; the order of deletions has to end for whatever is there."""
    sweeper.max_share = 1
    registry = sweeper.registry
    tagged = registry.push_index(PUBLIC, TAG)
    said = {OWNER_ANNOTATION: sweeper.owner, KIND_ANNOTATION: "provenance"}
    other = registry.push_index(PUBLIC, "other")
    entry = {"mediaType": OCI_INDEX, "digest": other, "size": 1, "annotations": said}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
    listed = registry.push_manifest(PUBLIC, index, fallback(other))
    sweeper.sweep(FIRST)
    del registry.repositories[PUBLIC].tags["other"]
    sweeper.sweep(FIRST)
    sweeper.sweep(LAST)
    assert not any(sweeper.holds(PUBLIC, digest) for digest in (other, listed))
    assert sweeper.holds(PUBLIC, tagged)


def superseded_by_api(sweeper: Sweeper, *owners: str) -> tuple[str, list[str]]:
    """Have an index superseded on a registry that lists referrers itself, under no tag."""
    registry = sweeper.registry
    registry.lists_referrers = True

    def push(tag: str) -> tuple[str, list[str]]:
        index = registry.push_index(PUBLIC, tag)
        listed, *rest = attach(registry, index, *owners)
        storage = registry.repositories[PUBLIC]
        del storage.tags[fallback(index)], storage.manifests[listed]
        return index, rest

    old, attached = push(TAG)
    sweeper.sweep(FIRST)
    new, _ = push("other")
    tags = registry.repositories[PUBLIC].tags
    tags[TAG] = new
    del tags["other"]
    sweeper.sweep(FIRST)
    return old, attached


def test_our_evidence_that_the_registry_lists_goes_behind_its_index(sweeper: Sweeper) -> None:
    sweeper.max_share, sweeper.registry.page = 1, 1
    old, attached = superseded_by_api(sweeper, sweeper.owner, sweeper.owner)
    order = [item.digest for item in sweeper.sweep(LAST).gone]
    assert {old, *attached} <= {*order}
    assert all(order.index(old) < order.index(digest) for digest in attached)
    current = sweeper.registry.repositories[PUBLIC].tags[TAG]
    asked = [line for line in sweeper.registry.log if "/referrers/" in line]
    assert not any(current in line for line in asked)


@pytest.mark.parametrize("owners", [("",), ("fleet/dev", ""), ("fleet/other",)])
def test_signatures_of_others_that_the_registry_lists_keep_what_they_are_about(
    sweeper: Sweeper, owners: tuple[str, ...]
) -> None:
    sweeper.max_share = 1
    old, attached = superseded_by_api(sweeper, *owners)
    sweeper.sweep(LAST)
    assert all(sweeper.holds(PUBLIC, digest) for digest in (old, *attached))
    assert sweeper.registry.pullable(PUBLIC, old)


def test_a_signature_that_the_registry_lists_meanwhile_keeps_its_image(sweeper: Sweeper) -> None:
    sweeper.max_share = 1
    old, attached = superseded_by_api(sweeper, sweeper.owner)

    def sign() -> None:
        listed, *_ = attach(sweeper.registry, old, sweeper.owner, "")
        storage = sweeper.registry.repositories[PUBLIC]
        del storage.tags[fallback(old)], storage.manifests[listed]

    swept = sweeper.sweep(LAST, meanwhile=sign)
    assert swept.kept[old] == f"others refer to {old}"
    assert all(sweeper.holds(PUBLIC, digest) for digest in (old, *attached))
    assert sweeper.registry.pullable(PUBLIC, old)


def test_a_list_of_referrers_that_can_not_be_read_stops_the_sweep(sweeper: Sweeper) -> None:
    sweeper.max_share = 1
    old, attached = superseded_by_api(sweeper, sweeper.owner)
    sweeper.registry.fault("^GET .*/referrers/", times=1000, body=b"{}", status=200)
    with pytest.raises(RegistryError, match="has no list of manifests"):
        sweeper.sweep(LAST)
    assert all(sweeper.holds(PUBLIC, digest) for digest in (old, *attached))
