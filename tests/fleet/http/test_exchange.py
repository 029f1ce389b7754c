import socket
import threading
import time
from collections.abc import Callable

import httpx
import pytest

from fleet.http.blocking import Blocking
from fleet.http.errors import DeadlineError, HttpError, ReadableError, UnreachableError
from fleet.http.exchange import HEADERS_LIMIT
from fleet.http.message import Call, Reply
from fleet.http.retry import RetryPolicy
from tests.fleet.http.serving import Connection, Handler, serving

CANARY = "c4n4ry"


def ask(handler: Handler, *, deadline: float = 5.0, authorization: str = "") -> Reply:
    with serving(handler) as server, Blocking(deadline=deadline) as client:
        return client.once(Call(method="GET", url=server.url(), limit=1000), authorization)


def _answer_without_tls(listener: socket.socket) -> None:
    """Answer as a server of plain HTTP does to the first message of TLS."""
    channel, _ = listener.accept()
    with channel:
        channel.recv(65_536)
        channel.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


class TestLimits:
    def test_a_body_within_the_limit_comes_whole(self) -> None:
        assert ask(lambda c: c.answer(200, b"x" * 1000)).body == b"x" * 1000

    @pytest.mark.parametrize("announced", [True, False])
    def test_a_body_over_the_limit_is_refused_as_soon_as_it_is(self, announced: bool) -> None:
        def endless(connection: Connection) -> None:
            length = "Content-Length: 900000000\r\n" if announced else ""
            connection.send(f"HTTP/1.1 200 OK\r\n{length}Connection: close\r\n\r\n".encode())
            while not connection.stopping.is_set():
                connection.send(b"x" * 65536)

        with pytest.raises(HttpError, match="exceeds 1000 bytes"):
            ask(endless)

    @pytest.mark.parametrize("count", [1, 1000, 10_000_000])
    def test_headers_over_the_limit_are_refused(self, count: int) -> None:
        each = max(HEADERS_LIMIT // count, 10)

        def huge(connection: Connection) -> None:
            connection.send(b"HTTP/1.1 200 OK\r\n")
            for number in range(count):
                connection.send(f"X-{number}: {'x' * each}\r\n".encode())
            connection.send(b"Content-Length: 0\r\n\r\n")

        with pytest.raises(HttpError, match=r"headers exceed|cannot be read|connection failed"):
            ask(huge)

    @pytest.mark.parametrize(
        "opening", [b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["head", "body"]
    )
    def test_what_drips_ends_with_the_deadline(self, opening: bytes) -> None:
        def dripping(connection: Connection) -> None:
            connection.send(opening)
            connection.drip(b"x" * 10_000, 0.02)  # 200 s

        began = time.monotonic()
        with pytest.raises(DeadlineError, match=r"within 0\.3 s"):
            ask(dripping, deadline=0.3)
        assert time.monotonic() - began < 60


class TestFailures:
    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"\0\0\0",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
            b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            b"HTTP/1.1 99999 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nBad Header \x01: y\r\n\r\n",
        ],
    )
    def test_an_answer_that_is_not_http_is_an_error_of_ours(self, answer: bytes) -> None:
        with pytest.raises(UnreachableError, match=r"the connection failed \(RemoteProtocolError"):
            ask(lambda c: c.send(answer))

    @pytest.mark.parametrize("sign", ["\n", "\r\n", "\0", "ä", "\ud800"])
    def test_a_token_with_a_sign_that_no_header_takes_is_shown_nowhere(self, sign: str) -> None:
        with pytest.raises(HttpError, match="cannot be sent") as caught:
            ask(lambda c: c.answer(200), authorization=f"Bearer {CANARY}{sign}")
        assert not isinstance(caught.value, UnreachableError)
        assert CANARY not in str(caught.value)
        assert caught.value.__suppress_context__, "a traceback would show the library's text"

    @pytest.mark.parametrize(
        "url",
        ["http://[::1", "ftp://x/", "http://x:99999/", "//x", "http://x\n/", "http://\ud800/"],
    )
    def test_an_address_that_is_none_is_an_error_of_ours(self, url: str) -> None:
        with Blocking() as client, pytest.raises(HttpError):
            client.once(Call(method="GET", url=url))

    @pytest.mark.parametrize(
        "raised", [OverflowError, RecursionError, KeyError, httpx.CookieConflict]
    )
    def test_whatever_a_transport_raises_is_an_error_of_ours(self, raised: type[Exception]) -> None:
        def handler(_: httpx.Request) -> httpx.Response:
            raise raised(CANARY)

        def opened() -> httpx.AsyncClient:
            return httpx.AsyncClient(transport=httpx.MockTransport(handler))

        with Blocking(opened=opened) as client, pytest.raises(ReadableError) as caught:
            client.once(Call(method="GET", url="https://registry.example/"))
        assert CANARY not in str(caught.value)
        assert raised.__name__ in str(caught.value)

    def test_a_server_without_tls_is_told_with_the_setting_for_it(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener, Blocking() as client:
            port = listener.getsockname()[1]
            answering = threading.Thread(target=_answer_without_tls, args=(listener,))
            answering.start()
            with pytest.raises(UnreachableError, match="answers without TLS") as caught:
                client.once(Call(method="GET", url=f"https://127.0.0.1:{port}/"))
            answering.join()
        assert "plain HTTP in FLEET_PLAIN_HTTP (docs/network.md)" in str(caught.value)

    def test_a_refused_connection_has_the_system_s_words(self) -> None:
        with Blocking() as client, pytest.raises(UnreachableError, match="Connection refused"):
            client.once(Call(method="GET", url="http://127.0.0.1:1/"))


class TestRedirects:
    @pytest.fixture
    def follow(self) -> Callable[..., Reply]:
        def run(location: str, *, status: int = 307, method: str = "GET") -> Reply:
            def handler(connection: Connection) -> None:
                if connection.path == "/":
                    connection.answer(status, Location=location)
                else:
                    connection.answer(200, connection.header("Authorization").encode())

            with serving(handler) as server, Blocking() as client:
                url = server.url()
                return client.once(Call(method=method, url=url), f"Bearer {CANARY}")

        return run

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_read_follows_within_the_origin_with_its_authorization(
        self, follow: Callable[..., Reply], status: int
    ) -> None:
        assert follow("/there", status=status).body == f"Bearer {CANARY}".encode()

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_a_write_follows_nothing(self, follow: Callable[..., Reply], method: str) -> None:
        assert follow("/there", method=method).status == 307

    @pytest.mark.parametrize(
        "location",
        ["http://[::1", "ftp://x/y", "http://a:b@127.0.0.1/", "javascript:x", "http://x:0/"],
    )
    def test_a_location_that_is_no_address_is_an_error_of_ours(
        self, follow: Callable[..., Reply], location: str
    ) -> None:
        with pytest.raises(HttpError, match="the server names") as caught:
            follow(location)
        assert not isinstance(caught.value, UnreachableError), "asking again is of no use"

    @pytest.mark.parametrize("method", ["POST", "PUT"])
    def test_nor_does_a_write_fail_otherwise(
        self, follow: Callable[..., Reply], method: str
    ) -> None:
        with pytest.raises(HttpError, match="the server names"):
            follow("http://[::1", method=method)

    def test_a_loop_ends(self, follow: Callable[..., Reply]) -> None:
        with pytest.raises(HttpError, match="redirects more than 5 times"):
            follow("/")

    def test_another_port_gets_no_authorization(self) -> None:
        with serving(lambda c: c.answer(200, c.header("Authorization").encode())) as other:
            reply = ask(lambda c: c.answer(302, Location=other.url()), authorization="Bearer x")
        assert reply.body == b""

    def test_a_challenge_of_another_origin_is_not_that_of_the_server(self) -> None:
        challenge = 'Basic realm="x"'
        with serving(lambda c: c.answer(401, WWW_Authenticate=challenge)) as other:
            with pytest.raises(HttpError, match=r"leads to 127\.0\.0\.1, which asks"):
                ask(lambda c: c.answer(302, Location=other.url()), authorization="Bearer x")
            assert "uthorization" not in other.heads[0]

    def test_no_cookie_is_kept(self) -> None:
        with serving(lambda c: c.answer(200, Set_Cookie="a=b")) as server, Blocking() as client:
            for _ in range(2):
                client.once(Call(method="GET", url=server.url()))
        assert all("ookie" not in head for head in server.heads)

    def test_https_never_leads_down_to_http(self) -> None:
        def handler(request: httpx.Request) -> httpx.Response:
            assert request.url.scheme == "https"
            return httpx.Response(302, headers={"Location": "http://registry.example/b"})

        def opened() -> httpx.AsyncClient:
            return httpx.AsyncClient(transport=httpx.MockTransport(handler))

        with Blocking(opened=opened) as client, pytest.raises(HttpError, match="from https to"):
            client.once(Call(method="GET", url="https://registry.example/a"))


@pytest.mark.parametrize("value", ["9" * 400, "9" * 5000, "Thu, 01 Jan 99999 00:00:00 GMT"])
def test_a_wait_that_overflows_is_an_error_or_no_wait(value: str) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with (
        serving(lambda c: c.answer(503, Retry_After=value)) as server,
        Blocking(retry=RetryPolicy(attempts=2, sleep=sleep)) as client,
    ):
        try:
            assert client.send(Call(method="GET", url=server.url())).status == 503
        except HttpError as error:
            assert "asks to wait" in str(error)  # noqa: PT017
    assert all(wait <= 60 for wait in waits)
