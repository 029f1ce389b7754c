"""Builders are asked before builds: who answers, and the words for what is wrong."""

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import pytest

from fleet.console import TroubleError
from fleet.declaration.builder_nodes import Node
from fleet.local import node_probe
from tests.fleet.local import authority
from tests.fleet.local.examples import needs

PROTOCOL_ERROR = b"HTTP/1.1 400 Bad Request\r\n\r\n"
REFUSED = "it is no BuildKit, or refuses cert. Have its authority sign that"
PONG = b"HTTP/1.0 200 OK\r\n\r\nOK"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.make(tmp_path_factory.mktemp("authority"))


@contextmanager
def node(*, tls: Path | None = None, path: Path | None = None) -> Iterator[str]:
    """A server of gRPC, as BuildKit is one: its endpoint.

    With ``tls`` it takes only clients that the authority in that folder signed.
    """
    server = grpc.server(futures.ThreadPoolExecutor(1))
    address = f"unix:{path}" if path else "127.0.0.1:0"
    if tls:
        pair = ((tls / "node.key").read_bytes(), (tls / "node.pem").read_bytes())
        ours = grpc.ssl_server_credentials([pair], (tls / "ca.pem").read_bytes(), True)
        port = server.add_secure_port(address, ours)
    else:
        port = server.add_insecure_port(address)
    server.start()
    yield f"unix://{path}" if path else f"tcp://127.0.0.1:{port}"
    server.stop(None).wait()


@contextmanager
def serving(
    answer: bytes, path: Path | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Answer one client with ``answer`` once it spoke; yield the port."""
    server = socket.socket(socket.AF_UNIX) if path else socket.socket()
    with server:
        server.settimeout(30)
        server.bind(str(path) if path else ("127.0.0.1", 0))
        server.listen()

        def serve() -> None:
            with server.accept()[0] as channel, suppress(OSError):
                spoken = tls.wrap_socket(channel, server_side=True) if tls else channel
                spoken.recv(100)
                spoken.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield 0 if path else server.getsockname()[1]
        thread.join()


def ask(endpoint: str, options: dict[str, str] | None = None, *, driver: str = "remote") -> None:
    known = Node(driver=driver, endpoint=endpoint, options=options or {})
    node_probe.require(needs(builders=["arm"], nodes={"arm": known}))


def told(endpoint: str, options: dict[str, str] | None = None) -> str:
    with pytest.raises(TroubleError) as failure:
        ask(endpoint, options)
    return str(failure.value)


def test_a_daemon_behind_a_socket_answers(tmp_path: Path) -> None:
    path = tmp_path / "b.sock"
    with node(path=path) as endpoint:
        ask(endpoint)


def test_a_daemon_behind_tls_answers_whom_its_authority_signed(certificates: Path) -> None:
    with node(tls=certificates) as endpoint:
        ask(endpoint, authority.options(certificates))


def test_the_name_in_the_certificate_may_be_told(certificates: Path) -> None:
    options = {**authority.options(certificates), "servername": "node.test"}
    with node(tls=certificates) as endpoint:
        ask(endpoint, options)


def test_another_name_than_the_certificates_is_told_with_the_remedy(certificates: Path) -> None:
    options = {**authority.options(certificates), "servername": "other.test"}
    with node(tls=certificates) as endpoint:
        text = told(endpoint, options)
    assert "not trusted" in text
    assert "servername" in text


def test_a_node_of_another_authority_is_not_trusted(certificates: Path, tmp_path: Path) -> None:
    theirs = authority.make(tmp_path)
    with node(tls=theirs) as endpoint:
        text = told(endpoint, authority.options(certificates))
    assert "its certificate is not trusted" in text


def test_a_client_of_another_authority_is_refused_by_the_node(
    certificates: Path, tmp_path: Path
) -> None:
    theirs = authority.options(authority.make(tmp_path))
    options = {**theirs, "cacert": str(certificates / "ca.pem")}
    with node(tls=certificates) as endpoint:
        assert REFUSED in told(endpoint, options)
    # Go's server, which BuildKit's is, refuses as OpenSSL's does.
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates / "node.pem", certificates / "node.key")
    tls.load_verify_locations(certificates / "ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.set_alpn_protocols(["h2"])
    with serving(b"", tls=tls) as port:
        text = told(f"tcp://127.0.0.1:{port}", options)
    assert REFUSED in text


def test_nobody_at_the_port_is_told_by_builder_address_and_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    text = told(f"tcp://127.0.0.1:{port}")
    assert text.startswith("Pulumi.dev.yaml, fleet:builder-nodes: 1 of 1 nodes can't build:")
    assert text.endswith("Nothing was changed.")
    where = f"arm (tcp://127.0.0.1:{port}) for linux/amd64, linux/arm64, linux/arm/v7"
    assert f"{where}: Connection refused. Start buildkitd there" in text


def test_a_host_that_is_no_name_is_told_and_no_traceback() -> None:
    assert "Start buildkitd there" in told("tcp://a..b:1234")


def test_something_else_at_the_port_is_no_buildkit() -> None:
    with serving(PROTOCOL_ERROR) as port:
        assert "is no BuildKit, or wants TLS" in told(f"tcp://127.0.0.1:{port}")
    with serving(b"") as port:
        assert "is no BuildKit, or wants TLS" in told(f"tcp://127.0.0.1:{port}")


def test_files_that_are_not_there_are_named_before_anybody_is_asked(tmp_path: Path) -> None:
    options = authority.options(tmp_path)
    text = told("tcp://127.0.0.1:1", options)
    assert f"{options['cacert']}, {options['cert']}, {options['key']} can't be read" in text


def test_a_key_of_another_certificate_is_told(certificates: Path) -> None:
    options = {**authority.options(certificates), "key": str(certificates / "node.key")}
    assert "don't go together (key values mismatch)" in told("tcp://127.0.0.1:1", options)


def test_every_node_that_is_away_is_told_at_once_and_others_are_not_asked(tmp_path: Path) -> None:
    gone = Node(driver="remote", endpoint=f"unix://{tmp_path}/gone.sock", options={})
    kube = Node(driver="kubernetes", endpoint="", options={})
    nodes = {"one": gone, "two": gone, "kube": kube}
    with pytest.raises(TroubleError) as failure:
        node_probe.require(needs(builders=nodes, nodes=nodes))
    lines = str(failure.value).splitlines()
    assert "2 of 2 nodes" in lines[0]
    assert [line.split()[1] for line in lines[1:-1]] == ["one", "two"]


def test_a_docker_engine_is_asked_at_its_socket_and_told_where_it_is_away(tmp_path: Path) -> None:
    path, driver = tmp_path / "docker.sock", "docker-container"
    with pytest.raises(TroubleError, match=r"No such file or directory\. Start the Docker engine"):
        ask(f"unix://{path}", driver=driver)
    with serving(PONG, path=path):
        ask(f"unix://{path}", driver=driver)
    path.unlink()
    with serving(b"", path=path), pytest.raises(TroubleError, match="is no Docker engine"):
        ask(f"unix://{path}", driver=driver)


@pytest.mark.parametrize("endpoint", ["ssh://build@arm.invalid", "a-context"])
def test_a_docker_engine_that_only_its_client_reaches_is_not_asked(endpoint: str) -> None:
    ask(endpoint, driver="docker-container")
