"""Base images that moved: both images of each platform, read from their registry within limits.

Each layer is read once for all of them. What can't be read is told with the reason, and is never an
error: nothing but a text depends on it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from fleet.http.errors import FailingError, ReadableError, UnreachableError
from fleet.http.text import one_line
from fleet.registry.client import Client
from fleet.registry.errors import RegistryError
from fleet.registry.manifest import (
    INDEXES,
    Manifest,
    children_of,
    content_of,
    document_of,
    layers_of,
)
from fleet.registry.reference import Repository
from fleet.sbom.layer import LayerFacts
from fleet.sbom.model import Contents
from fleet.sbom.reader import SbomReader
from fleet.units import in_units


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What may be spent: bytes of layers as they are sent, and seconds."""

    size: int = 1_000_000_000
    seconds: int = 300

    @property
    def text(self) -> str:
        """It in words."""
        return f"{in_units(self.size)} and {self.minutes}"

    @property
    def minutes(self) -> str:
        """The time in words."""
        return f"{self.seconds / 60:g} min"


ALLOWANCE: Final = Allowance()


@dataclass(frozen=True, kw_only=True)
class MovedBase:
    """A base image that moved: indexes before and after, each ``host/repository@sha256:…``.

    ``images`` are those that are built on it, on these ``platforms``.
    """

    name: str
    before: str
    after: str
    platforms: tuple[str, ...]
    images: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What one platform of a base consisted of, and consists of; ``sizes`` are compressed bytes."""

    base: MovedBase
    platform: str
    before: Contents
    after: Contents
    sizes: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A platform of a base of which it is not known what moved, and why."""

    base: MovedBase
    platform: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Reading:
    """All that was found; ``size`` are the bytes of the layers that were read."""

    compared: tuple[Compared, ...] = ()
    unread: tuple[Unread, ...] = ()
    size: int = 0
    allowance: Allowance = ALLOWANCE


async def read_moves(
    registry: Client,
    bases: Sequence[MovedBase],
    allowance: Allowance = ALLOWANCE,
    facts: dict[str, LayerFacts] | None = None,
) -> Reading:
    """Return what ``bases`` consisted of and consist of, wherever that can be read.

    Layers that ``facts`` know are not read, and those that are read are added to them.

    The first platform of all comes first, and of each the smaller bases: what exceeds the
    allowance is what is likely to tell the least. A registry that can't be reached, or says that it
    is asked too much, ends the reading, as a full disk does.
    """
    comparison = _Comparison(registry, bases, allowance, {} if facts is None else facts)
    why = ""
    try:
        async with asyncio.timeout(allowance.seconds):
            await comparison.run()
    except TimeoutError:
        why = f"{allowance.minutes} had passed"
    except (UnreachableError, FailingError, OSError) as error:
        why = _reason(error)
    return comparison.reading(why)


@dataclass(frozen=True, kw_only=True)
class _Side:
    """One image: where it is, its manifest, its layers' bytes by digest, and its size."""

    repository: Repository
    manifest: Manifest
    layers: dict[str, int]
    size: int


@dataclass
class _Comparison:
    registry: Client
    bases: Sequence[MovedBase]
    allowance: Allowance
    facts: dict[str, LayerFacts]
    compared: list[Compared] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    size: int = 0

    def __post_init__(self) -> None:
        self._reader = SbomReader(self.registry, facts=self.facts)
        self._children: dict[str, dict[str, str]] = {}
        self._pending = dict.fromkeys((b, platform) for b in self.bases for platform in b.platforms)

    async def run(self) -> None:
        for platform in dict.fromkeys(platform for _, platform in self._pending):
            bases = [base for base in self.bases if platform in base.platforms]
            pairs = [(base, pair) for base in bases if (pair := await self._pair(base, platform))]
            for base, (before, after) in sorted(pairs, key=lambda each: each[1][1].size):
                await self._compare(base, platform, before, after)

    def reading(self, why: str) -> Reading:
        """Return what was found; what is left was not read because of ``why``."""
        rest = [Unread(base=base, platform=p, why=why) for base, p in self._pending]
        return Reading(
            compared=tuple(self.compared), unread=(*self.unread, *rest), size=self.size,
            allowance=self.allowance,
        )  # fmt: skip

    async def _pair(self, base: MovedBase, platform: str) -> tuple[_Side, _Side] | None:
        """Return both images of a platform; None where it did not move, or can't be read."""
        try:
            digests = [(await self._index(p)).get(platform) for p in (base.before, base.after)]
            if digests[0] == digests[1]:
                del self._pending[base, platform]
                return None
            before, after = [
                await self._side(place, digest, platform)
                for place, digest in zip((base.before, base.after), digests, strict=True)
            ]
        except (UnreachableError, FailingError):
            raise
        except ReadableError as error:
            self._leave(base, platform, _reason(error))
            return None
        return before, after

    async def _index(self, place: str) -> dict[str, str]:
        """Return the digests by platform of the index at ``place``, asked for once."""
        if place not in self._children:
            manifest = await self._get(place)
            if manifest.media_type not in INDEXES:
                raise RegistryError(f"{place} is not an index of platforms")
            found = children_of(document_of(manifest, place), place)
            self._children[place] = {child.platform: child.digest for child in found}
        return self._children[place]

    async def _side(self, index: str, digest: str | None, platform: str) -> _Side:
        if digest is None:
            raise RegistryError(f"{index} has no image for {platform}")
        place = f"{index.partition('@')[0]}@{digest}"
        manifest = await self._get(place)
        document = document_of(manifest, place)
        return _Side(
            repository=Repository.parse(index.partition("@")[0]),
            manifest=manifest,
            layers={layer.digest: layer.size for layer in layers_of(document, place)},
            size=content_of(document, place).size,
        )

    async def _get(self, place: str) -> Manifest:
        repository, _, digest = place.partition("@")
        manifest = await self.registry.get(Repository.parse(repository), digest)
        if manifest is None:
            raise RegistryError(f"{digest} is not in {repository} any more")
        return manifest

    async def _compare(self, base: MovedBase, platform: str, before: _Side, after: _Side) -> None:
        layers = before.layers | after.layers
        size = sum(size for digest, size in layers.items() if digest not in self.facts)
        if self.size + size > self.allowance.size:
            why = f"{in_units(self.allowance.size)} of layers are read at most"
            self._leave(base, platform, why)
            return
        self.size += size
        try:
            contents = [await self._reader.image(s.repository, s.manifest) for s in (before, after)]
        except (UnreachableError, FailingError):
            raise
        except ReadableError as error:
            self._leave(base, platform, _reason(error))
            return
        del self._pending[base, platform]
        self.compared.append(
            Compared(
                base=base, platform=platform, before=contents[0], after=contents[1],
                sizes=(before.size, after.size),
            )
        )  # fmt: skip

    def _leave(self, base: MovedBase, platform: str, why: str) -> None:
        del self._pending[base, platform]
        self.unread.append(Unread(base=base, platform=platform, why=why))


def _reason(error: Exception) -> str:
    return one_line(str(error))
