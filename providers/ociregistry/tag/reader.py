"""Description of what a tag names: its platforms, and inputs that would leave it as it is."""

import asyncio
from dataclasses import dataclass

from fleet.registry.client import Client
from fleet.registry.errors import AuthenticationError, FailingError, RegistryError, UnreachableError
from fleet.registry.manifest import OWNER_ANNOTATION, Manifest, platform_name
from fleet.registry.manifest_cache import ManifestCache
from fleet.registry.reference import ManifestReference, Repository, TagReference
from fleet.registry.removal.placeholder import is_placeholder
from providers.ociregistry.tag.model import Platform, TagInputs, TagState

# What the registry said or left unsaid of itself, and not of what it was asked for.
_NO_ANSWER = (AuthenticationError, FailingError, UnreachableError)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A tag as it was found: its state, and inputs that would leave it as it is."""

    inputs: TagInputs
    state: TagState


def owner_of(manifest: Manifest, place: str) -> str:
    """Return the owner in a manifest's annotations, empty where it has none.

    :raises RegistryError: if the manifest is not a JSON object.
    """
    return manifest.annotations(place).get(OWNER_ANNOTATION, "")


class Describer:
    """Reads what tags name; manifests by digest come from `manifests`."""

    def __init__(self, registry: Client, manifests: ManifestCache) -> None:
        self._registry = registry
        self._manifests = manifests

    async def describe(self, ref: TagReference) -> Found | None:
        """Describe what a tag names; None where it is absent, or left by a removal.

        The state of what is not an image of a fleet says so, as `unreadable`, and has no platforms.

        :raises RegistryError: if the registry fails, denies or does not answer, so that nothing
            is known of what it names, or if its answer for the tag itself is not a JSON object.
        """
        manifest = await self._registry.get(ref.repository, ref.tag)
        if manifest is None or is_placeholder(manifest):
            return None
        self._manifests.keep(ref.repository, manifest)
        platforms: tuple[Platform, ...] = ()
        owner = unreadable = ""
        try:
            platforms = await self.platforms(ref.repository, manifest, str(ref))
            owner = owner_of(manifest, str(ref))
        except _NO_ANSWER:
            raise
        except RegistryError as error:
            unreadable = f"which is not an image of this fleet ({error})"
        state = TagState(
            digest=manifest.digest,
            assembled=manifest.digest,
            platforms=platforms,
            unreadable=unreadable,
        )
        inputs = TagInputs(
            ref=ref,
            owner=owner,
            sources=(ManifestReference(repository=ref.repository, digest=manifest.digest),),
            # One whose configuration says none has an empty name.
            platforms=tuple(dict.fromkeys(p.platform for p in platforms if p.platform)),
        )
        return Found(inputs=inputs, state=state)

    async def platforms(
        self, repository: Repository, manifest: Manifest, place: str
    ) -> tuple[Platform, ...]:
        """Describe the platforms whose manifests are there.

        :raises RegistryError: if one is not an image manifest, or the registry fails.
        """
        if not manifest.is_index:
            return (await self._single(repository, manifest, place),)
        children = manifest.children(place)
        found = await asyncio.gather(
            *(self._manifests.find(repository, c.digest) for c in children)
        )
        return tuple(
            Platform(
                platform=child.platform,
                digest=child.digest,
                size=inner.content(place).size,
            )
            for child, inner in zip(children, found, strict=True)
            if inner is not None
        )

    async def _single(self, repository: Repository, manifest: Manifest, place: str) -> Platform:
        content = manifest.content(place)
        body = await self._registry.read_blob(repository, content.config)
        config = Manifest(body=body, media_type="").document(place)
        name = platform_name(config)
        return Platform(platform=name, digest=manifest.digest, size=content.size)
