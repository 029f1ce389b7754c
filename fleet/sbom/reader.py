"""The one reader: what the images of an index consist of, from a registry."""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from fleet.http.document import parse_json
from fleet.registry.client import Client
from fleet.registry.errors import RegistryError
from fleet.registry.manifest import Blob, Manifest, platform_name
from fleet.registry.reference import Repository
from fleet.sbom.document import document
from fleet.sbom.image import RootFolder, packages_of, system_of
from fleet.sbom.layer import LayerFacts, Limits, read_layer
from fleet.sbom.model import Contents, UnreadableImageError

_LIMITS = Limits()


class SbomReader:
    """Reads what images consist of; what was found in a layer is kept in ``facts``, by digest."""

    def __init__(
        self,
        registry: Client,
        limits: Limits = _LIMITS,
        facts: dict[str, LayerFacts] | None = None,
    ) -> None:
        self._registry, self._limits = registry, limits
        self._facts = {} if facts is None else facts
        # Images that share a layer are read at the same time: one reads it, the others wait.
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def sboms(
        self,
        repository: Repository,
        digest: str,
        platform: str = "",
        copies: Repository | None = None,
    ) -> dict[str, bytes]:
        """Return the bill of materials of each platform of an index (CycloneDX 1.6, JSON).

        With ``platform``, that of this one alone. Equal images give equal bytes. Those that
        ``copies`` has are read there: ``repository`` may have lost them.

        :raises RegistryError: if something is missing, damaged, or exceeds a limit.
        """
        found = await self.contents(repository, digest, platform, copies)
        return {name: document(contents) for name, contents in found.items()}

    async def contents(
        self,
        repository: Repository,
        digest: str,
        platform: str = "",
        copies: Repository | None = None,
    ) -> dict[str, Contents]:
        """Return what each platform of an index consists of, or an image that is not in one.

        Arguments and errors are those of `sboms`.
        """
        manifest = await self._need(repository, digest)
        place = f"{repository}@{digest}"
        if not manifest.is_index:
            only = await self.image(repository, manifest)
            digests, known = {only.platform: digest}, {digest: only}
        else:
            children = manifest.children(place)
            digests, known = {child.platform: child.digest for child in children}, {}
            if len(digests) < len(children):
                raise UnreadableImageError(f"{place}: the index has two images of a platform")
        if platform and platform not in digests:
            there = ", ".join(sorted(digests)) or "none"
            raise RegistryError(f"{place} has no image for {platform}. It has: {there}")
        wanted = {name: each for name, each in digests.items() if platform in {"", name}}
        return {
            name: known.get(each) or await self._child(repository, each, copies)
            for name, each in wanted.items()
        }

    async def _child(
        self, repository: Repository, digest: str, copies: Repository | None
    ) -> Contents:
        copy = await self._registry.get(copies, digest) if copies else None
        if copies and copy:
            return await self.image(copies, copy)
        return await self.image(repository, await self._need(repository, digest))

    async def _need(self, repository: Repository, digest: str) -> Manifest:
        manifest = await self._registry.get(repository, digest)
        if manifest is None:
            raise RegistryError(
                f"{repository}@{digest} is not in the registry; run `pulumi up --refresh`, which "
                "builds what is missing"
            )
        return manifest

    async def image(self, repository: Repository, manifest: Manifest) -> Contents:
        """Return what an image consists of, of which the manifest is known.

        :raises RegistryError: as `sboms`.
        """
        place = f"{repository}@{manifest.digest}"
        content = manifest.content(place)
        body = await self._registry.read_blob(repository, content.config)
        config = parse_json(body, f"{place}: the configuration")
        config = config if isinstance(config, dict) else {}
        layers = [await self._layer(repository, each) for each in content.layers]
        # Off the loop, which other requests wait for.
        return await asyncio.to_thread(_contents, manifest.digest, place, config, layers)

    async def _layer(self, repository: Repository, blob: Blob) -> LayerFacts:
        async with self._locks[blob.digest]:
            if blob.digest not in self._facts:
                self._facts[blob.digest] = await self._fetch(repository, blob)
            return self._facts[blob.digest]

    async def _fetch(self, repository: Repository, blob: Blob) -> LayerFacts:
        place = f"{repository}: layer {blob.digest}"
        if blob.size > self._limits.packed:
            raise UnreadableImageError(
                f"{place} has {blob.size} bytes, more than {self._limits.packed}; it was not read"
            )
        with tempfile.TemporaryFile() as file:
            await self._registry.save_blob(repository, blob, file)
            file.seek(0)
            # Off the loop, which other requests wait for.
            return await asyncio.to_thread(read_layer, file, place, self._limits)


def _contents(
    digest: str, place: str, config: dict[str, Any], layers: Iterable[LayerFacts]
) -> Contents:
    root = RootFolder(place)
    for layer in layers:
        root.add(layer)
    architecture = _text(config.get("architecture"))
    return Contents(
        digest=digest,
        platform=platform_name(config),
        created=_text(config.get("created")),
        labels=_labels(config),
        system=system_of(root),
        packages=packages_of(root, _environment(config), architecture, place),
    )


def _environment(config: dict[str, Any]) -> dict[str, str]:
    lines = _inner(config).get("Env")
    pairs = (_text(line).partition("=") for line in (lines if isinstance(lines, list) else []))
    return {name: value for name, _, value in pairs}


def _labels(config: dict[str, Any]) -> dict[str, str]:
    labels = _inner(config).get("Labels")
    found = labels.items() if isinstance(labels, dict) else ()
    return {name: _text(value) for name, value in found}


def _inner(config: dict[str, Any]) -> dict[str, Any]:
    inner = config.get("config")
    return inner if isinstance(inner, dict) else {}


def _text(value: Any) -> str:
    """Return a text as it is, without half characters; of anything else nothing."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""
