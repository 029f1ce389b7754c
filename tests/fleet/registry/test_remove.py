import asyncio
import json

import pytest

from fleet.http.retry import RetryPolicy
from fleet.registry.client import Client
from fleet.registry.errors import ConflictError, RegistryError, UnsupportedRemovalError
from fleet.registry.manifest import Manifest
from fleet.registry.reference import TagReference
from fleet.registry.removal.distribution import DistributionRemover
from fleet.registry.removal.placeholder import displaced_by, is_placeholder, placeholder_manifest
from fleet.registry.transport import Transport
from tests.providers.ociregistry.registry_fake import FakeRegistry

NAME = "team/app"


def remove(registry: FakeRegistry, environment: dict[str, str], tag: str = "py3.8-LATEST") -> None:
    """Remove a tag as the update of StalePointers does: read it, then remove what was read."""

    async def run() -> None:
        transport = Transport(environment=environment, retry=RetryPolicy(attempts=1))
        try:
            client = Client(transport)
            ref = TagReference.parse(f"{registry.host}/{NAME}:{tag}")
            manifest = await client.get(ref.repository, tag)
            assert manifest is not None
            others = frozenset(registry.repositories[NAME].tags) - {tag}
            registry.log.clear()
            await DistributionRemover(registry=client).remove(ref, manifest, others)
        finally:
            await transport.close()

    asyncio.run(run())


@pytest.fixture
def shared(registry: FakeRegistry) -> str:
    """A pointer and a version tag on one digest."""
    digest = registry.push_index(NAME, "py3.8-0.30.0")
    registry.repositories[NAME].tags["py3.8-LATEST"] = digest
    return digest


def delete(registry: FakeRegistry) -> None:
    """Do what somebody does who deletes the tag meanwhile."""
    del registry.repositories[NAME].tags["py3.8-LATEST"]


def tags(registry: FakeRegistry) -> set[str]:
    return set(registry.repositories[NAME].tags)


def test_a_tag_is_deleted_where_the_registry_can_do_that(
    registry: FakeRegistry, environment: dict[str, str], shared: str
) -> None:
    remove(registry, environment)
    assert tags(registry) == {"py3.8-0.30.0"}
    assert registry.pullable(NAME, "py3.8-0.30.0")
    assert registry.writes == [f"DELETE /v2/{NAME}/manifests/py3.8-LATEST"]


def test_a_tag_that_is_gone_meanwhile_is_success(
    registry: FakeRegistry, environment: dict[str, str], shared: str
) -> None:
    registry.fault("DELETE", act=lambda: delete(registry))
    remove(registry, environment)
    assert len(registry.writes) == 1


def test_a_tag_that_is_gone_before_is_left_without_a_request_to_delete_it(
    registry: FakeRegistry, environment: dict[str, str], shared: str
) -> None:
    registry.fault("HEAD .*py3.8-LATEST", act=lambda: delete(registry))
    remove(registry, environment)
    assert registry.writes == []


def test_a_registry_that_deletes_digests_only_loses_a_placeholder(
    registry: FakeRegistry, environment: dict[str, str], shared: str
) -> None:
    registry.tag_delete = False
    before = set(registry.repositories[NAME].manifests)
    remove(registry, environment)
    assert tags(registry) == {"py3.8-0.30.0"}
    assert registry.pullable(NAME, shared)
    assert set(registry.repositories[NAME].manifests) == before


def test_a_tag_that_is_there_though_its_deletion_answers_404_goes_by_a_placeholder(
    registry: FakeRegistry, environment: dict[str, str], shared: str
) -> None:
    registry.fault("DELETE .*py3.8-LATEST", times=99, status=404)
    remove(registry, environment)
    assert tags(registry) == {"py3.8-0.30.0"}
    assert registry.pullable(NAME, shared)


def test_a_registry_that_deletes_nothing_is_left_as_it_was_without_a_put(
    registry: FakeRegistry, environment: dict[str, str], shared: str
) -> None:
    registry.tag_delete = registry.digest_delete = False
    with pytest.raises(UnsupportedRemovalError, match="the name stays as it was"):
        remove(registry, environment)
    assert registry.repositories[NAME].tags["py3.8-LATEST"] == shared
    assert not [line for line in registry.log if line.startswith(("PUT", "POST"))]


def test_the_name_is_put_back_where_the_registry_changes_its_mind(
    registry: FakeRegistry, environment: dict[str, str], shared: str
) -> None:
    registry.tag_delete = False
    # The probe is answered, then the deletion of the placeholder is not.
    registry.fault("DELETE .*sha256", status=404)
    registry.digest_delete = False
    with pytest.raises(UnsupportedRemovalError):
        remove(registry, environment)
    assert registry.repositories[NAME].tags["py3.8-LATEST"] == shared


@pytest.mark.parametrize("deletes_tags", [True, False])
def test_the_leftover_of_an_interrupted_removal_is_finished(
    registry: FakeRegistry, environment: dict[str, str], shared: str, *, deletes_tags: bool
) -> None:
    registry.tag_delete = deletes_tags
    registry.repositories[NAME].blobs.update({"x": b""})
    leftover = placeholder_manifest("nonce")
    registry.push_manifest(NAME, json.loads(leftover.body), "py3.8-LATEST")
    remove(registry, environment)
    assert tags(registry) == {"py3.8-0.30.0"}
    assert registry.pullable(NAME, shared)
    assert {line.split()[0] for line in registry.writes} == {"DELETE"}


