"""Base images that moved: both images of each platform, read from their registry within limits.

Each layer is read once for all of them. What can't be read is told with the reason, and is never an
error: nothing but a text depends on it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from fleet.http.errors import FailingError, ReadableError, UnreachableError
from fleet.http.text import one_line
from fleet.registry.client import Client
from fleet.registry.errors import RegistryError
from fleet.registry.manifest import Manifest
from fleet.registry.reference import Repository
from fleet.sbom.base_moves import BaseMove, BaseMoves, MovedBase, UnreadBases
from fleet.sbom.changes import PackageMove, changes
from fleet.sbom.layer import LayerFacts
from fleet.sbom.reader import SbomReader
from fleet.units import in_units

MOST_BYTES: Final = 1_000_000_000
MOST_SECONDS: Final = 300


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The moves inside a base on one platform; ``before`` and ``after`` are compressed bytes."""

    platform: str
    moves: tuple[PackageMove, ...]
    before: int
    after: int


def base_move(base: MovedBase, found: Sequence[Compared]) -> BaseMove:
    """Return what moved inside a base, once for the platforms that agree."""
    moves: dict[PackageMove, list[str]] = {}
    for one in found:
        for move in one.moves:
            moves.setdefault(move, []).append(one.platform)
    packages = (
        move if len(platforms) == len(found) else replace(move, platforms=tuple(platforms))
        for move, platforms in moves.items()
    )
    return BaseMove(
        base=base.name,
        images=base.images,
        platforms=tuple(one.platform for one in found),
        everywhere=len(found) == len(base.platforms),
        packages=tuple(sorted(packages, key=lambda move: (move.order, move.platforms))),
        before=found[0].before,
        after=found[0].after,
    )


async def read_moves(
    registry: Client,
    bases: Sequence[MovedBase],
    facts: dict[str, LayerFacts],
    *,
    most: int = MOST_BYTES,
    seconds: int = MOST_SECONDS,
) -> BaseMoves:
    """Return what moved inside ``bases``, wherever that can be read.

    Layers that ``facts`` know are not read, and those that are read are added to them: ``most``
    bytes, as they are sent.

    The first platform of all comes first: what exceeds the limits is what is likely to tell the
    least. A registry that can't be reached, or says that it is asked too much, ends the reading, as
    a full disk does.
    """
    comparison = _Comparison(registry, bases, facts, most)
    minutes, why = f"{seconds / 60:g} min", ""
    try:
        async with asyncio.timeout(seconds):
            await comparison.run()
    except TimeoutError:
        why = f"{minutes} had passed"
    except (UnreachableError, FailingError, OSError) as error:
        why = one_line(str(error))
    return comparison.result(why, f"{in_units(most)} and {minutes}")


@dataclass(frozen=True, kw_only=True)
class _Side:
    """One image: where it is, its manifest, its layers' bytes by digest, and its size."""

    repository: Repository
    manifest: Manifest
    layers: dict[str, int]
    size: int


class _Comparison:
    def __init__(
        self, registry: Client, bases: Sequence[MovedBase], facts: dict[str, LayerFacts], most: int
    ) -> None:
        self._registry, self._facts, self._most = registry, facts, most
        self._reader = SbomReader(registry, facts=facts)
        self._children: dict[str, dict[str, str]] = {}
        platforms = dict.fromkeys(platform for base in bases for platform in base.platforms)
        self._pending = dict.fromkeys((b, p) for p in platforms for b in bases if p in b.platforms)
        self._found: dict[MovedBase, list[Compared]] = {}
        self._unread: dict[str, dict[str, list[str]]] = {}
        self._size = 0

    async def run(self) -> None:
        for base, platform in tuple(self._pending):
            try:
                await self._compare(base, platform)
            except (UnreachableError, FailingError):
                raise
            except ReadableError as error:
                self._leave(base, platform, one_line(str(error)))

    def result(self, why: str, limits: str) -> BaseMoves:
        """Return what was found; what is left was not read because of ``why``."""
        for base, platform in tuple(self._pending):
            self._leave(base, platform, why)
        found = sorted(self._found.items(), key=lambda each: each[0].name)
        read = f"for this, {in_units(self._size)} of layers were read (the limit is {limits})"
        return BaseMoves(
            bases=tuple(base_move(base, compared) for base, compared in found),
            unread=tuple(
                UnreadBases(bases=tuple(f"{b} ({', '.join(p)})" for b, p in left.items()), why=each)
                for each, left in self._unread.items()
            ),
            read=read if self._size else "",
        )

    def _leave(self, base: MovedBase, platform: str, why: str) -> None:
        del self._pending[base, platform]
        self._unread.setdefault(why, {}).setdefault(base.name, []).append(platform)

    async def _compare(self, base: MovedBase, platform: str) -> None:
        places = (base.before, base.after)
        digests = [(await self._index(place)).get(platform) for place in places]
        if digests[0] == digests[1]:
            del self._pending[base, platform]
            return
        before, after = [
            await self._side(place, digest, platform)
            for place, digest in zip(places, digests, strict=True)
        ]
        layers = before.layers | after.layers
        size = sum(size for digest, size in layers.items() if digest not in self._facts)
        if self._size + size > self._most:
            raise RegistryError(f"{in_units(self._most)} of layers are read at most")
        self._size += size
        was, now = [await self._reader.image(s.repository, s.manifest) for s in (before, after)]
        del self._pending[base, platform]
        self._found.setdefault(base, []).append(
            Compared(
                platform=platform, moves=changes(was, now), before=before.size, after=after.size
            )
        )

    async def _index(self, place: str) -> dict[str, str]:
        """Return the digests by platform of the index at ``place``, asked for once."""
        if place not in self._children:
            manifest = await self._get(place)
            manifest.require_index(place, "To have it compared, lock an index: make lock REFRESH=1")
            found = manifest.children(place)
            self._children[place] = {child.platform: child.digest for child in found}
        return self._children[place]

    async def _side(self, index: str, digest: str | None, platform: str) -> _Side:
        if digest is None:
            raise RegistryError(f"{index} has no image for {platform}")
        repository = index.partition("@")[0]
        place = f"{repository}@{digest}"
        manifest = await self._get(place)
        content = manifest.content(place)
        return _Side(
            repository=Repository.parse(repository),
            manifest=manifest,
            layers={layer.digest: layer.size for layer in content.layers},
            size=content.size,
        )

    async def _get(self, place: str) -> Manifest:
        repository, _, digest = place.partition("@")
        manifest = await self._registry.get(Repository.parse(repository), digest)
        if manifest is None:
            raise RegistryError(f"{digest} is not in {repository} any more")
        return manifest
