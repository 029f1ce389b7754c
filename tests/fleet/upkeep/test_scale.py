"""Bounds that hold at any size, on a few hundred tags; benchmarks/scale.py has the figures."""

import asyncio
import tracemalloc

from benchmarks.scale import Provider, refresh, state_of
from fleet.upkeep.parallel import each
from tests.providers.ociregistry.registry_fake import FakeRegistry

NAME, COUNT = "team/web", 300


def filled(registry: FakeRegistry) -> tuple[str, str]:
    """Have one index under many tags; return its digest and its platform's."""
    digest = registry.push_index(NAME, "py3.1-0.0.0")
    (child,) = set(registry.repositories[NAME].manifests) - {digest}
    registry.repositories[NAME].tags = {f"py3.1-0.{n}.0": digest for n in range(COUNT)}
    registry.page = 50
    return digest, child


def measured(registry: FakeRegistry, *, rotating: bool = False) -> int:
    """Refresh every tag; return the most requests that were under way at once."""
    digest, child = filled(registry)
    tags = registry.repositories[NAME].tags
    states = [state_of(registry.host, tag, {"linux/amd64": child}, digest) for tag in tags]

    async def run() -> int:
        provider = Provider({"FLEET_PLAIN_HTTP": registry.host}, rotating=rotating)
        try:
            await refresh(provider, states)
        finally:
            await provider.close()
        return provider.gauge.most

    return asyncio.run(run())


class TestBounds:
    def test_a_refresh_asks_once_a_tag_and_once_a_shared_platform(
        self, registry: FakeRegistry
    ) -> None:
        assert measured(registry) <= 8
        assert len(registry.log) == COUNT + 1

    def test_a_listing_reads_pages_and_asks_once_for_each_pointer(
        self, registry: FakeRegistry
    ) -> None:
        filled(registry)
        pointers = [f"py3.{n}-LATEST" for n in range(60)]
        digest = next(iter(registry.repositories[NAME].tags.values()))
        registry.repositories[NAME].tags |= dict.fromkeys(pointers, digest)
        inputs = {
            "repository": f"{registry.host}/{NAME}", "owner": "fleet/dev", "pointers": pointers,
            "grammar": [{"kind": "LATEST", "pattern": r"py[0-9]+\.[0-9]+-LATEST"}],
            "policy": {"LATEST": "remove"},
        }  # fmt: skip

        async def run() -> None:
            provider = Provider({"FLEET_PLAIN_HTTP": registry.host})
            try:
                await provider.stale.read("urn", "id", inputs, inputs)
            finally:
                await provider.close()

        asyncio.run(run())
        assert len(registry.log) == -(-(COUNT + 60) // 50) + 60

    def test_work_in_bounded_number_keeps_order_and_little_memory(self) -> None:
        under_way, most = 0, 0

        async def work(number: int) -> int:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1
            return number

        tracemalloc.start()
        found = asyncio.run(each(work, range(10_000), limit=16))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert found == list(range(10_000))
        assert most == 16
        # Ten thousand coroutines at a time would take some ten megabytes.
        assert peak < 4_000_000
