"""A probe of the builders but ours, before builds and after some failed: who answers.

docker-build asks a node at the first build on it, waits 20 s, and leaves each build to fail by
itself with an error of the transport; what stands in the way is told here, in words. Asked are
remote nodes, and Docker engines behind a socket.
"""

import os
import socket
import ssl
from typing import Final
from urllib.parse import urlsplit

from fleet.console import TroubleError, say
from fleet.declaration.builder_nodes import CONTAINER, KEY_OPTIONS, REMOTE, Node
from fleet.local.requirements import Needs

_SECONDS: Final = 5
# By driver: what is sent, the last of the first four bytes of an answer, and who gives it. A client
# of HTTP/2 begins with this preface and empty settings; the first frame of a server is of the type
# 4, its settings (RFC 9113, section 3.4). A Docker engine has a path to be asked at (Engine API).
_ASKED: Final = {
    REMOTE: (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", b"\4", "buildkitd"),
    CONTAINER: (b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n", b"HTTP", "the Docker engine"),
}


def require(needs: Needs) -> None:
    """Return once all nodes that can be asked answered, each within 5 s.

    :raises TroubleError: naming each that does not answer, why, and what to do.
    """
    if report := _report(needs):
        raise TroubleError(f"{report}\nNothing was changed.")


def report_unreachable(needs: Needs) -> None:
    """Report which nodes do not answer, after builds failed: theirs say no more than EOF."""
    if report := _report(needs):
        then = "What was to be built there failed; its tags are as they were. Repair it and rerun."
        say(f"{report}\n{then}")


def _report(needs: Needs) -> str:
    """Return which of the nodes that can be asked do not answer and why; empty if all do."""
    nodes = {
        name: node
        for name, node in needs.nodes.items()
        if node.driver == REMOTE or (node.driver == CONTAINER and node.endpoint.startswith("unix:"))
    }
    lines = [
        f"  - {name} ({node.endpoint}) for {', '.join(needs.builders[name])}: {why}."
        for name, node in nodes.items()
        if (why := _obstacle(node))
    ]
    count = f"{len(lines)} of {len(nodes)} nodes can't build"
    head = f"Pulumi.{needs.stack}.yaml, fleet:builder-nodes: {count}:"
    return "\n".join([head, *lines]) if lines else ""


def _obstacle(node: Node) -> str:
    """Return what keeps ``node`` from building, and the remedy; empty if it answers."""
    sent, expected, server = _ASKED[node.driver]
    answer = b""
    try:
        with _connected(node) as channel, channel.makefile("rb") as reader:
            channel.sendall(sent)
            answer = reader.read(4)
    except TroubleError as error:
        return str(error)
    except ssl.SSLCertVerificationError as error:
        return (
            f"its certificate is not trusted ({error.verify_message.rstrip('.')}). Name its "
            "authority in cacert, and the host that the certificate is for in servername"
        )
    except (OSError, UnicodeError) as error:
        # Python raises UnicodeError for a host such as a..b. With TLS 1.3, a server refuses our
        # certificate after the handshake.
        if not isinstance(error, ssl.SSLError | ConnectionResetError | BrokenPipeError):
            why = getattr(error, "strerror", None) or error
            return f"{why}. Start {server} there, and let this machine reach it"
    if answer.endswith(expected):
        return ""
    if node.driver == CONTAINER:
        return "what answers there is no Docker engine. Name the engine's own socket"
    signed = "refuses cert. Have its authority sign that"
    refuses = signed if "cert" in node.options else "wants TLS. Name certificates"
    return f"it is no BuildKit, or {refuses}, or name buildkitd's own address"


def _connected(node: Node) -> socket.socket:
    """Return a connection to ``node``, by TLS where its certificates are named.

    :raises TroubleError: when these can't be used; it names them, and the remedy.
    :raises OSError: when it can't be connected to.
    :raises UnicodeError: when its host is no valid name.
    """
    url = urlsplit(node.endpoint)
    if url.scheme == "unix":
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(_SECONDS)
        try:
            plain.connect(url.path)
        except OSError:
            plain.close()
            raise
        return plain
    context = _context(node) if "cacert" in node.options else None
    plain = socket.create_connection((url.hostname, url.port or 0), _SECONDS)
    name = node.options.get("servername") or url.hostname
    return context.wrap_socket(plain, server_hostname=name) if context else plain


def _context(node: Node) -> ssl.SSLContext:
    files = [node.options[option] for option in KEY_OPTIONS]
    if unread := [file for file in files if not os.access(file, os.R_OK)]:
        text = f"{', '.join(unread)} can't be read. Put the files there, or name others"
        raise TroubleError(text)
    authority, certificate, key = files
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    try:
        context.load_verify_locations(cafile=authority)
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        why = str(error.reason or error).lower().replace("_", " ")
        text = f"cacert, cert and key don't go together ({why}). Name PEM files that do"
        raise TroubleError(text) from None
    return context
