"""Remarks of a preview on a stale LATEST whose removal leaves its image untagged."""

from collections.abc import Collection, Mapping

from fleet.registry.errors import OciError
from fleet.registry.reference import Repository, TagReference
from providers.ociregistry.context import Session
from providers.ociregistry.stale_pointers.model import beside, may_be_version

# A request each, and only for a LATEST whose image the highest versions do not have.
_ASKED = 50


async def last_tags(
    session: Session, repository: Repository, going: Mapping[str, str], tags: Collection[str]
) -> Mapping[str, str]:
    """Return those of `going` that leave their image without a tag, each with a text about it.

    `going` are tags with the digests that they stand for, `tags` all of the repository. Only such
    as no version can end in are looked at: any other goes only if a version tag has its digest.
    Asked are the tags of the same Python and base that stay, the highest version first and 50 at
    most, until one names the same digest. A failure of that is in the text.
    """
    found: dict[str, str] = {}
    for tag, digest in going.items():
        if not may_be_version(tag):
            others = tuple(other for other in beside(tag, tags) if other not in going)
            text = await _describe(session, repository, digest, others)
            if text:
                found[tag] = text
    return found


async def _describe(
    session: Session, repository: Repository, digest: str, others: tuple[str, ...]
) -> str:
    try:
        for other in others[:_ASKED]:
            if await session.named(TagReference(repository=repository, tag=other)) == digest:
                return ""
    except OciError as error:
        return f"whether another tag names its image could not be asked: {error}"
    none = f"none of the {_ASKED} highest tags" if len(others) > _ASKED else "no other tag"
    return f"{none} of its Python and base names its image"
