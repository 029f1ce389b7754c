"""An answer that a tag's own resource and the remover of its repository share."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from fleet.registry.errors import RegistryError
from fleet.registry.reference import TagReference
from providers.ociregistry.sightings import Sightings

REF = TagReference.parse("localhost:5000/team/app:t")


def answers(*found: str | RegistryError) -> Callable[[], Awaitable[str | None]]:
    """Return a question that is answered in turn, and fails where it was asked too often."""
    rest = iter(found)

    async def ask() -> str | None:
        await asyncio.sleep(0)
        answer = next(rest)
        if isinstance(answer, RegistryError):
            raise answer
        return answer

    return ask


async def both_at_once(sightings: Sightings) -> list[str | None]:
    ask = answers("one")
    readers = (sightings.digest(REF, "tag", ask), sightings.digest(REF, "remover", ask))
    return list(await asyncio.gather(*readers))


def test_two_readers_at_once_cost_one_request() -> None:
    assert asyncio.run(both_at_once(Sightings())) == ["one", "one"]


def test_who_asks_again_is_told_what_is_there_by_then() -> None:
    async def run() -> list[str | None]:
        sightings, ask = Sightings(), answers("one", "two")
        return [await sightings.digest(REF, "tag", ask) for _ in range(2)]

    assert asyncio.run(run()) == ["one", "two"]


def test_a_failure_is_not_shared() -> None:
    async def run() -> str | None:
        sightings, ask = Sightings(), answers(RegistryError("no"), "two")
        with pytest.raises(RegistryError):
            await sightings.digest(REF, "tag", ask)
        return await sightings.digest(REF, "remover", ask)

    assert asyncio.run(run()) == "two"


def test_what_was_just_written_is_known_to_the_remover_once() -> None:
    async def run() -> list[str | None]:
        sightings, ask = Sightings(), answers("asked")
        sightings.written(REF, "written")
        return [await sightings.digest(REF, "remover", ask) for _ in range(2)]

    assert asyncio.run(run()) == ["written", "asked"]


def test_a_reader_that_is_cancelled_takes_nothing_from_the_other() -> None:
    async def run() -> str | None:
        sightings, ask = Sightings(), answers("one")
        first = asyncio.ensure_future(sightings.digest(REF, "tag", ask))
        await asyncio.sleep(0)
        first.cancel()
        return await sightings.digest(REF, "remover", ask)

    assert asyncio.run(run()) == "one"
