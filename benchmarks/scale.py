"""A repository of ten thousand tags, listed, diffed and refreshed by the provider.

    python -m benchmarks.scale [--tags 10000] [--platforms 3]

Prints, for each step, seconds, requests, the most requests under way at once, and the process's
peak resident memory so far. The registry is distribution, in a process of its own on loopback.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from fleet.http.opening import open_http
from fleet.registry.transport import Transport
from fleet.upkeep.parallel import each
from providers.ociregistry.context import Session
from providers.ociregistry.stale_pointers.resource import StaleResource
from providers.ociregistry.tag.resource import TagResource
from tests.engine.registries import Distribution
from tests.engine.seeding import PLATFORMS, push_image, push_index

NAME = "team/web"
GRAMMAR = [{"kind": "LATEST", "pattern": r"py[0-9]+\.[0-9]+-LATEST"}]
_AT_ONCE = 64
"""Calls that the engine has under way: more than any machine's default of ``--parallel``."""


@dataclass
class Gauge:
    """Counts requests, and how many are under way at once."""

    sent: int = 0
    most: int = 0
    _open: int = field(default=0, repr=False)

    def client(self) -> httpx.AsyncClient:
        """Return a client whose requests are counted."""
        http = open_http()
        http.event_hooks = {"request": [self._begin], "response": [self._end]}
        return http

    async def _begin(self, _: httpx.Request) -> None:
        self.sent += 1
        self._open += 1
        self.most = max(self.most, self._open)

    async def _end(self, _: httpx.Response) -> None:
        self._open -= 1


class Provider:
    """The provider's resources over one counted connection.

    ``rotating`` asks for one platform of an unmoved tag, as updates do, else for every one.
    """

    def __init__(self, environment: dict[str, str], *, rotating: bool = False) -> None:
        self.gauge = Gauge()
        if not rotating:
            environment = {**environment, "FLEET_VERIFY_CHILDREN": "all"}
        transport = Transport(http=self.gauge.client(), environment=environment)
        self._session = Session(open_transport=lambda _: transport, environment=environment)
        self.tags = TagResource(self._session)
        self.stale = StaleResource(self._session)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The cost of a step; ``megabytes`` is the peak of the process until its end."""

    step: str
    seconds: float
    requests: int
    most: int
    megabytes: float

    def __str__(self) -> str:
        return (
            f"{self.step:52} {self.seconds:7.1f} s {self.requests:7} requests "
            f"{self.most:3} at once {self.megabytes:6.0f} MiB"
        )


async def measure(step: str, provider: Provider, work: Callable[[], Awaitable[Any]]) -> Figures:
    """Run ``work`` and return what it cost."""
    before, begun = provider.gauge.sent, time.monotonic()
    await work()
    return Figures(
        step=step,
        seconds=time.monotonic() - begun,
        requests=provider.gauge.sent - before,
        most=provider.gauge.most,
        megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def fill(registry: Distribution, tags: Iterable[str], platforms: int) -> tuple[dict[str, str], str]:
    """Push one index, and its bytes under every tag; return its children and its digest."""
    children = push_image(registry, NAME, PLATFORMS[:platforms], "benchmark")
    return children, push_index(registry, NAME, tags, children)


def state_of(host: str, tag: str, children: dict[str, str], digest: str) -> dict[str, Any]:
    """Return a version tag's state as the engine keeps it."""
    platforms = [{"platform": p, "digest": d, "size": 1} for p, d in sorted(children.items())]
    return {
        "ref": f"{host}/{NAME}:{tag}",
        "owner": "fleet/dev",
        "identity": tag,
        "source": f"{host}/{NAME}/build@{digest}",
        "annotations": {},
        "onConflict": "refuse",
        "digest": digest,
        "assembled": digest,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "size": 3,
        "platforms": platforms,
        "previous": "",
    }


def platforms_of(state: dict[str, Any]) -> list[str]:
    """Return the platforms that the tag of a state is declared to have."""
    return [found["platform"] for found in state["platforms"]]


async def refresh(provider: Provider, states: list[dict[str, Any]]) -> None:
    """Read every tag, as a refresh does; fail unless nothing has changed."""

    async def read(state: dict[str, Any]) -> None:
        found = await provider.tags.read(
            "urn", state["ref"], state, {"platforms": platforms_of(state)}
        )
        assert found is not None
        assert found[0]["platforms"] == state["platforms"]

    await each(read, states, _AT_ONCE)


async def diff(provider: Provider, states: list[dict[str, Any]]) -> None:
    """Compare every tag with its own inputs; fail unless nothing differs."""
    for state in states:
        inputs = {**state, "platforms": platforms_of(state)}
        assert provider.tags.diff(state["ref"], state, inputs) == []


async def run(registry: Distribution, count: int, platforms: int) -> list[Figures]:
    """Fill the repository and return the figures of each step."""
    pointers = [f"py3.{number}-LATEST" for number in range(count // 10)]
    versions = [f"py3.{number % 10}-0.{number}.0" for number in range(count - len(pointers))]
    children, digest = fill(registry, [*versions, *pointers], platforms)
    states = [state_of(registry.host, tag, children, digest) for tag in versions]
    found = []
    provider = Provider(registry.environment)
    stale = {
        "repository": f"{registry.host}/{NAME}", "owner": "fleet/dev", "grammar": GRAMMAR,
        "pointers": pointers[len(pointers) // 10 :], "policy": {"LATEST": "remove"},
    }  # fmt: skip
    listing = f"list {count} tags, find {len(pointers) // 10} stale"
    found.append(
        await measure(listing, provider, lambda: provider.stale.read("urn", "id", stale, stale))
    )
    found.append(await measure(f"diff {len(states)}", provider, lambda: diff(provider, states)))
    step = f"refresh {len(states)} on one digest"
    found.append(await measure(step, provider, lambda: refresh(provider, states)))
    await provider.close()
    return [*found, *await own_digests(registry, min(count // 10, 500), platforms)]


async def own_digests(registry: Distribution, count: int, platforms: int) -> list[Figures]:
    """Return the figures of a refresh of tags that each have images of their own."""
    states = []
    for number in range(count):
        tag = f"own-{number}"
        children = push_image(registry, NAME, PLATFORMS[:platforms], tag)
        digest = push_index(registry, NAME, [tag], children)
        states.append(state_of(registry.host, tag, children, digest))
    found = []
    for rotating in (False, True):
        provider = Provider(registry.environment, rotating=rotating)
        how = ", one platform in turn" if rotating else ", every platform"
        step = f"refresh {count} of {platforms} platforms each{how}"
        found.append(await measure(step, provider, partial(refresh, provider, states)))
        await provider.close()
    return found


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--tags", type=int, default=10_000)
    parser.add_argument("--platforms", type=int, default=3)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, Distribution(Path(folder)) as registry:
        for figures in asyncio.run(run(registry, chosen.tags, chosen.platforms)):
            print(figures, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
