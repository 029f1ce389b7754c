"""Addresses that a registry names: upload sessions and redirects get no secret of it elsewhere."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from fleet.http.retry import RetryPolicy
from fleet.registry.client import Client
from fleet.registry.errors import RegistryError, UnreachableError
from fleet.registry.login import find_logins
from fleet.registry.manifest import Blob, digest_of
from fleet.registry.reference import Repository
from fleet.registry.transport import Transport
from tests.fleet.http.mocked import mocked
from tests.fleet.http.serving import Connection, Server, serving

BODY = b"layer" * 1000
SOURCE, TARGET = "team/build", "team/app"
Act = Callable[[Client, str], Awaitable[None]]


async def write(client: Client, host: str) -> None:
    await client.write_blob(Repository(host=host, name=TARGET), BODY)


async def copy(client: Client, host: str) -> None:
    blob = Blob(digest=digest_of(BODY), size=len(BODY))
    source, target = (Repository(host=host, name=name) for name in (SOURCE, TARGET))
    await client.transfer_blob(source, target, blob)


def run(act: Act, host: str, folder: Path, http: httpx.AsyncClient | None = None) -> None:
    environment = {
        "FLEET_PLAIN_HTTP": host if http is None else "",
        "OUR_USER": "me",
        "OUR_WORD": "c4n4ry",
        "DOCKER_CONFIG": str(folder),
    }

    async def running() -> None:
        transport = Transport(
            http=http,
            environment=environment,
            retry=RetryPolicy(attempts=1),
            deadline=5.0,
            logins=find_logins(
                {host: {"username": "OUR_USER", "password": "OUR_WORD"}}, environment
            ),
        )
        try:
            await act(Client(transport), host)
        finally:
            await transport.close()

    asyncio.run(running())


class Registry:
    """Asks for credentials, and starts each upload at `session`."""

    def __init__(self) -> None:
        self.session = ""
        self.download = ""
        self.upload: Callable[[Connection], None] = lambda c: c.answer(201)

    def __call__(self, connection: Connection) -> None:
        method = connection.head.split()[0]
        if not connection.header("Authorization"):
            connection.answer(401, WWW_Authenticate='Basic realm="here"')
        elif method == "POST":
            connection.answer(202, Location=self.session)
        elif method == "PUT":
            self.upload(connection)
        elif method == "GET" and self.download:
            connection.answer(307, Location=self.download)
        elif f"/{SOURCE}/" in connection.path:
            connection.answer(200, BODY if method == "GET" else b"")
        else:
            connection.answer(404)


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def server(registry: Registry) -> Iterator[Server]:
    with serving(registry) as started:
        registry.session = started.url("/upload/1")
        yield started


def host_of(server: Server) -> str:
    return f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("act", [write, copy])
class TestUploads:
    def test_a_session_on_another_origin_gets_the_bytes_and_no_credential(
        self, act: Act, registry: Registry, server: Server, tmp_path: Path
    ) -> None:
        with serving(lambda c: c.answer(201)) as other:
            registry.session = other.url("/upload/1")
            run(act, host_of(server), tmp_path)
        assert [head.split()[0] for head in other.heads] == ["PUT"]
        assert "uthorization" not in other.heads[0]

    def test_a_session_elsewhere_that_asks_for_credentials_gets_none(
        self, act: Act, registry: Registry, server: Server, tmp_path: Path
    ) -> None:
        challenge = 'Basic realm="there"'
        with serving(lambda c: c.answer(401, WWW_Authenticate=challenge)) as other:
            registry.session = other.url("/upload/1")
            # There is one for it, but who led there may have it used for anything.
            logins = {"auths": {f"127.0.0.1:{other.port}": {"auth": "bWU6YzRuNHJ5"}}}
            (tmp_path / "config.json").write_text(json.dumps(logins))
            with pytest.raises(RegistryError, match=f"127.0.0.1:{other.port}|the credentials"):
                run(act, host_of(server), tmp_path)
        assert all("uthorization" not in head for head in other.heads)

    @pytest.mark.parametrize("session", ["http://[::1", "ftp://x/", "http://a:b@127.0.0.1:1/x"])
    def test_a_session_that_is_no_address_is_an_error_of_ours(
        self, act: Act, session: str, registry: Registry, server: Server, tmp_path: Path
    ) -> None:
        registry.session = session
        with pytest.raises(RegistryError, match="the server names") as caught:
            run(act, host_of(server), tmp_path)
        assert not isinstance(caught.value, UnreachableError)

    def test_the_answer_to_an_upload_is_bounded(
        self, act: Act, registry: Registry, server: Server, tmp_path: Path
    ) -> None:
        sent = 0

        def endless(connection: Connection) -> None:
            nonlocal sent
            connection.send(b"HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n")
            while not connection.stopping.is_set():
                connection.send(b"x" * 65536)
                sent += 65536

        registry.upload = endless
        with pytest.raises(RegistryError, match="exceeds 65536 bytes"):
            run(act, host_of(server), tmp_path)
        assert sent < 32 * 1024 * 1024

    def test_a_session_never_leads_from_https_to_http(self, act: Act, tmp_path: Path) -> None:
        seen: list[str] = []

        def handler(request: httpx.Request) -> httpx.Response:
            seen.append(request.url.scheme)
            if request.method == "POST":
                return httpx.Response(202, headers={"Location": "http://registry.example/upload"})
            found = request.method != "PUT" and f"/{SOURCE}/" in request.url.path
            return httpx.Response(200 if found else 404)

        with pytest.raises(RegistryError, match="leads from https"):
            run(act, "registry.example", tmp_path, mocked(handler))
        assert set(seen) == {"https"}


class TestDownloads:
    def test_a_store_of_blobs_gets_no_credential(
        self, registry: Registry, server: Server, tmp_path: Path
    ) -> None:
        with serving(lambda c: c.answer(200, BODY)) as store:
            registry.download = store.url("/blob")
            run(copy, host_of(server), tmp_path)
        assert [head.split()[0] for head in store.heads] == ["GET"]
        assert "uthorization" not in store.heads[0]

    def test_a_store_that_asks_for_credentials_is_named_and_gets_none(
        self, registry: Registry, server: Server, tmp_path: Path
    ) -> None:
        challenge = 'Basic realm="there"'
        with serving(lambda c: c.answer(401, WWW_Authenticate=challenge)) as store:
            registry.download = store.url("/blob")
            with pytest.raises(RegistryError, match=r"leads to 127\.0\.0\.1.*not sent there"):
                run(copy, host_of(server), tmp_path)
        assert all("uthorization" not in head for head in store.heads)
