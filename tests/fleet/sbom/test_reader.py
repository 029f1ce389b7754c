"""How layers come from a registry: faults on the way, and what no registry has."""

import json

import pytest

from fleet.registry.errors import RegistryError
from tests.fleet.sbom.conftest import Read
from tests.fleet.sbom.layers import NAME, deb, layer, push, status
from tests.fleet.sbom.test_document import bills
from tests.providers.ociregistry.registry_fake import FakeRegistry, sha

BODY = layer(status(deb("bash", "5.2")))
GET = f"GET .*/blobs/{sha(BODY)}"


@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": True}])
def test_a_layer_is_fetched_again_after_a_fault_that_passes(
    registry: FakeRegistry, read: Read, fault: dict[str, object]
) -> None:
    registry.fault(GET, **fault)
    assert [package.name for package in read(BODY).packages] == ["bash"]


def test_an_expired_token_is_renewed_for_a_layer(registry: FakeRegistry, read: Read) -> None:
    registry.challenge = 'Bearer realm="REALM",service="fake"'
    # The token that was good for the request before is not any more.
    registry.fault(f"HEAD .*/blobs/{sha(BODY)}", act=registry.tokens.clear)
    assert [package.name for package in read(BODY).packages] == ["bash"]


@pytest.mark.parametrize("body", [b"other", BODY + b"x", BODY[:-1] + b"x"])
def test_a_layer_with_other_bytes_is_refused(
    registry: FakeRegistry, read: Read, body: bytes
) -> None:
    registry.fault(GET, status=200, body=body, times=99)
    with pytest.raises(RegistryError, match="arrived damaged"):
        read(BODY)


def test_a_layer_that_is_missing_is_named(
    registry: FakeRegistry, environment: dict[str, str]
) -> None:
    digest = push(registry, [BODY])
    del registry.repositories[NAME].blobs[sha(BODY)]
    with pytest.raises(RegistryError, match=f"blob {sha(BODY)} is missing; build the image again"):
        bills(registry, environment, digest)


def test_an_image_that_is_missing_is_named(
    registry: FakeRegistry, environment: dict[str, str]
) -> None:
    with pytest.raises(RegistryError, match="is not in the registry; run `pulumi up --refresh`"):
        bills(registry, environment, f"sha256:{'a' * 64}")


@pytest.mark.parametrize("lost", ["manifest", "layer"])
def test_an_image_that_is_missing_is_read_from_where_it_was_copied_to(
    registry: FakeRegistry, environment: dict[str, str], lost: str
) -> None:
    storage, child = registry.repositories[NAME], push(registry, [BODY])
    index = registry.push_children(NAME, {"linux/amd64": child})
    whole = bills(registry, environment, index)
    copies = registry.repositories["acme/copies"]
    copies.manifests[child] = storage.manifests[child]
    copies.blobs |= storage.blobs
    if lost == "manifest":
        del storage.manifests[child]
    else:
        del storage.blobs[sha(BODY)]
    assert bills(registry, environment, index, copies="acme/copies") == whole


def test_an_index_with_two_images_of_a_platform_is_refused(
    registry: FakeRegistry, environment: dict[str, str]
) -> None:
    children = [push(registry, [BODY]), push(registry, [BODY, BODY])]
    index = registry.push_children(NAME, {"linux/amd64": children[0], "linux/386": children[1]})
    media_type, body = registry.repositories[NAME].manifests[index]
    twice = json.loads(body.replace(b'"386"', b'"amd64"')) | {"mediaType": media_type}
    with pytest.raises(RegistryError, match="two images of a platform"):
        bills(registry, environment, registry.push_manifest(NAME, twice))


def test_attestations_in_an_index_are_no_platforms(
    registry: FakeRegistry, environment: dict[str, str]
) -> None:
    children = {
        "linux/amd64": push(registry, [BODY]),
        "unknown/unknown": push(registry, [b"no tar"]),
    }
    assert len(bills(registry, environment, registry.push_children(NAME, children))) == 1
