"""A taken port is told with the remedy."""

import socket

import pytest

from fleet.console import TroubleError
from fleet.local import ports


def test_a_free_port_is_accepted() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ports.require_free(port, setting="Pulumi.dev.yaml, fleet:registry")


def test_a_taken_port_names_port_and_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(TroubleError) as caught:
            ports.require_free(port, setting="Pulumi.dev.yaml, fleet:registry")
    text = str(caught.value)
    assert f"port {port} on 127.0.0.1 is taken" in text
    assert "Pulumi.dev.yaml, fleet:registry" in text


def test_a_port_taken_on_every_address_is_taken_on_loopback() -> None:
    with (
        socket.create_server(("", 0)) as server,
        pytest.raises(TroubleError, match="is taken"),
    ):
        ports.require_free(server.getsockname()[1], setting="it")


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_a_port_taken_on_the_other_loopback_alone_is_taken() -> None:
    # Clients try ::1 for localhost too, and would meet the other server there.
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no ::1")
    with server, pytest.raises(TroubleError, match="on ::1 is taken"):
        ports.require_free(server.getsockname()[1], setting="it")