def test_a_tag_that_moves_before_the_placeholder_is_left(
    registry: FakeRegistry, environment: dict[str, str], shared: str
) -> None:
    registry.tag_delete = False
    other = registry.push_index(NAME, "other")
    headers = {"Docker-Content-Digest": other}
    registry.fault("HEAD .*py3.8-LATEST", status=200, headers=headers)
    with pytest.raises(ConflictError, match=f"moved meanwhile: it names {other}"):
        remove(registry, environment)
    assert registry.repositories[NAME].tags["py3.8-LATEST"] == shared


def test_a_registry_that_deletes_the_image_with_its_name_is_found_out_and_undone(
    registry: FakeRegistry, environment: dict[str, str], shared: str
) -> None:
    registry.deletes_image_with_tag = True
    with pytest.raises(RegistryError, match=r"deleted .* along with the tag"):
        remove(registry, environment)
    assert registry.pullable(NAME, "py3.8-0.30.0")
    assert registry.pullable(NAME, shared)
    assert "py3.8-LATEST" not in tags(registry)


@pytest.mark.parametrize("body", [b'{"tags": null}', b'{"tags": ["py3.8-0.30.0", "py3.8-LATEST"]}'])
def test_after_such_a_loss_the_list_is_not_asked_for_it_may_lag(
    registry: FakeRegistry, environment: dict[str, str], shared: str, body: bytes
) -> None:
    registry.deletes_image_with_tag = True
    other = registry.push_index(NAME, "py3.8-0.31.0")
    registry.fault("tags/list", status=200, body=body)
    with pytest.raises(RegistryError, match=r"so were its tags py3\.8-0\.30\.0\."):
        remove(registry, environment)
    assert registry.repositories[NAME].tags["py3.8-0.31.0"] == other
    assert registry.pullable(NAME, shared)


def test_a_tag_of_something_else_that_somebody_deletes_meanwhile_is_not_made_again(
    registry: FakeRegistry, environment: dict[str, str], shared: str
) -> None:
    registry.deletes_image_with_tag = True
    registry.push_index(NAME, "edge")
    tags_of = registry.repositories[NAME].tags
    registry.fault("DELETE", act=lambda: tags_of.pop("edge"))
    with pytest.raises(RegistryError, match=r"so were its tags py3\.8-0\.30\.0\."):
        remove(registry, environment)
    assert tags(registry) == {"py3.8-0.30.0"}
    assert registry.pullable(NAME, shared)


def test_a_placeholder_that_cannot_be_deleted_gives_way_to_what_it_displaced(
    registry: FakeRegistry, environment: dict[str, str], shared: str
) -> None:
    registry.tag_delete = False
    registry.fault("DELETE .*sha256", status=404)  # the probe
    registry.fault("DELETE .*sha256", status=500)
    with pytest.raises(RegistryError, match=f"answered 500.* was put back on {shared}"):
        remove(registry, environment)
    assert registry.repositories[NAME].tags["py3.8-LATEST"] == shared


def test_a_placeholder_that_was_written_though_the_write_failed_gives_way_again(
    registry: FakeRegistry, environment: dict[str, str], shared: str
) -> None:
    registry.tag_delete = False
    registry.fault("PUT .*py3.8-LATEST", status=403, after=True)
    with pytest.raises(RegistryError, match=f"answered 403.* was put back on {shared}"):
        remove(registry, environment)
    assert registry.repositories[NAME].tags["py3.8-LATEST"] == shared


def test_a_placeholder_that_was_not_written_leaves_the_name_and_says_so(
    registry: FakeRegistry, environment: dict[str, str], shared: str
) -> None:
    registry.tag_delete = False
    registry.fault("PUT .*py3.8-LATEST", status=403)
    with pytest.raises(RegistryError, match=f"answered 403.* still names {shared}"):
        remove(registry, environment)
    assert registry.repositories[NAME].tags["py3.8-LATEST"] == shared


def test_what_somebody_writes_over_the_placeholder_is_left_alone(
    registry: FakeRegistry, environment: dict[str, str], shared: str
) -> None:
    registry.tag_delete = False
    other = registry.push_index(NAME, "other")
    registry.fault("DELETE .*sha256", status=404)
    registry.fault("DELETE .*sha256", status=500)
    told = {"Docker-Content-Digest": other}
    # Asked before anything, before the placeholder is written, and after its deletion failed.
    registry.fault("HEAD .*LATEST", times=2)
    registry.fault("HEAD .*LATEST", status=200, headers=told)
    with pytest.raises(RegistryError, match=f"moved to {other} and was left there"):
        remove(registry, environment)


def test_a_placeholder_names_what_it_displaces() -> None:
    digest = "sha256:" + "a" * 64
    assert displaced_by(placeholder_manifest("n", digest)) == digest
    assert displaced_by(placeholder_manifest("n")) == ""


def test_a_placeholder_is_unique_and_recognised_and_an_image_is_not() -> None:
    assert placeholder_manifest("a").digest != placeholder_manifest("b").digest
    assert is_placeholder(placeholder_manifest("a"))
    assert not is_placeholder(Manifest(body=b'{"annotations":{"a":"b"}}', media_type=""))
