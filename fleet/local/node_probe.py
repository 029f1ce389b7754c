"""A probe of the declared nodes: asked before builds, and after some failed.

docker-build asks a node at the first build on it, waits 20 s, and leaves each build to fail by
itself with an error of the transport; what stands in the way is told here, in words. Asked are
remote nodes, and Docker engines behind a socket; another kind of node is left to its client.
"""

import os
import socket
import ssl
from contextlib import ExitStack
from urllib.parse import urlsplit

from fleet.console import TroubleError, say
from fleet.declaration.builder_nodes import CONTAINER, KEY_OPTIONS, REMOTE, Node
from fleet.local.requirements import Needs

_SECONDS = 5
_SOCKET = "unix:"
_EMPTY_SETTINGS = b"\0\0\0\4\0\0\0\0\0"
# A client of HTTP/2, which BuildKit's gRPC is, opens with these octets, and the first frame of the
# server is SETTINGS too: type 4, after three octets of length (RFC 9113, 3.4 and 4.1). TLS 1.3
# tells of a certificate that the server refuses only when it is read from.
_OPENING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _EMPTY_SETTINGS
_TYPE, _SETTINGS = 3, b"\4"
# A Docker engine speaks HTTP/1, and has a path for being asked (Engine API, SystemPing).
_PING, _PONG = b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n", b"HTTP"


def require(needs: Needs) -> None:
    """Return when each node among ``needs`` that can be asked answers, within 5 s each.

    :raises TroubleError: naming each that does not, why, and what to do.
    """
    report = _report(needs)
    if report:
        raise TroubleError(f"{report}\nNothing was changed.")


def report_unreachable(needs: Needs) -> None:
    """Report which nodes do not answer, after builds failed: theirs say no more than EOF."""
    report = _report(needs)
    if report:
        then = "What was to be built there failed; its tags are as they were. Repair it and rerun."
        say(f"{report}\n{then}")


def _report(needs: Needs) -> str:
    asked = {name: node for name, node in needs.nodes.items() if _can_be_asked(node)}
    faults = {name: fault for name, node in asked.items() if (fault := _fault(node))}
    count = f"{len(faults)} of {len(asked)} nodes can't build"
    head = f"Pulumi.{needs.stack}.yaml, fleet:builder-nodes: {count}:"
    lines = [
        f"  - {name} ({asked[name].endpoint}) for {', '.join(needs.builders[name])}: {why}."
        for name, why in faults.items()
    ]
    return "\n".join([head, *lines]) if faults else ""


def _can_be_asked(node: Node) -> bool:
    """Tell whether a connection of our own reaches ``node``: not by ssh, nor by a context."""
    return node.driver == REMOTE or (node.driver == CONTAINER and node.endpoint.startswith(_SOCKET))


def _fault(node: Node) -> str | None:
    """Return what keeps ``node`` from building, and the remedy."""
    unread = [node.options[k] for k in KEY_OPTIONS if k in node.options and not _readable(node, k)]
    if unread:
        return f"{', '.join(unread)} can't be read. Put the files there, or name others"
    try:
        context = _context(node)
    except ssl.SSLError as error:
        return f"cacert, cert and key don't go together ({_why(error)}). Name PEM files that do"
    try:
        return _answer(node, context)
    except ssl.SSLCertVerificationError as error:
        return (
            f"its certificate is not trusted ({error.verify_message}). Name its authority in "
            "cacert, and the host that the certificate is for in servername"
        )
    except ssl.SSLError as error:
        return f"it refuses the connection ({_why(error)}). Have its authority sign cert"
    except OSError as error:
        daemon = "buildkitd" if node.driver == REMOTE else "the Docker engine"
        return f"{error.strerror or error}. Start {daemon} there, and let this machine reach it"


def _answer(node: Node, context: ssl.SSLContext | None) -> str | None:
    url = urlsplit(node.endpoint)
    with ExitStack() as stack:
        channel = stack.enter_context(_connected(node))
        channel.settimeout(_SECONDS)
        if context:
            name = node.options.get("servername") or url.hostname
            channel = stack.enter_context(context.wrap_socket(channel, server_hostname=name))
        channel.sendall(_OPENING if node.driver == REMOTE else _PING)
        first = stack.enter_context(channel.makefile("rb")).read(_TYPE + 1)
    if node.driver == CONTAINER and first != _PONG:
        return "what answers there is no Docker engine. Name the engine's own socket"
    if node.driver == REMOTE and first[_TYPE:] != _SETTINGS:
        return "what answers there is no BuildKit, or wants TLS. Name buildkitd's own address"
    return None


def _connected(node: Node) -> socket.socket:
    url = urlsplit(node.endpoint)
    if url.scheme == "tcp":
        return socket.create_connection((url.hostname or "", url.port or 0), timeout=_SECONDS)
    channel = socket.socket(socket.AF_UNIX)
    try:
        channel.settimeout(_SECONDS)
        channel.connect(url.path)
    except OSError:
        channel.close()
        raise
    return channel


def _context(node: Node) -> ssl.SSLContext | None:
    """Return the client's side of TLS as buildx has it, or ``None`` without certificates.

    Not Python's default context: its strict rules refuse certificates that buildx takes.
    """
    if "cacert" not in node.options:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=node.options["cacert"])
    context.load_cert_chain(node.options["cert"], node.options["key"])
    context.set_alpn_protocols(["h2"])
    return context


def _readable(node: Node, key: str) -> bool:
    return os.access(node.options[key], os.R_OK)


def _why(error: ssl.SSLError) -> str:
    return str(error.reason or error).lower().replace("_", " ")
