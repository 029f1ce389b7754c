"""What one repository holds is not a proof for another."""

from fleet.registry.client import Client
from fleet.registry.manifest_cache import ManifestCache
from fleet.registry.reference import Repository
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.registry_fake import FakeRegistry


def test_a_manifest_of_one_repository_is_not_present_in_another(call: Caller) -> None:
    digest = call.registry.push_image("team/app", "linux/amd64")
    other = Repository(host=call.registry.host, name="team/other")

    async def both(client: Client) -> tuple[bool, bool]:
        cache = ManifestCache(client)
        here = await cache.find(call.repository, digest)
        there = await cache.find(other, digest)
        return here is not None, there is not None

    assert call(both) == (True, False)


def test_its_bytes_are_read_once_for_all_repositories_that_hold_it(call: Caller) -> None:
    digest = call.registry.push_image("team/app", "linux/amd64")
    assert call.registry.push_image("team/other", "linux/amd64") == digest
    other = Repository(host=call.registry.host, name="team/other")

    async def thrice(client: Client) -> None:
        cache = ManifestCache(client)
        for repository in (call.repository, other, other, call.repository):
            assert await cache.need(repository, digest)

    call(thrice)
    assert methods(call.registry) == ["GET", "HEAD"]


def methods(registry: FakeRegistry) -> list[str]:
    return [line.split()[0] for line in registry.log]
