"""One trust store and one rule for proxies, for every client of the program."""

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet.github.api import Api
from fleet.http.blocking import Blocking
from fleet.http.errors import HttpError, UnreachableError
from fleet.http.message import Call
from fleet.http.opening import open_http
from fleet.http.retry import RetryPolicy
from fleet.local.base_images import bases
from fleet.registry.client import Client
from fleet.registry.errors import OciError
from fleet.registry.reference import Repository
from fleet.registry.transport import Transport
from fleet.releases.pypi.fetch import fetched, open_client
from tests.fleet.http.proxy import proxying
from tests.fleet.http.serving import Connection, Server, serving
from tests.fleet.local import authority, examples

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
NAME = "node.test"
"""A name that no resolver knows: only a proxy leads there."""


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *map(str.lower, PROXIES), "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.make(tmp_path_factory.mktemp("authority"))


def answer(connection: Connection) -> None:
    if connection.path.startswith("/simple/"):
        body = b'<a href="/files/aaa-1-py3-none-any.whl#sha256=' + b"0" * 64 + b'">x</a>'
        connection.answer(200, body, Content_Type="text/html")
    elif connection.path.endswith(".metadata"):
        connection.answer(404)
    else:
        connection.answer(200, b"{}", Content_Type="application/json")


@pytest.fixture
def server(certificates: Path) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "node.pem", certificates / "node.key")
    with serving(answer, context) as started:
        yield started


@pytest.fixture
def proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with proxying(server.port) as started:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, started.url())
        yield started


def ask_a_registry(url: str, tmp_path: Path) -> None:
    async def asking() -> None:
        transport = Transport(
            environment={"DOCKER_CONFIG": str(tmp_path)}, retry=RetryPolicy(attempts=1)
        )
        try:
            repository = Repository(host=url.split("/")[2], name="a")
            await Client(transport).get(repository, "b")
        finally:
            await transport.close()

    asyncio.run(asking())


def ask_a_source(url: str, _: Path) -> None:
    with open_client(retry=RetryPolicy(attempts=1)) as client:
        fetched(url, client, largest=100)


def ask_github(url: str, _: Path) -> None:
    with Api(url, "t", sleep=lambda _: None) as api:
        api.get("/repos/a/b")


EVERY = pytest.mark.parametrize("ask", [ask_a_registry, ask_a_source, ask_github])
OURS = (OciError, HttpError)


class TestTrust:
    @EVERY
    def test_ssl_cert_file_is_the_one_setting(
        self, ask: Callable[[str, Path], None], server: Server, certificates: Path, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        url = f"https://127.0.0.1:{server.port}/x"
        with pytest.raises(OURS, match="CERTIFICATE_VERIFY_FAILED"):
            ask(url, tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
        ask(url, tmp_path)

    def test_uv_trusts_the_same(self, server: Server, certificates: Path, tmp_path: Path) -> None:
        def resolve(**more: str) -> "subprocess.CompletedProcess[str]":
            argv = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--no-config"]
            index = f"https://127.0.0.1:{server.port}/simple/"
            return subprocess.run(
                [*argv, "--no-cache", "--no-build", "--index-url", index, "-"],
                env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "UV_HTTP_RETRIES": "0",
                     **more},
                input="aaa", capture_output=True, text=True, check=False, timeout=60,
            )  # fmt: skip

        before = resolve()
        assert "invalid peer certificate" in before.stderr, before.stderr
        assert not [head for head in server.heads if "/simple/aaa/" in head]
        resolve(SSL_CERT_FILE=str(certificates / "ca.pem"))
        assert [head for head in server.heads if "/simple/aaa/" in head]

    @pytest.mark.parametrize("content", [None, "", "no certificate"])
    def test_a_bundle_that_holds_none_is_named(
        self, content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bundle = tmp_path / f"bundle-{content}.pem"
        if content is not None:
            bundle.write_text(content)
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        with pytest.raises(HttpError, match=r"SSL_CERT_FILE: .*bundle-.*PEM"):
            open_http()


class TestProxies:
    @EVERY
    def test_a_server_is_asked_through_the_proxy(
        self, ask: Callable[[str, Path], None], proxy: Server, certificates: Path, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
        ask(f"https://{NAME}/x", tmp_path)
        assert [head.split()[:2] for head in proxy.heads] == [["CONNECT", f"{NAME}:443"]]

    def test_what_can_be_reached_is_asked_through_it_too(
        self, proxy: Server, certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
        monkeypatch.setattr(bases, "_HUB", NAME)
        assert bases.wanted(examples.checkout(tmp_path), examples.needs()) == []
        assert len(proxy.heads) == 1

    def test_no_proxy_is_honoured(self, proxy: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_PROXY", NAME)
        assert not bases.is_reachable(f"https://{NAME}/")
        assert proxy.heads == []

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_this_machine_is_asked_directly(
        self, host: str, proxy: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ALL_PROXY", proxy.url())
        with serving(lambda c: c.answer(200)) as plain, Blocking() as client:
            client.once(Call(method="GET", url=f"http://{host}:{plain.port}/"))
        assert proxy.heads == []

    def test_a_proxy_that_refuses_is_unreachable_with_its_status(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with serving(lambda c: c.answer(407, Proxy_Authenticate="Basic")) as refusing:
            monkeypatch.setenv("HTTPS_PROXY", f"http://me:c4n4ry@127.0.0.1:{refusing.port}")
            with Blocking() as client, pytest.raises(UnreachableError) as caught:
                client.once(Call(method="GET", url=f"https://{NAME}/"))
        assert "the proxy answered 407" in str(caught.value)
        assert "c4n4ry" not in str(caught.value)

    @pytest.mark.parametrize(
        "address",
        [
            "socks5://me:c4n4ry@127.0.0.1:1",
            "http://me:c4n4ry@[::1",
            "https://me:c4n4ry@127.0.0.1:1",
            "ftp://c4n4ry",
        ],
    )
    def test_an_address_of_no_proxy_is_refused_without_showing_it(
        self, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", address)
        with pytest.raises(HttpError, match="HTTPS_PROXY") as caught:
            open_http()
        assert "c4n4ry" not in str(caught.value)
