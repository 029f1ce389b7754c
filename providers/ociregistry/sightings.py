"""Digests that tags name, asked for once by the resources of one run."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from fleet.registry.reference import TagReference

Reader = Literal["tag", "remover"]


class Sightings:
    """Shares one answer between a tag's own resource and the remover of its repository.

    A refresh reads both at about the same time, in either order. Each of the two takes an answer
    once: who asks a second time wants to know what is there by then.
    """

    def __init__(self) -> None:
        self._left: dict[tuple[TagReference, Reader], asyncio.Future[str | None]] = {}

    async def digest(
        self, ref: TagReference, reader: Reader, ask: Callable[[], Awaitable[str | None]]
    ) -> str | None:
        """Return the digest that a tag names, None where it is absent.

        :raises RegistryError: if the registry fails; the next reader asks again.
        """
        answer = self._left.pop((ref, reader), None)
        if answer is None or (answer.done() and (answer.cancelled() or answer.exception())):
            answer = asyncio.ensure_future(ask())
            self._left[ref, "remover" if reader == "tag" else "tag"] = answer
        # Who gives up waiting does not take the answer from the other reader.
        return await asyncio.shield(answer)

    def written(self, ref: TagReference, digest: str) -> None:
        """Note for the remover what a tag's resource has just made it name."""
        self._left.pop((ref, "tag"), None)
        self._left[ref, "remover"] = answer = asyncio.get_running_loop().create_future()
        answer.set_result(digest)
