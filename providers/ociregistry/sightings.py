"""Digests that tags name, asked for once by the resources of one run."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from fleet.registry.reference import TagReference

Reader = Literal["tag", "remover"]


@dataclass(frozen=True, kw_only=True)
class _Sighting:
    answer: "asyncio.Future[str | None]"
    readers: set[Reader] = field(default_factory=set)


class Sightings:
    """Shares one answer between a tag's own resource and the remover of its repository.

    A refresh reads both at about the same time, in either order. Each of the two takes an answer
    once: who asks a second time wants to know what is there by then.
    """

    def __init__(self) -> None:
        self._found: dict[TagReference, _Sighting] = {}

    async def digest(
        self, ref: TagReference, reader: Reader, ask: Callable[[], Awaitable[str | None]]
    ) -> str | None:
        """Return the digest that a tag names, None where it is absent.

        :raises RegistryError: if the registry fails; the next reader asks again.
        """
        found = self._found.get(ref)
        if found is None or reader in found.readers or _has_failed(found):
            found = _Sighting(answer=asyncio.ensure_future(ask()))
            self._found[ref] = found
        found.readers.add(reader)
        # Who gives up waiting does not take the answer from the other reader.
        return await asyncio.shield(found.answer)

    def written(self, ref: TagReference, digest: str) -> None:
        """Note what a tag's resource has just made it name."""
        answer = asyncio.get_running_loop().create_future()
        answer.set_result(digest)
        self._found[ref] = _Sighting(answer=answer, readers={"tag"})


def _has_failed(found: _Sighting) -> bool:
    answer = found.answer
    return answer.done() and (answer.cancelled() or answer.exception() is not None)
