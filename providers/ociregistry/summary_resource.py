"""The resource `ociregistry:index:Summary`: one line for a whole run, and its report as a file."""

import asyncio
import json
from pathlib import Path
from typing import Any

from fleet.registry.errors import OciError
from providers.ociregistry.context import Change, Session
from providers.ociregistry.properties import Properties
from providers.ociregistry.report import document, line
from providers.ociregistry.run_settings import REPORT
from providers.ociregistry.stale_pointers.diagnostics import StaleTeller


class SummaryResource:
    """Writes nothing to a registry, and never differs.

    The engine checks it in every run, and after everything whose outputs it waits for.
    """

    def __init__(self, session: Session, removers: StaleTeller) -> None:
        self._session = session
        self._removers = removers

    def identify(self, _inputs: Properties) -> str:
        """Return the id, the same for each: a stack has one."""
        return "summary"

    async def check(self, urn: str, _olds: Properties, _properties: Properties) -> dict[str, Any]:
        """Log the line, and write the report where `FLEET_REPORT` names a file.

        See `providers.ociregistry.report.document` for its shape. `waitFor` is dropped, so that it
        is never a difference.

        :raises OciError: if the file can't be written.
        """
        await self._removers.tell_left(urn)
        await self._removers.tell_forgotten()
        account = self._session.account
        if self._session.took_over:
            text = "the provider's configuration changes: an image that leaves keeps its pointers"
            await self._session.log(f"{text} until the next run", urn)
        await self._session.log(line(account.entries, account.mode), urn)
        path = self._session.settings.report
        if path is not None:
            text = json.dumps(document(account.entries, account.mode))
            await asyncio.to_thread(_write, path, f"{text}\n")
        return {}

    def diff(self, _urn: str, _olds: Properties, _news: Properties) -> list[Change]:
        """Return no difference."""
        return []

    async def create(self, _urn: str, _properties: Properties, *, preview: bool) -> dict[str, Any]:  # noqa: ARG002
        """Keep nothing."""
        return {}

    async def update(
        self,
        _urn: str,
        _olds: Properties,
        _news: Properties,
        *,
        preview: bool,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Keep nothing."""
        return {}

    async def read(
        self, _urn: str, _resource_id: str, _properties: Properties, _inputs: Properties
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what there is to read: nothing."""
        return {}, {}

    async def delete(self, _urn: str, _properties: Properties) -> None:
        """Do nothing."""


def _write(path: Path, text: str) -> None:
    """Replace the file in one step, so that nobody reads half of it."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise OciError(f"{REPORT}: {path} can't be written ({error.strerror})") from error
