"""`make prune` between ups, without the engine: the sweep over what the driver's state names."""

import asyncio
import json
from collections.abc import Mapping

from providers.oci.client import Client
from providers.oci.packages import Packages, is_ghcr
from providers.oci.reference import Repository
from providers.oci.transport import Transport
from tests.faults.driver import OWNER
from tests.faults.model import Fleet
from tests.providers.engine_fake import Engine
from upkeep.prune import Image, Pruner, Swept
from upkeep.state import State, parse_state
from upkeep.versions import Distribution, GitHub, Versions


def sweep(engine: Engine, host: str, fleet: Fleet, environment: Mapping[str, str]) -> Swept:
    """Delete all that nothing needs, with no retention."""

    async def run() -> Swept:
        transport = Transport(environment=environment)
        try:
            client = Client(transport)
            image = Image(public=Repository(host=host, name=fleet.name), planned=fleet.builds)
            pruner = Pruner(
                registry=client,
                versions=_versions(host, environment, transport, client),
                owner=OWNER,
                state=lambda: _state(engine),
                now=lambda: "2026-01-02T03:04:05+00:00",
                days=0,
            )
            return await pruner.apply(await pruner.look(image))
        finally:
            await transport.close()

    return asyncio.run(run())


def _versions(
    host: str, environment: Mapping[str, str], transport: Transport, client: Client
) -> Versions:
    if is_ghcr(host, environment):
        return GitHub(packages=Packages(transport), registry=client)
    return Distribution(registry=client)


def _state(engine: Engine) -> State:
    resources = [
        {"urn": name, "type": found.token, "inputs": found.inputs, "outputs": found.outputs}
        for name, found in engine.resources.items()
    ]
    return parse_state("dev", json.dumps({"deployment": {"resources": resources}}))
