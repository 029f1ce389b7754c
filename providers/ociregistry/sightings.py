"""Digests that tags name, asked for once by the resources of one run."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Literal

from fleet.registry.errors import OciError
from fleet.registry.reference import TagReference

Reader = Literal["tag", "remover"]


class Sightings:
    """Shares one answer between a tag's own resource and the remover of its repository.

    A refresh reads both at about the same time, in either order. Each of the two takes an answer
    once: who asks a second time wants to know what is there by then.
    """

    def __init__(self) -> None:
        self._found: dict[TagReference, tuple[Reader, asyncio.Future[str | None]]] = {}

    async def digest(
        self, ref: TagReference, reader: Reader, ask: Callable[[], Awaitable[str | None]]
    ) -> str | None:
        """Return the digest that a tag names, None where it is absent.

        :raises RegistryError: if the registry fails; the next reader asks again.
        """
        other, answer = self._found.pop(ref, (reader, None))
        if answer is not None and other != reader:
            with suppress(OciError):
                return await asyncio.shield(answer)
        answer = asyncio.ensure_future(ask())
        self._found[ref] = reader, answer
        # Who gives up waiting does not take the answer from the other reader.
        return await asyncio.shield(answer)

    def written(self, ref: TagReference, digest: str) -> None:
        """Note what a tag's resource has just made it name."""
        answer = asyncio.get_running_loop().create_future()
        answer.set_result(digest)
        self._found[ref] = "tag", answer
