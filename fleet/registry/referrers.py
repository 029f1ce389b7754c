"""What refers to an image: artifacts attached to its digest, and the list of them.

OCI distribution specification 1.1: a registry that lists referrers itself says so by the header
OCI-Subject when one is written. For others the list is an index under a tag that is made of the
subject's digest ("Referrers Tag Schema"), which the clients keep.
"""

import asyncio
import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from fleet.registry.client import Client
from fleet.registry.errors import AuthenticationError, DamagedError, RegistryError
from fleet.registry.manifest import (
    EMPTY,
    MANIFEST_LIMIT,
    OCI_INDEX,
    Blob,
    Manifest,
    annotations_of,
    assemble_artifact,
)
from fleet.registry.reference import Repository

_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """An artifact that refers to another manifest: its own `manifest`, and its one layer `body`.

    One without a body has an empty layer.
    """

    manifest: Manifest
    body: bytes

    @classmethod
    def to(
        cls, subject: Manifest, *, media_type: str, body: bytes, annotations: Mapping[str, str]
    ) -> Self:
        """Return an artifact of a media type that refers to `subject`."""
        return cls(manifest=assemble_artifact(media_type, body, annotations, subject), body=body)


@dataclass(frozen=True, kw_only=True)
class Referrer:
    """One entry of the list of referrers; `descriptor` is all that the list says of it."""

    digest: str
    annotations: Mapping[str, str]
    descriptor: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Referrers:
    """All that refers to a digest.

    `listed` is the digest of the list under the fallback tag, empty where that tag is absent;
    `tagged` are the digests that this list has.
    """

    entries: tuple[Referrer, ...] = ()
    listed: str = ""
    tagged: frozenset[str] = frozenset()

    @cached_property
    def digests(self) -> frozenset[str]:
        """The digests of all entries."""
        return frozenset(entry.digest for entry in self.entries)


def fallback_tag(subject: str) -> str:
    """Return the tag of the list of referrers of a digest: `sha256-<hex>`."""
    return subject.replace(":", "-", 1)


class ReferrerList:
    """Reads and writes lists of referrers; `RegistryError` is raised where the registry fails."""

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
            self._pages(repository, subject),
            self._registry.get(repository, fallback_tag(subject)),
        )
        return _referrers(pages, tagged, f"{repository}@{subject}")

    async def of_registry(self, repository: Repository, subject: str) -> Referrers:
        """Return what refers to `subject` by the registry's own list alone, in one request."""
        pages = await self._pages(repository, subject)
        return _referrers(pages, None, f"{repository}@{subject}")

    async def _pages(self, repository: Repository, subject: str) -> tuple[Manifest, ...]:
        try:
            return await self._registry.referrers(repository, subject)
        except AuthenticationError:
            # A front may forbid paths that it does not know; a login that is refused shows at the
            # list under the tag. Whoever deletes must not take this for an answer.
            return ()

    async def listed(self, repository: Repository, subject: str) -> str:
        """Return the digest of the list under the fallback tag, empty where that is absent."""
        return await self._registry.head(repository, fallback_tag(subject)) or ""

    async def holds(self, repository: Repository, digest: str) -> bool:
        """Tell whether an attached artifact is there: its manifest, and its layer unread."""
        try:
            _, layer = await self._artifact(repository, digest) or (None, None)
        except DamagedError:
            return False
        return layer is not None and await self._registry.has_blob(repository, layer.digest)

    async def lacks(self, repository: Repository, subject: str, digests: Collection[str]) -> bool:
        """Tell whether one of these artifacts is absent, or no list of what refers to `subject` is.

        No manifest is read: Docker Hub limits those, and not what a HEAD or the registry's own list
        of referrers tells (https://docs.docker.com/docker-hub/usage/pulls/). So what the list
        under the tag has is not known.
        """
        if not digests:
            return False
        own = await self.of_registry(repository, subject)
        if not own.digests.issuperset(digests) and not await self.listed(repository, subject):
            return True
        return None in await asyncio.gather(
            *(self._registry.head(repository, digest) for digest in digests)
        )

    async def body(self, repository: Repository, digest: str) -> bytes | None:
        """Return the one layer of an attached artifact, None where that or its manifest is gone.

        :raises DamagedError: if it is not an artifact of one layer, or has other bytes.
        """
        found = await self._attached(repository, digest)
        return found.body if found else None

    async def _attached(self, repository: Repository, digest: str) -> Attachment | None:
        manifest, layer = await self._artifact(repository, digest) or (None, None)
        body = await self._registry.find_blob(repository, layer) if layer else None
        return Attachment(manifest=manifest, body=body) if manifest and body is not None else None

    async def _artifact(self, repository: Repository, digest: str) -> tuple[Manifest, Blob] | None:
        manifest = await self._registry.get(repository, digest)
        if manifest is None:
            return None
        return manifest, _layer(manifest, f"{repository}@{digest}")

    async def attach(
        self,
        repository: Repository,
        subject: str,
        attachments: Collection[Attachment],
        superseded: Callable[[Referrer], bool],
    ) -> Referrers:
        """Have `attachments` refer to `subject`, and return what then does.

        The artifacts come first, then the list: whoever finds one in it can read it. All entries
        stay in the list but those that are `superseded`. A registry that says to list them itself
        and then does not (its list comes late, or a front hides it) gets the list under the tag.

        :raises RegistryError: if one is too large to be read again, the list lost them to other
            writers, or the registry fails.
        """
        wanted = {each.manifest.digest: each for each in attachments}
        for size in (len(each.body) for each in attachments):
            if size > MANIFEST_LIMIT:
                raise RegistryError(
                    f"{repository}@{subject}: an attachment of {size} bytes exceeds the limit of "
                    f"{MANIFEST_LIMIT} to which one is read; nothing was attached"
                )
        async with self._turns[repository, subject]:
            # One after the other: where one fails, none is still under way.
            answers = [await self._write(repository, each) for each in wanted.values()]
            lists_itself = all(answers)
            for attempt in range(1, _TRIES + 1):
                if not lists_itself:
                    await self._list(repository, subject, wanted, superseded)
                found = await self.find(repository, subject)
                if wanted.keys() <= found.digests:
                    return found
                lists_itself = False
                if attempt < _TRIES:
                    await self._registry.pause(attempt)
        raise RegistryError(
            f"{repository}:{fallback_tag(subject)} was written {_TRIES} times, and "
            f"{', '.join(sorted(wanted.keys() - found.digests))} is still missing from it: others "
            "write it at the same time.\nRun again when they are done"
        )

    async def detach(
        self, repository: Repository, subject: str, digests: Collection[str]
    ) -> frozenset[str]:
        """Have `digests` refer to `subject` no more, and return those that still do.

        They leave the list under the fallback tag first. A registry that lists referrers itself
        lists what it holds: there they have to be deleted.
        """
        async with self._turns[repository, subject]:
            if await self.listed(repository, subject):
                await self._list(repository, subject, {}, lambda entry: entry.digest in digests)
            refusal: RegistryError | None = None
            for digest in digests:
                try:
                    await self._registry.delete(repository, digest)
                except RegistryError as error:
                    refusal = error
            found = await self.find(repository, subject)
        still = found.digests & frozenset(digests)
        # Where the list is under a tag, it does not matter.
        if still and refusal:
            raise refusal
        return still

    async def copy(
        self,
        source: Repository,
        target: Repository,
        subject: str,
        own: Callable[[Referrer], bool],
    ) -> frozenset[str]:
        """Bring those of the referrers of `subject` that are `own` from `source` to `target`.

        They keep their bytes. One that `target` lists and does not hold is brought again. With
        something to bring, what `source` does not list leaves the list of its `own` in `target`;
        what others attached there stays. Return those of its own that `target` then holds.

        :raises RegistryError: if `source` lists one that it does not hold, or a registry fails.
        """
        there, here = await asyncio.gather(self.find(source, subject), self.find(target, subject))
        wanted = frozenset(entry.digest for entry in there.entries if own(entry))
        listed = [entry.digest for entry in here.entries if own(entry)]
        are_held = await asyncio.gather(*(self.holds(target, digest) for digest in listed))
        held = frozenset(itertools.compress(listed, are_held))
        lacking = sorted(wanted - held)
        if not lacking:
            return held
        copies = []
        for digest in lacking:
            copy = await self._attached(source, digest)
            if copy is None:
                raise RegistryError(
                    f"{source}@{digest} is in a list of referrers, and is not in the "
                    "registry.\nRun `make refresh`, then `make up`, which signs what was lost"
                )
            copies.append(copy)
        found = await self.attach(
            target, subject, copies, lambda e: own(e) and e.digest not in wanted
        )
        return (held | wanted) & found.digests

    async def _write(self, repository: Repository, attachment: Attachment) -> bool:
        await self._registry.write_blob(repository, EMPTY)
        # Whoever attaches it found none that is whole: one that is there may have other bytes.
        if attachment.body:
            await self._registry.write_blob(repository, attachment.body, unless_there=False)
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
        known = entries_in(before, place) if before is not None else ()
        kept = [e.descriptor for e in known if e.digest not in wanted and not superseded(e)]
        document = before.document(place) if before is not None else {"schemaVersion": 2}
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


