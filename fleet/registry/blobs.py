"""Blobs: read, written, mounted from a repository to another, or copied as a stream."""

import functools
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import urlencode

import httpx

from fleet.http.addresses import resolve
from fleet.http.message import Call, Reply
from fleet.registry.auth import PULL, PUSH, scope
from fleet.registry.docker_hub import address_of, canonical
from fleet.registry.errors import AuthenticationError, DamagedError, RegistryError
from fleet.registry.manifest import MANIFEST_LIMIT, Blob, digest_of
from fleet.registry.reference import Repository
from fleet.registry.transport import UNAUTHORIZED, Transport, in_effect, refuse_denied, unexpected

# Layers of some hundred megabytes cross a slow line within this; a stalled one ends earlier by
# the client's own read timeout.
_COPY_DEADLINE = 1800.0
_STORED = frozenset({201, 204})
_THERE = frozenset({200, 206})
# No HEAD here, or one that is not challenged, which `Transport.send` lets through.
NO_HEAD = frozenset({401, 405})

_Content = bytes | Callable[[], AsyncIterator[bytes]]


class BlobTransfer:
    """The blob half of a registry client."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def address(self, repository: Repository) -> str:
        """Return the address under which a repository's endpoints lie."""
        return f"{self._transport.base(address_of(repository.host))}/v2/{repository.name}"

    async def read_blob(self, repository: Repository, blob: Blob) -> bytes:
        """Return a small blob whole, checked against its digest.

        :raises DamagedError: if it has other bytes.
        :raises RegistryError: if it is absent, or the registry fails.
        """
        body = await self.find_blob(repository, blob)
        if body is None:
            raise RegistryError(f"{repository}: blob {blob.digest} is missing")
        return body

    async def find_blob(self, repository: Repository, blob: Blob) -> bytes | None:
        """Return a small blob as `read_blob` does, None where it is absent."""
        call = replace(self._blob_call("GET", repository, blob.digest), limit=MANIFEST_LIMIT)
        reply = await self._transport.send(call)
        if reply.status == HTTPStatus.NOT_FOUND:
            return None
        if reply.status != HTTPStatus.OK:
            raise unexpected(reply, call.place)
        if digest_of(reply.body) != blob.digest:
            raise DamagedError(f"{call.place}: the bytes do not have that digest; refused")
        return reply.body

    async def save_blob(self, repository: Repository, blob: Blob, file: BinaryIO) -> None:
        """Write a blob of any size to `file`, checked against its size and digest.

        :raises RegistryError: if it is missing, or arrives damaged; `file` is then not to be used.
        """
        call = replace(self._blob_call("GET", repository, blob.digest), deadline=_COPY_DEADLINE)

        async def prepare() -> Reply | None:
            # No stream is sent once more on a 401: this renews the token of the download.
            if not await self.has_blob(repository, blob.digest):
                raise RegistryError(
                    f"{repository}: blob {blob.digest} is missing; build the image again"
                )
            return None

        async def attempt() -> Reply:
            file.seek(0)
            file.truncate()
            async with self._transport.download(call) as answer:
                if answer.status_code == HTTPStatus.OK:
                    async for chunk in _verified(answer, blob, repository):
                        file.write(chunk)
                return Reply(status=answer.status_code, headers=answer.headers, body=b"")

        async with self._transport.copies[repository.host]:
            await prepare()
            reply = await self._transport.retry.run(attempt, call.place, prepare)
        refuse_denied(reply, call.place)
        if reply.status != HTTPStatus.OK:
            raise unexpected(reply, call.place)

    async def write_blob(
        self, repository: Repository, body: bytes, *, unless_there: bool = True
    ) -> None:
        """Upload a small blob, by default unless the repository holds it."""
        blob = Blob(digest=digest_of(body), size=len(body))
        if unless_there and await self.has_blob(repository, blob.digest):
            return
        call = self._upload_call(repository, blob, await self._start(repository), body)

        async def settled() -> Reply | None:
            # The upload that took effect ended its session: to finish that again is a 404.
            there = await self.has_blob(repository, blob.digest)
            return in_effect(HTTPStatus.CREATED) if there else None

        reply = await self._transport.send(call, settled)
        if reply.status not in _STORED:
            raise unexpected(reply, call.place)

    async def transfer_blob(self, source: Repository, target: Repository, blob: Blob) -> None:
        """Make a blob of `source` available in `target`, by mounting or else by copying.

        They may lie on two registries: then nothing is mounted.
        """
        if source == target:
            return
        sessions: list[str] = []
        if canonical(source.host) == canonical(target.host):
            session = await self._mount(source, target, blob.digest)
            if not session:
                return
            sessions = [session]
        async with self._transport.copies[target.host]:
            await self._copy(source, target, blob, sessions)

    async def _mount(self, source: Repository, target: Repository, digest: str) -> str:
        """Return '' when mounted, else the address of an upload session."""
        query = urlencode({"mount": digest, "from": source.name})
        call = self._session_call(target, f"?{query}", source)
        try:
            reply = await self._transport.send(call)
        except AuthenticationError:
            # Harbor refuses a mount from a project that the login may only read. Whether it may
            # push shows when the upload starts.
            return await self._start(target)
        if reply.status == HTTPStatus.CREATED:
            return ""
        if reply.status == HTTPStatus.ACCEPTED:
            return _location(reply, call)
        # Some registries refuse the mount itself where they should fall back to an upload.
        return await self._start(target)

    async def _start(self, repository: Repository) -> str:
        """Return the address of a new upload session."""
        call = self._session_call(repository)
        reply = await self._transport.send(call)
        if reply.status != HTTPStatus.ACCEPTED:
            raise unexpected(reply, call.place)
        return _location(reply, call)

    async def has_blob(self, repository: Repository, digest: str, actions: str = PULL) -> bool:
        """Tell whether a blob is there; its bytes are not read."""
        call = self._blob_call("HEAD", repository, digest, actions)
        reply = await self._transport.send(call)
        if reply.status in NO_HEAD:
            # One byte is enough to see that it is there; who sends all of them is not listened to.
            one = replace(call, method="GET", headers={"Range": "bytes=0-0"}, limit=0)
            reply = await self._transport.send(one)
        if reply.status not in {*_THERE, HTTPStatus.NOT_FOUND}:
            raise unexpected(reply, call.place)
        return reply.status in _THERE

    async def _copy(
        self, source: Repository, target: Repository, blob: Blob, sessions: list[str]
    ) -> None:
        """Copy a blob; `sessions` holds the address of the upload that a mount began, if any.

        A session that has taken bytes cannot be restarted: each try has its own.
        """
        place = f"copy of {blob.digest} from {source} to {target}"

        async def prepare() -> Reply | None:
            # No stream can be sent once more on a 401: what is asked here with the scope of the
            # upload, then with that of the download, renews the token of each. And another image
            # that shares the blob may have brought it meanwhile.
            if await self.has_blob(target, blob.digest, PUSH):
                return in_effect(HTTPStatus.CREATED)
            if not await self.has_blob(source, blob.digest):
                raise RegistryError(
                    f"{source}: blob {blob.digest} is missing; build the image again"
                )
            if not sessions:
                sessions.append(await self._start(target))
            return None

        async def attempt() -> Reply:
            return await self._stream(source, target, blob, sessions.pop())

        async def run() -> Reply:
            return await prepare() or await self._transport.retry.run(attempt, place, prepare)

        reply = await run()
        if reply.status == UNAUTHORIZED:
            reply = await run()
        refuse_denied(reply, place)
        if reply.status not in _STORED:
            raise unexpected(reply, place)

    async def _stream(
        self, source: Repository, target: Repository, blob: Blob, session: str
    ) -> Reply:
        down = replace(self._blob_call("GET", source, blob.digest), deadline=_COPY_DEADLINE)
        async with self._transport.download(down) as answer:
            if answer.status_code != HTTPStatus.OK:
                return Reply(status=answer.status_code, headers=answer.headers, body=b"")
            checked = functools.partial(_verified, answer, blob, source)
            return await self._transport.upload(self._upload_call(target, blob, session, checked))

    def _blob_call(
        self, method: str, repository: Repository, digest: str, actions: str = PULL
    ) -> Call:
        return Call(
            method=method,
            url=f"{self.address(repository)}/blobs/{digest}",
            scopes=scope(repository, actions),
        )

    def _session_call(self, repository: Repository, query: str = "", *sources: Repository) -> Call:
        return Call(
            method="POST",
            url=f"{self.address(repository)}/blobs/uploads/{query}",
            scopes=scope(repository, PUSH, *sources),
            headers={"Content-Length": "0"},
        )

    def _upload_call(
        self, repository: Repository, blob: Blob, session: str, content: _Content
    ) -> Call:
        """Return the request that brings all bytes of a blob and ends an upload session."""
        joint = "&" if "?" in session else "?"
        return Call(
            method="PUT",
            url=f"{session}{joint}{urlencode({'digest': blob.digest})}",
            scopes=scope(repository, PUSH),
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Length": str(blob.size),
            },
            content=content,
            deadline=None if isinstance(content, bytes) else _COPY_DEADLINE,
            owner=self.address(repository),
        )


def _location(reply: Reply, call: Call) -> str:
    location: str = reply.headers.get("Location", "")
    if not location:
        raise RegistryError(f"{call.place}: the registry started an upload but names no Location")
    return resolve(call.url, location, call.place)


async def _verified(answer: httpx.Response, blob: Blob, source: Repository) -> AsyncIterator[bytes]:
    """Pass the chunks on, and fail before the last byte is acknowledged if they are wrong."""
    sha256, size = hashlib.sha256(), 0
    async for chunk in answer.aiter_raw():
        sha256.update(chunk)
        size += len(chunk)
        if size > blob.size:
            break
        yield chunk
    if size != blob.size or f"sha256:{sha256.hexdigest()}" != blob.digest:
        raise RegistryError(f"{source}: blob {blob.digest} arrived damaged; nothing was written")
