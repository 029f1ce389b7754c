"""A notice of the end of life, written as an update does."""

from fleet.registry.client import Client
from fleet.registry.reference import Repository
from fleet.registry.referrers import ReferrerList
from providers.ociregistry.stale_pointers.model import StaleInputs
from providers.ociregistry.stale_pointers.notices import Ending, NoticeWriter

DAY = "2026-01-02"


async def give(client: Client, repository: Repository, owner: str, tag: str, digest: str) -> None:
    """Have a notice of `owner` on what a tag names."""
    inputs = StaleInputs(
        repository=repository, owner=owner, pointers=frozenset(), grammar=(), policy={}
    )
    writer = NoticeWriter(client, ReferrerList(client))
    found = await writer.write(inputs, Ending(left={tag: digest}), DAY)
    assert found.days.keys() == {tag}, found.warnings
