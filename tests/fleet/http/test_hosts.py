import asyncio

import pytest

from fleet.http.hosts import Hosts
from fleet.registry.errors import AuthenticationError, RegistryError, UnreachableError

HOST = "registry.example"


class Reads:
    """Counts how often a host is asked, and fails as it is told."""

    def __init__(self, failure: RegistryError | None = None) -> None:
        self.failure = failure
        self.count = 0
        self.under_way = 0
        self.most = 0

    async def __call__(self) -> str:
        self.count += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        if self.failure is not None:
            raise self.failure
        return "answer"


async def together(hosts: Hosts, reads: Reads, number: int) -> list[str | BaseException]:
    asks = (hosts.ask(HOST, reads) for _ in range(number))
    return await asyncio.gather(*asks, return_exceptions=True)


class TestHosts:
    def test_one_failure_spares_all_who_wait_and_their_words_name_the_host(self) -> None:
        reads = Reads(UnreachableError("gone"))
        found = asyncio.run(together(Hosts(), reads, 20))
        assert reads.count == 1
        assert all(isinstance(error, UnreachableError) for error in found)
        assert [str(error) for error in found[:1]] == ["gone"]
        assert all(HOST in str(error) for error in found[1:])

    def test_a_host_that_answered_is_asked_by_many_at_once(self) -> None:
        hosts, reads = Hosts(), Reads()

        async def run() -> None:
            await hosts.ask(HOST, reads)
            assert await together(hosts, reads, 20) == ["answer"] * 20

        asyncio.run(run())
        assert (reads.count, reads.most) == (21, 20)

    def test_a_host_is_asked_again_after_thirty_seconds(self) -> None:
        now = 0.0
        hosts, reads = Hosts(clock=lambda: now), Reads(UnreachableError("gone"))

        async def ask() -> str:
            return await hosts.ask(HOST, reads)

        for moment, count in ((0.0, 1), (29.9, 1), (30.0, 2)):
            now = moment
            with pytest.raises(UnreachableError):
                asyncio.run(ask())
            assert reads.count == count
        now, reads.failure = 61.0, None
        assert asyncio.run(ask()) == "answer"

    def test_a_refusal_is_an_answer_and_spares_nobody(self) -> None:
        reads = Reads(AuthenticationError("401"))
        found = asyncio.run(together(Hosts(), reads, 3))
        assert reads.count == 3
        assert {str(error) for error in found} == {"401"}

    def test_another_host_is_asked_in_spite_of_it(self) -> None:
        hosts = Hosts()

        async def run() -> str:
            with pytest.raises(UnreachableError):
                await hosts.ask(HOST, Reads(UnreachableError("gone")))
            return await hosts.ask("other.example", Reads())

        assert asyncio.run(run()) == "answer"