def _referrers(pages: Iterable[Manifest], tagged: Manifest | None, place: str) -> Referrers:
    place = f"{place}: the list of referrers"
    own = entries_in(tagged, place) if tagged else ()
    listed = [entry for page in pages for entry in entries_in(page, place)]
    return Referrers(
        entries=tuple({entry.digest: entry for entry in (*listed, *own)}.values()),
        listed=tagged.digest if tagged else "",
        tagged=frozenset(entry.digest for entry in own),
    )


def _layer(manifest: Manifest, place: str) -> Blob:
    """Return the one layer of an artifact.

    :raises DamagedError: if it is not an artifact of one layer, or one too large to be read.
    """
    try:
        layers = manifest.content(place).layers
    except RegistryError as error:
        raise DamagedError(str(error)) from error
    if len(layers) != 1:
        raise DamagedError(f"{place}: has {len(layers)} layers, and not one")
    if layers[0].size > MANIFEST_LIMIT:
        raise DamagedError(f"{place}: its layer of {layers[0].size} bytes exceeds {MANIFEST_LIMIT}")
    return layers[0]


def _descriptor(attachment: Attachment) -> dict[str, Any]:
    """Return how a list names an artifact: its descriptor, its type and its annotations."""
    manifest = attachment.manifest
    document = manifest.document(manifest.digest)
    return {
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": len(manifest.body),
        "artifactType": document.get("artifactType", ""),
        "annotations": annotations_of(document),
    }


def entries_in(index: Manifest, place: str) -> tuple[Referrer, ...]:
    """Return the entries of a list of referrers, or of a page of one.

    :raises RegistryError: if it is not an index.
    """
    if not index.is_index:
        raise RegistryError(
            f"{place}: is {index.media_type or 'of no media type'}, not an index of referrers.\n"
            "Find out who wrote it, and delete that tag"
        )
    listed = index.document(place).get("manifests", ())
    if listed is None:
        return ()  # an empty list, as olareg writes it
    return tuple(
        Referrer(digest=child.digest, annotations=annotations_of(entry), descriptor=entry)
        for child, entry in zip(index.entries(place), listed, strict=True)
    )
