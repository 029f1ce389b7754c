"""Blobs of a registry that mounts none: how many are copied at once, and what a fault does."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from fleet.http.opening import open_http
from fleet.http.retry import RetryPolicy
from fleet.registry.client import Client
from fleet.registry.errors import AuthenticationError
from fleet.registry.manifest import Blob
from fleet.registry.reference import Repository
from fleet.registry.transport import PARALLEL, Transport
from tests.providers.ociregistry.declared import BUILD, NAME, Declared
from tests.providers.ociregistry.engine_fake import TAG, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry, serving, sha

BODIES = {sha(body): body for body in (f"layer {n}".encode() * 1000 for n in range(24))}


class Counting:
    """A registry that counts the copies under way: from a download's start to its upload's end."""

    def __init__(self) -> None:
        self.most = 0
        self.stored: dict[str, bytes] = {}
        self._open = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        digest = request.url.path.rpartition("/")[2]
        if request.method == "POST":
            return _answer(HTTPStatus.ACCEPTED)
        if request.method == "PUT":
            return await self._store(request)
        held = BODIES if f"/{BUILD}/" in request.url.path else self.stored
        if digest not in held:
            return _answer(HTTPStatus.NOT_FOUND)
        if request.method == "GET":
            self._open += 1
            self.most = max(self.most, self._open)
        return _answer(HTTPStatus.OK, held[digest])

    async def _store(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        # Whoever else is free to go on does so first.
        for _ in range(1000):
            await asyncio.sleep(0)
        self.stored[sha(body)] = body
        self._open -= 1
        return _answer(HTTPStatus.CREATED)


def _answer(status: int, body: bytes = b"") -> httpx.Response:
    # Content that is not a stream counts as read.
    headers = {"Location": "/session"}
    return httpx.Response(status, headers=headers, content=_chunks(body))


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def copy_all(host: str, http: httpx.AsyncClient, environment: Mapping[str, str]) -> None:
    """Copy all blobs at once, by two clients of one process; the first fault is an error."""
    transport = Transport(http=http, environment=environment, retry=RetryPolicy(attempts=1))
    clients = Client(transport), Client(transport)
    source, target = Repository(host=host, name=BUILD), Repository(host=host, name=NAME)
    blobs = [Blob(digest=digest, size=len(body)) for digest, body in BODIES.items()]
    try:
        await asyncio.gather(
            *(clients[i % 2].transfer_blob(source, target, b) for i, b in enumerate(blobs))
        )
    finally:
        await transport.close()


def copy_one(registry: FakeRegistry, environment: dict[str, str]) -> list[str]:
    """Copy one blob; return the methods of the requests for it."""
    digest, body = next(iter(BODIES.items()))
    registry.mount = False
    registry.repositories[BUILD].blobs[digest] = body

    async def run() -> None:
        transport = Transport(environment=environment, retry=RetryPolicy(sleep=_at_once))
        source = Repository(host=registry.host, name=BUILD)
        target = Repository(host=registry.host, name=NAME)
        try:
            blob = Blob(digest=digest, size=len(body))
            await Client(transport).transfer_blob(source, target, blob)
        finally:
            await transport.close()

    asyncio.run(run())
    assert registry.repositories[NAME].blobs[digest] == body
    return [line.split()[0] for line in registry.log if "/blobs/" in line]


async def _at_once(_: float) -> None:
    return


def test_a_few_blobs_are_copied_at_once_whoever_asks() -> None:
    registry = Counting()
    http = httpx.AsyncClient(transport=httpx.MockTransport(registry))
    asyncio.run(copy_all("registry.example", http, {}))
    assert registry.stored == BODIES
    assert registry.most == 4


def test_no_copy_waits_for_a_connection(
    registry: FakeRegistry, environment: dict[str, str]
) -> None:
    registry.mount = False
    registry.repositories[BUILD].blobs.update(BODIES)

    async def run() -> None:
        http = open_http()
        http.timeout = httpx.Timeout(60.0, pool=0.001)
        await copy_all(registry.host, http, environment)

    asyncio.run(run())
    assert registry.repositories[NAME].blobs == BODIES


class TestMounts:
    """A registry that refuses a mount may take the bytes all the same."""

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
    def test_a_mount_that_is_refused_becomes_an_upload(
        self, registry: FakeRegistry, environment: dict[str, str], status: int
    ) -> None:
        registry.mount_status = status
        assert "PUT" in copy_one(registry, environment)

    def test_a_token_that_is_refused_for_the_mount_alone_becomes_an_upload(
        self, registry: FakeRegistry, environment: dict[str, str]
    ) -> None:
        registry.challenge = 'Bearer realm="REALM"'
        registry.fault("/token", status=403)
        copy_one(registry, environment)
        assert {"scope": [f"repository:{NAME}:pull,push"]} in [
            {"scope": asked["scope"]} for asked in registry.token_requests
        ]

    def test_one_who_may_not_push_at_all_gets_the_refusal_of_the_upload(
        self, registry: FakeRegistry, environment: dict[str, str]
    ) -> None:
        registry.fault("POST", status=403, times=9)
        with pytest.raises(AuthenticationError, match=f"POST .*{NAME}/blobs/uploads/.* 403"):
            copy_one(registry, environment)

    def test_a_blob_that_arrived_meanwhile_is_not_copied(
        self, registry: FakeRegistry, environment: dict[str, str]
    ) -> None:
        digest, body = next(iter(BODIES.items()))

        def arrive() -> None:
            registry.repositories[NAME].blobs[digest] = body

        registry.fault(f"^HEAD .*/{NAME}/blobs/", act=arrive)
        assert copy_one(registry, environment) == ["POST", "HEAD"]


class TestFaults:
    """The rows of single requests, of a registry that mounts nothing."""

    BEARER = 'Bearer realm="REALM",service="fake"'

    @pytest.mark.parametrize("method", ["POST", "HEAD", "GET", "PUT"])
    @pytest.mark.parametrize(
        "fault",
        [{"reset": True}, {"reset": True, "after": True}, {"status": 503, "times": 2}],
        ids=["reset", "reset-after", "503"],
    )
    def test_a_version_whose_blobs_are_copied_outlasts_a_fault(
        self, engine: Engine, declared: Declared, method: str, fault: dict[str, Any]
    ) -> None:
        declared.registry.mount = False
        declared.registry.fault(f"^{method} .*/blobs/", **fault)
        engine.up(TAG, "v1", declared.version("v1"))
        assert declared.registry.pullable(NAME, "v1")

    @pytest.mark.parametrize("method", ["POST", "HEAD", "GET", "PUT"])
    def test_a_token_that_expires_before_any_request_of_a_copy_is_renewed(
        self, engine: Engine, declared: Declared, method: str
    ) -> None:
        registry = declared.registry
        registry.mount, registry.challenge = False, self.BEARER
        # With the first tokens there, none of the copies side by side is refused twice.
        engine.up(TAG, "v0", declared.version("v0"))
        registry.fault(f"^{method} .*/blobs/", act=registry.tokens.clear)
        engine.up(TAG, "v1", declared.version("v1"))
        assert registry.pullable(NAME, "v1")

    @pytest.mark.parametrize("method", ["GET", "PUT"])
    def test_a_token_that_expires_during_a_copy_is_renewed_for_both_its_ends(
        self, registry: FakeRegistry, environment: dict[str, str], method: str
    ) -> None:
        registry.challenge = self.BEARER
        registry.fault(f"^{method} .*/blobs/", act=registry.tokens.clear)
        assert copy_one(registry, environment).count("GET") == 2

    def test_a_token_that_expired_before_the_copy_costs_no_second_download(
        self, registry: FakeRegistry, environment: dict[str, str]
    ) -> None:
        registry.challenge = self.BEARER
        registry.fault(f"^HEAD .*/{NAME}/blobs/", act=registry.tokens.clear)
        assert copy_one(registry, environment).count("GET") == 1

    @pytest.mark.parametrize("method", ["GET", "PUT"])
    def test_a_registry_that_refuses_the_renewed_token_ends_the_copy_without_a_loop(
        self, registry: FakeRegistry, environment: dict[str, str], method: str
    ) -> None:
        registry.challenge = self.BEARER
        registry.fault(f"^{method} .*/blobs/", status=401, times=99)
        with pytest.raises(AuthenticationError, match=r"copy of .* 401; check the credentials"):
            copy_one(registry, environment)
        assert [line.split()[0] for line in registry.log if "/blobs/" in line].count(method) == 2

    def test_an_upload_whose_answer_is_lost_is_not_sent_again(
        self, registry: FakeRegistry, environment: dict[str, str]
    ) -> None:
        registry.fault("^PUT .*/blobs/", reset=True, after=True)
        assert copy_one(registry, environment).count("PUT") == 1


def test_between_two_registries_nothing_is_mounted_and_no_token_asks_for_the_other(
    registry: FakeRegistry, environment: dict[str, str]
) -> None:
    digest, body = next(iter(BODIES.items()))
    registry.repositories[NAME].blobs[digest] = body
    with serving() as other:
        other.challenge = 'Bearer realm="REALM"'
        # The same name there would be mounted from, had it been asked.
        other.repositories[NAME].blobs[digest] = body
        hosts = f"{registry.host},{other.host}"

        async def run() -> None:
            async with Transport(environment={**environment, "FLEET_PLAIN_HTTP": hosts}) as sent:
                source = Repository(host=registry.host, name=NAME)
                target = Repository(host=other.host, name="org/app")
                await Client(sent).transfer_blob(
                    source, target, Blob(digest=digest, size=len(body))
                )

        asyncio.run(run())
        assert other.repositories["org/app"].blobs[digest] == body
        scopes = {scope for asked in other.token_requests for scope in asked["scope"]}
        assert scopes
        assert all(scope.startswith("repository:org/app:") for scope in scopes)
    assert f"GET /v2/{NAME}/blobs/{digest}" in registry.log


def test_a_host_that_answers_late_holds_no_slot_of_another() -> None:
    late = asyncio.Event()

    async def answered(request: httpx.Request) -> httpx.Response:
        if request.url.host == "sick.example":
            await late.wait()
        headers = {"Docker-Content-Digest": "sha256:" + "a" * 64}
        return httpx.Response(HTTPStatus.OK, headers=headers, content=_chunks(b""))

    async def run() -> None:
        http = httpx.AsyncClient(transport=httpx.MockTransport(answered))
        async with Transport(http=http, environment={}) as transport:
            client = Client(transport)
            sick, well = (Repository(host=f"{h}.example", name=NAME) for h in ("sick", "well"))
            waiting = [asyncio.create_task(client.head(sick, f"v{n}")) for n in range(2 * PARALLEL)]
            await asyncio.sleep(0)
            assert await client.head(well, "v")
            assert not any(task.done() for task in waiting)
            late.set()
            await asyncio.gather(*waiting)
            assert transport.copies[well.host] is not transport.copies[sick.host]

    asyncio.run(run())
