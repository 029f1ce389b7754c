"""What refers to an image: artifacts attached to its digest, and the list of them.

OCI distribution specification 1.1: a registry that lists referrers itself says so by the header
OCI-Subject when one is written. For others the list is an index under a tag that is made of the
subject's digest ("Referrers Tag Schema"), which the clients keep.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet.registry.client import Client
from fleet.registry.errors import RegistryError
from fleet.registry.manifest import (
    EMPTY,
    INDEXES,
    OCI_INDEX,
    Manifest,
    annotations_of,
    assemble_artifact,
    content_of,
    document_of,
    entries_of,
)
from fleet.registry.reference import Repository

_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """An artifact that refers to the manifest `subject`: one layer `body` of its own media type."""

    subject: Manifest
    media_type: str
    body: bytes
    annotations: Mapping[str, str]

    @property
    def manifest(self) -> Manifest:
        """The artifact's manifest."""
        return assemble_artifact(self.media_type, self.body, self.annotations, self.subject)


@dataclass(frozen=True, kw_only=True)
class Referrer:
    """One entry of the list of referrers; `descriptor` is all that the list says of it."""

    digest: str
    annotations: Mapping[str, str]
    descriptor: Mapping[str, Any]

    @property
    def artifact_type(self) -> str:
        """The type of the artifact, empty where the list has none."""
        return str(self.descriptor.get("artifactType", ""))


@dataclass(frozen=True, kw_only=True)
class Referrers:
    """All that refers to a digest.

    `listed` is the digest of the list under the fallback tag, empty where that tag is absent.
    """

    entries: tuple[Referrer, ...] = ()
    listed: str = ""
    digests: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digests", frozenset(entry.digest for entry in self.entries))


def fallback_tag(subject: str) -> str:
    """Return the tag of the list of referrers of a digest: `sha256-<hex>`."""
    return subject.replace(":", "-", 1)


class ReferrerList:
    """Reads and writes lists of referrers."""

    def __init__(self, registry: Client) -> None:
        self._registry = registry
        # Of two writes of one list at once the later one would lose what the earlier one added.
        self._turns: defaultdict[tuple[Repository, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def find(self, repository: Repository, subject: str) -> Referrers:
        """Return what refers to `subject`, by the registry's own list and by the fallback tag.

        Some registries learn to list referrers while older ones are under the tag alone.

        :raises RegistryError: if a list is not an index, or the registry fails.
        """
        pages, tagged = await asyncio.gather(
            self._registry.referrers(repository, subject),
            self._registry.get(repository, fallback_tag(subject)),
        )
        place = f"{repository}@{subject}: the list of referrers"
        found = [e for page in (*pages, *filter(None, [tagged])) for e in _entries(page, place)]
        entries = {entry.digest: entry for entry in found}
        return Referrers(
            entries=tuple(entries.values()), listed=tagged.digest if tagged is not None else ""
        )

    async def listed(self, repository: Repository, subject: str) -> str:
        """Return the digest of the list under the fallback tag, empty where that is absent."""
        return await self._registry.head(repository, fallback_tag(subject)) or ""

    async def holds(self, repository: Repository, digest: str) -> bool:
        """Tell whether the manifest of a referrer is there."""
        return await self._registry.head(repository, digest) is not None

    async def body(self, repository: Repository, digest: str) -> bytes | None:
        """Return the one layer of an attached artifact, None where its manifest is gone.

        :raises RegistryError: if it is not an artifact of one layer, or the layer is lost.
        """
        manifest = await self._registry.get(repository, digest)
        if manifest is None:
            return None
        place = f"{repository}@{digest}"
        layers = content_of(document_of(manifest, place), place).layers
        if len(layers) != 1:
            raise RegistryError(f"{place}: has {len(layers)} layers, and not one")
        return await self._registry.read_blob(repository, layers[0])

    async def attach(
        self,
        repository: Repository,
        subject: str,
        attachments: Collection[Attachment],
        superseded: Callable[[Referrer], bool],
    ) -> Referrers:
        """Have `attachments` refer to `subject`, and return what then does.

        The artifacts come first, then the list: whoever finds one in it can read it. All entries
        stay in the list but those that are `superseded`. What stands already is not written again.

        :raises RegistryError: if the list lost them to other writers, or the registry fails.
        """
        wanted = {each.manifest.digest: each for each in attachments}
        async with self._turns[repository, subject]:
            # One after the other: where one fails, none is still under way.
            answers = [await self._write(repository, each) for each in wanted.values()]
            for _ in range(_TRIES):
                if not all(answers):
                    await self._list(repository, subject, wanted, superseded)
                found = await self.find(repository, subject)
                if wanted.keys() <= found.digests:
                    return found
        raise RegistryError(
            f"{repository}:{fallback_tag(subject)} was written by others at the same time, "
            f"{_TRIES} times: it lacks {', '.join(sorted(wanted.keys() - found.digests))}; "
            "run again when they are done"
        )

    async def _write(self, repository: Repository, attachment: Attachment) -> bool:
        for blob in (EMPTY, attachment.body):
            await self._registry.write_blob(repository, blob)
        manifest = attachment.manifest
        return await self._registry.put(repository, manifest.digest, manifest)

    async def _list(
        self,
        repository: Repository,
        subject: str,
        wanted: Mapping[str, Attachment],
        superseded: Callable[[Referrer], bool],
    ) -> None:
        tag = fallback_tag(subject)
        before = await self._registry.get(repository, tag)
        place = f"{repository}:{tag}"
        known = _entries(before, place) if before is not None else ()
        kept = [e.descriptor for e in known if e.digest not in wanted and not superseded(e)]
        document = document_of(before, place) if before is not None else {"schemaVersion": 2}
        document |= {
            "mediaType": OCI_INDEX,
            "manifests": [*kept, *(_descriptor(wanted[digest]) for digest in sorted(wanted))],
        }
        body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        index = Manifest(body=body, media_type=OCI_INDEX)
        if before is not None and before.digest == index.digest:
            return
        named = before.digest if before is not None else None
        await self._registry.put(repository, tag, index, named=named)


def _descriptor(attachment: Attachment) -> dict[str, Any]:
    """Return how a list names an artifact: its descriptor, its type and its annotations."""
    manifest = attachment.manifest
    return {
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": len(manifest.body),
        "artifactType": attachment.media_type,
        "annotations": dict(attachment.annotations),
    }


def _entries(index: Manifest, place: str) -> tuple[Referrer, ...]:
    if index.media_type not in INDEXES:
        raise RegistryError(
            f"{place}: is {index.media_type or 'of no media type'}, and no index of referrers; "
            "find out who wrote it, and delete that tag"
        )
    document = document_of(index, place)
    return tuple(
        Referrer(digest=child.digest, annotations=annotations_of(entry), descriptor=entry)
        for child, entry in zip(entries_of(document, place), document["manifests"], strict=True)
    )
