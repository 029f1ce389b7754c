"""Base images' digests, from a registry over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.ociregistry.errors import OciError
from releases.registry import AbsentError, platform_digests
from tests.providers.registry_fake import OCI_MANIFEST, FakeRegistry, serving


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    with serving() as fake:
        monkeypatch.setenv("FLEET_PLAIN_HTTP", fake.host)
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        yield fake


def test_each_platform_has_its_own_digest(registry: FakeRegistry) -> None:
    registry.push_index("python", "3.13-slim")
    (child,) = [d for d, (kind, _) in registry.repositories["python"].manifests.items()
                if kind == OCI_MANIFEST]  # fmt: skip
    assert platform_digests(f"{registry.host}/python:3.13-slim") == {"linux/amd64": child}


def test_an_image_that_is_not_there_is_told_apart_from_a_registry_that_fails(
    registry: FakeRegistry,
) -> None:
    reference = f"{registry.host}/python:3.99-slim"
    with pytest.raises(AbsentError, match=r"3\.99-slim is not there"):
        platform_digests(reference)
    registry.fault("GET", times=99, status=403)
    with pytest.raises(OciError, match="403") as failure:
        platform_digests(reference)
    assert not isinstance(failure.value, AbsentError)


def test_what_is_no_index_of_platforms_is_refused(registry: FakeRegistry) -> None:
    registry.push_manifest("python", {"schemaVersion": 2, "mediaType": OCI_MANIFEST}, "3.13")
    with pytest.raises(OciError, match="no index of platforms"):
        platform_digests(f"{registry.host}/python:3.13")
