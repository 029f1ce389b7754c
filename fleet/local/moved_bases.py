"""What moved inside the base images that a preview starts builds from by another digest."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from fleet.console import say
from fleet.declaration.logins import variables
from fleet.http.opening import TRUST, open_http
from fleet.local.requirements import Needs
from fleet.registry.client import Client
from fleet.registry.login import find_logins
from fleet.registry.transport import Transport
from fleet.reports.report import Report
from fleet.sbom.base_moves import BaseMoves


def with_moves(report: Report, needs: Needs, env: Mapping[str, str]) -> Report:
    """Return a preview's report with what moved inside its bases, read with the engine's ``env``.

    What can't be read is told in it.
    """
    if report.mode != "preview" or not report.moved:
        return report
    say(f"reading what moved in {', '.join(base.name for base in report.moved)}")
    return replace(report, bases=asyncio.run(_read(report, needs, env)))


async def _read(report: Report, needs: Needs, env: Mapping[str, str]) -> BaseMoves:
    # Loads CycloneDX, a quarter of a second that few commands need.
    from fleet.sbom.moves import read_moves  # noqa: PLC0415

    trusted = env.get(TRUST)
    async with Transport(
        http=open_http(bundle=Path(trusted) if trusted else None),
        environment=env,
        logins=find_logins(variables(needs.logins), os.environ),
    ) as transport:
        return await read_moves(Client(transport), report.moved, {})
