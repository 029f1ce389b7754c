"""A repository of the embedded registry, for callers without an event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from fleet.console import TroubleError
from fleet.http.opening import open_http
from fleet.http.retry import RetryPolicy
from fleet.local.base_images.layers import Blob
from fleet.local.paths import Checkout
from fleet.registry import interface
from fleet.registry.client import Client
from fleet.registry.errors import OciError
from fleet.registry.manifest import document_of
from fleet.registry.reference import Repository as Address
from fleet.registry.transport import Transport

_RETRY = RetryPolicy(attempts=3)
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The repository at ``address``; close it after use. Each method raises `TroubleError`."""

    address: Address
    transport: Transport
    runner: asyncio.Runner

    @classmethod
    def open(
        cls,
        checkout: Checkout,
        port: int,
        name: str,
        opened: Callable[[Path], httpx.AsyncClient] = lambda bundle: open_http(bundle=bundle),
    ) -> Self:
        """Return the repository ``name`` of the registry that ``checkout`` has on ``port``."""
        http = opened(checkout.tls / "ca.pem")
        environment = {"DOCKER_CONFIG": str(checkout.docker_config)}
        return cls(
            address=Address(host=f"localhost:{port}", name=name),
            transport=Transport(http=http, environment=environment, retry=_RETRY),
            runner=asyncio.Runner(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.runner.run(self.transport.close())
        finally:
            self.runner.close()

    def index(self, tag: str) -> dict[str, Any]:
        """Return the document that ``tag`` names, empty when there is none."""
        found = self._do(lambda client: client.get(self.address, tag))
        return document_of(found, f"{self.address}:{tag}") if found else {}

    def push_blob(self, blob: Blob) -> None:
        """Upload ``blob`` in one piece, unless the repository has it."""
        content, described = blob.content, interface.Blob(digest=blob.digest, size=blob.size)
        if isinstance(content, bytes):
            self._do(lambda client: client.write_blob(self.address, content))
        else:
            self._do(lambda client: client.write_file(self.address, described, content))

    def push_manifest(self, manifest: Blob, reference: str) -> None:
        """Store ``manifest`` under ``reference``, a tag or its own digest."""
        content = manifest.content
        body = content if isinstance(content, bytes) else content.read_bytes()
        made = interface.Manifest(body=body, media_type=manifest.media_type)

        async def put(client: Client) -> None:
            named = await client.head(self.address, reference)
            await client.put(self.address, reference, made, named=named)

        self._do(put)

    def _do(self, act: Callable[[Client], Awaitable[_T]]) -> _T:
        async def acting() -> _T:
            return await act(Client(self.transport))

        try:
            return self.runner.run(acting())
        except OciError as error:
            raise TroubleError(str(error)) from None
