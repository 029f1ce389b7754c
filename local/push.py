"""Pushing blobs and manifests to the embedded registry (OCI distribution specification)."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from local.layers import Blob
from local.login import Login
from local.say import TroubleError

_CHUNK = 1 << 20
_CREATED, _OK = 201, 200


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository of the registry on ``port`` of this machine; close it after use."""

    name: str
    client: httpx.Client

    @classmethod
    def open(cls, port: int, authority: Path, known_as: Login, name: str) -> Self:
        """Return the repository ``name``, reached by TLS under ``authority`` with a login."""
        context = ssl.create_default_context(cafile=str(authority))
        base = f"https://127.0.0.1:{port}/v2/{name}/"
        pair = (known_as.username, known_as.password)
        client = httpx.Client(base_url=base, verify=context, auth=pair, trust_env=False, timeout=60)
        return cls(name=name, client=client)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.close()

    def push_blob(self, blob: Blob) -> None:
        """Upload ``blob`` in one piece, unless the repository has it.

        :raises TroubleError: when the registry refuses.
        """
        if self.client.head(f"blobs/{blob.digest}").status_code == _OK:
            return
        opened = self.client.post("blobs/uploads/")
        location = httpx.URL(opened.headers.get("location", ""))
        answer = self.client.put(
            # The registry names itself as it was asked; a relative reference stays on that host.
            location.copy_merge_params({"digest": blob.digest}),
            content=_chunks(blob.content),
            headers={
                "Content-Length": str(blob.size),
                "Content-Type": "application/octet-stream",
            },
        )
        self._require_created(answer, blob.digest)

    def push_manifest(self, manifest: Blob, reference: str) -> None:
        """Store ``manifest`` under ``reference``, a tag or its own digest.

        :raises TroubleError: when the registry refuses.
        """
        content = b"".join(_chunks(manifest.content))
        headers = {"Content-Type": manifest.media_type}
        answer = self.client.put(f"manifests/{reference}", content=content, headers=headers)
        self._require_created(answer, reference)

    def _require_created(self, answer: httpx.Response, what: str) -> None:
        if answer.status_code != _CREATED:
            raise TroubleError(
                f"the registry took no {self.name} {what}: {answer.status_code} {answer.text[:300]}"
            )


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
