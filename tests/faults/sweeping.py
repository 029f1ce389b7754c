"""`make prune` between ups, without the engine: the sweep over what the driver's state names."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

from fleet.http.retry import RetryPolicy
from fleet.registry.client import Client
from fleet.registry.github_packages import Packages, is_ghcr
from fleet.registry.reference import Repository
from fleet.registry.transport import Transport
from fleet.upkeep.images import Image
from fleet.upkeep.prune.digests import Distribution, GitHub
from fleet.upkeep.prune.prune import Found, Pruner, Swept
from fleet.upkeep.state import State, parse_state
from tests.faults.driver import OWNER
from tests.faults.model import Fleet
from tests.providers.ociregistry.engine_fake import Engine


def sweep(
    engine: Engine, host: str, fleet: Fleet, environment: Mapping[str, str], deadline: float
) -> tuple[Found, Swept]:
    """Delete all that nothing needs, with no retention and however much it is.

    `deadline` seconds are what an answer may take.
    """

    async def run() -> tuple[Found, Swept]:
        retry = RetryPolicy(sleep=_at_once)
        async with Transport(environment=environment, retry=retry, deadline=deadline) as transport:
            client = Client(transport)
            image = Image(public=Repository(host=host, name=fleet.name), planned=fleet.builds)
            pruner = Pruner(
                registry=client,
                versions=_versions(host, environment, transport, client),
                owner=OWNER,
                state=lambda: _state(engine),
                now=lambda: datetime.now(UTC).isoformat(timespec="seconds"),
                days=0,
                max_share=1.0,
            )
            found = await pruner.look(image)
            return found, await pruner.apply(found)

    return asyncio.run(run())


def promised(engine: Engine, fleet: Fleet) -> dict[str, dict[str, str]]:
    """Return all that pulls whole, with its platforms: tags, and digests of the undo records."""
    found = {}
    with fleet.view.still() as view:
        record = {entry.digest for entry in _state(engine).removed}
        record |= {digest for _, digest in view.undo_entries()}
        for reference in sorted({*view.tags(), *record}):
            # Other steps lose a platform by hand, or a whole digest: no sweep has to mend that.
            with suppress(AssertionError):
                found[reference] = view.pull(reference)
    return found


async def _at_once(_: float) -> None:
    """Wait for nothing."""


def _versions(
    host: str, environment: Mapping[str, str], transport: Transport, client: Client
) -> Distribution:
    if is_ghcr(host, environment):
        return GitHub(packages=Packages(transport), registry=client)
    return Distribution(registry=client)


def _state(engine: Engine) -> State:
    resources = [
        {"urn": name, "type": found.token, "inputs": found.inputs, "outputs": found.outputs}
        for name, found in engine.resources.items()
    ]
    return parse_state("dev", json.dumps({"deployment": {"resources": resources}}))
