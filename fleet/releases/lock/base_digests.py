"""Base images' digests, asked of their registry."""

import asyncio

from fleet.http.text import one_line
from fleet.registry.client import Client
from fleet.registry.docker_hub import LIMIT_REMEDY, canonical
from fleet.registry.docker_hub import NAME as DOCKER_HUB
from fleet.registry.errors import LimitedError, RegistryError
from fleet.registry.login import NO_LOGINS, Logins
from fleet.registry.manifest import INDEXES, children_of, document_of
from fleet.registry.reference import TagReference
from fleet.registry.transport import Transport
from fleet.releases.lock.bases import BaseError, Digests


def platform_digests(reference: str, logins: Logins = NO_LOGINS) -> Digests:
    """Return the digests of the index that ``reference`` names, and of each platform's image.

    ``logins`` are the declared ones, which win over those of Docker's configuration.

    :raises BaseError: when there is no such image.
    :raises OciError: when the registry can't be asked, or it is no index.
    """
    return asyncio.run(_platform_digests(reference, logins))


async def _platform_digests(text: str, logins: Logins) -> Digests:
    reference = TagReference.parse(text)
    transport = Transport(logins=logins)
    try:
        manifest = await Client(transport).get(reference.repository, reference.tag)
    except LimitedError as error:
        if canonical(reference.repository.host) != DOCKER_HUB:
            raise
        raise LimitedError(f"{text}: {error}. {LIMIT_REMEDY}") from None
    finally:
        await transport.close()
    if manifest is None:
        raise BaseError(f"{text} is not there; correct the Python or the base")
    if manifest.media_type not in INDEXES:
        found = one_line(manifest.media_type)
        raise RegistryError(f"{text} is no index of platforms but a {found}")
    children = children_of(document_of(manifest, text), text)
    return Digests(
        index=manifest.digest, platforms={child.platform: child.digest for child in children}
    )
