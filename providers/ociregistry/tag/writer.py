"""Tags, acting: reads and writes a registry as `tag` decides."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from fleet.registry.client import Client
from fleet.registry.errors import RegistryError, UnreadableError, moved
from fleet.registry.manifest import Manifest
from fleet.registry.manifest_cache import ManifestCache
from fleet.registry.reference import ManifestReference, Repository, TagReference
from fleet.registry.removal.placeholder import is_placeholder
from providers.ociregistry.evidence.model import EvidenceState
from providers.ociregistry.tag.index import Read, index_of
from providers.ociregistry.tag.model import Live, Platform, Recorded, TagInputs, TagState, decide
from providers.ociregistry.tag.placement import Placer
from providers.ociregistry.tag.reader import Describer, Found, owner_of

Evident = Callable[[Manifest], Awaitable[EvidenceState | None]]


class Tagger:
    """Creates, updates and reads tags in a registry.

    `due` picks the platforms that a refresh of an unmoved tag asks for, all by default; `digest`
    tells a refresh what a tag names.
    """

    def __init__(
        self,
        registry: Client,
        due: Callable[[TagReference, tuple[Platform, ...]], tuple[Platform, ...]] | None = None,
        digest: Callable[[TagReference], Awaitable[str | None]] | None = None,
    ) -> None:
        self._registry = registry
        self._due = due or (lambda _ref, platforms: platforms)
        self._digest = digest or self.names
        self._manifests = ManifestCache(registry)
        self._describer = Describer(registry, self._manifests)
        self._placer = Placer(registry, self._manifests)

    async def write(
        self,
        inputs: TagInputs,
        recorded: TagState | None = None,
        evidence: Evident | None = None,
    ) -> TagState:
        """Make the tag name what is declared, as `decide` says, and put back missing platforms.

        `recorded` is what the state knows of it. `evidence` has what is stated of the index
        attached, before anything else is written, and returns what the state keeps of that.

        :raises ConflictError: if someone else moved the tag since the refresh, or it is another's
            and shall not be displaced.
        :raises RegistryError: if a source is missing, or the registry fails.
        :raises EvidenceError: by `evidence`.
        """
        if not inputs.complete:
            what = "what it names" if inputs.is_pointer else "its build or verification"
            raise RegistryError(
                f"{inputs.ref} was not updated: {what} failed (see the errors above or below)"
            )
        index, sources = await self._desire(inputs)
        before, live = await self._look(inputs.ref, unless=index.digest)
        decision = decide(inputs, index.digest, live, recorded)
        ref = inputs.ref
        absent = await self._placer.missing(sources, ref)
        signed = await evidence(index) if evidence else None
        await self._placer.place(absent, ref.repository)
        state = TagState(
            digest=index.digest,
            assembled=index.digest,
            platforms=await self._describer.platforms(ref.repository, index, str(ref)),
            previous=decision.previous,
            signed=signed,
        )
        lost = state.missing(inputs.platforms)
        if lost:
            raise RegistryError(f"{ref}: the registry lost the manifest of {', '.join(lost)}")
        if decision.write:
            await self._write(ref, index, before)
        # Written just now, or found under the tag: the pointers to it need not ask again.
        self._manifests.keep(ref.repository, index)
        return state

    async def refuse_conflict(
        self, inputs: TagInputs, desired: str, recorded: TagState | None = None
    ) -> None:
        """Raise in a preview what `write` would raise, without a write."""
        _, live = await self._look(inputs.ref, unless=desired)
        decide(inputs, desired, live, recorded)

    async def read(self, recorded: Recorded, *, whole: bool) -> TagState | None:
        """Return the tag's present state, or None where it is absent.

        One request where nothing moved. With `whole`, the manifests of the platforms that are
        due are asked for as well: one more request each, once per run and digest, whichever tags
        share it. Where one is gone, all are asked for. A tag that was moved onto what is not an
        image of a fleet is told as that, without platforms, so that an update can put it back.
        """
        ref = TagReference.parse(recorded.ref)
        live = await self._digest(ref)
        if live is None:
            return None
        if live != recorded.state.digest:
            found = await self._describer.describe(ref)
            if found is None:
                return None
            before = recorded.state
            return replace(
                found.state,
                assembled=before.assembled,
                previous=before.previous,
                signed=before.signed,
            )
        if not whole:
            return recorded.state
        platforms = recorded.state.platforms
        due = self._due(ref, platforms)
        if await self._present(ref.repository, due) != due:
            platforms = await self._present(ref.repository, platforms)
        return replace(recorded.state, platforms=platforms)

    async def _desire(self, inputs: TagInputs) -> tuple[Manifest, tuple[Read, ...]]:
        found = await asyncio.gather(
            *(self._manifests.need(s.repository, s.digest) for s in inputs.sources)
        )
        sources = tuple(zip(inputs.sources, found, strict=True))
        return index_of(inputs, sources), sources

    async def names(self, ref: TagReference) -> str | None:
        """Return the digest that a tag names just now, or None where it is absent."""
        return await self._registry.head(ref.repository, ref.tag)

    async def holds(self, image: ManifestReference) -> bool:
        """Tell whether the registry has a manifest; asked once a minute at most."""
        return await self._manifests.has(image.repository, image.digest)

    async def holds_children(self, repository: Repository, index: ManifestReference) -> bool:
        """Tell whether a repository has each manifest that an `index` of another one names.

        What that other one has lost itself is not known, and not looked for.

        :raises RegistryError: if it is damaged, or a registry fails.
        """
        found = await self._manifests.find(index.repository, index.digest)
        if found is None or not found.is_index:
            return True
        children = found.entries(str(index))
        there = (self._manifests.has(repository, child.digest) for child in children)
        return all(await asyncio.gather(*there))

    async def find(self, ref: TagReference) -> Found | None:
        """Describe a tag that no state knows, for an import; None where it is absent.

        :raises UnreadableError: if it names something that is not an image of a fleet.
        """
        found = await self._describer.describe(ref)
        if found is not None and found.state.unreadable:
            raise UnreadableError(f"{ref} names {found.state.digest}, {found.state.unreadable}")
        return found

    async def _look(self, ref: TagReference, *, unless: str) -> tuple[str | None, Live | None]:
        """Return the digest that the tag names, and that with its owner.

        The owner is not looked up where the digest is `unless`. The leftover of an interrupted
        removal has a digest, but does not count as live.
        """
        digest = await self._registry.head(ref.repository, ref.tag)
        if digest is None:
            return None, None
        if digest == unless:
            return digest, Live(digest=digest, owner="")
        manifest = await self._manifests.find(ref.repository, digest)
        if manifest is None or is_placeholder(manifest):
            return digest, None
        return digest, Live(digest=digest, owner=owner_of(manifest, str(ref)))

    async def _write(self, ref: TagReference, manifest: Manifest, before: str | None) -> None:
        """Write index, then tag; the tag is read just before and after."""
        await self._registry.put(ref.repository, manifest.digest, manifest)
        live = await self._registry.head(ref.repository, ref.tag)
        if live not in {before, manifest.digest}:
            expected = f"a moment ago {before or 'nothing'}, declared {manifest.digest}"
            raise moved(str(ref), live, expected)
        await self._registry.put(ref.repository, ref.tag, manifest, named=live)
        after = await self._registry.head(ref.repository, ref.tag)
        if after != manifest.digest:
            raise moved(str(ref), after, f"just written {manifest.digest}")

    async def _present(
        self, repository: Repository, platforms: tuple[Platform, ...]
    ) -> tuple[Platform, ...]:
        present = await asyncio.gather(
            *(self._manifests.has(repository, platform.digest) for platform in platforms)
        )
        return tuple(p for p, there in zip(platforms, present, strict=True) if there)
