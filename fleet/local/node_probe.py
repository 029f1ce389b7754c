"""A probe of the builders but ours, before builds and after some failed: who answers, how old.

docker-build asks a node at the first build on it, waits 20 s, and leaves each build to fail by
itself with an error of the transport; what stands in the way is told here, in words. Asked are
remote nodes, by BuildKit's own API, and Docker engines behind a socket. Another kind is left to its
client: ``docker buildx inspect`` knows its version, where the machine has that and the builder
runs; else the tag of its declared image tells, if that is a version.
"""

import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import grpc  # type: ignore[import-untyped]

from fleet.console import TroubleError, say
from fleet.declaration.builder_nodes import CONTAINER, KEY_OPTIONS, REMOTE, Node
from fleet.local.child_environment import run
from fleet.local.requirements import Needs

OLDEST: Final = (0, 14, 1)
"""The export has rewrite-timestamp, which BuildKit knows since 0.13 and pushes without an error
since 0.14.1 (moby/buildkit 5040). Annotations of an index, and one of one platform, are older."""

_SECONDS: Final = 5
_VERSION: Final = re.compile(r"v?([0-9]+)\.([0-9]+)\.([0-9]+)")
_INSPECTED: Final = re.compile(r"^BuildKit(?: version)?:\s*(\S+)", re.MULTILINE | re.IGNORECASE)
_INFO: Final = "/moby.buildkit.v1.Control/Info"
# What stands before the version in an InfoResponse (api/services/control/control.proto): a field of
# its own, after that with the package, as protocol buffers write them: a key, a length, the bytes.
_BEFORE: Final = re.compile(rb"\A\x0a.{1,2}\x0a.[\x20-\x7e]+\x12(.)", re.DOTALL)
# A Docker engine has a path for being asked (Engine API, SystemPing).
_PING: Final = b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n"
_PONG: Final = b"HTTP"
# What gRPC says of the server's certificate, of a server that refuses ours (with TLS 1.3 only after
# the handshake; seen with Go's server and with its own), and of one that does not speak it.
_UNTRUSTED: Final = re.compile(r"VERIFY_FAILED: ([^:]+)|(Hostname Verification \w+ failed)")
_REFUSED: Final = re.compile(r"Unwrap failed|Socket closed|Connection reset|ALERT")
_OTHER: Final = re.compile(r"WRONG_VERSION_NUMBER|HTTP/2|Socket closed")


def require(needs: Needs) -> dict[str, str]:
    """Return BuildKit's version of each remote node, once all nodes that can be asked answered.

    Each is given 5 s.

    :raises TroubleError: naming each that does not answer, why, and what to do.
    """
    versions: dict[str, str] = {}
    if report := _report(needs, versions):
        raise TroubleError(f"{report}\nNothing was changed.")
    return versions


def require_new_enough(needs: Needs, versions: Mapping[str, str], env: Mapping[str, str]) -> None:
    """Return when no builder of ``needs`` but ours is known to be too old.

    ``versions`` are those that nodes told; ``env`` is the environment of Docker's client.

    :raises TroubleError: naming each that is, its version, and what to do.
    """
    others = [name for name in needs.builders if name not in versions]
    found = [*versions.items(), *((n, v) for n in others for v in _inspected(needs, n, env))]
    old = [f"  - {name} has BuildKit {version}." for name, version in found if is_too_old(version)]
    if old:
        oldest = ".".join(map(str, OLDEST))
        head = (
            f"Pulumi.{needs.stack}.yaml, fleet:builders: too old; {oldest} or later is needed to "
            "push images with fixed dates:"
        )
        remedy = (
            "Update buildkitd there. Make a builder of docker buildx again with another image "
            "(docker buildx rm, docker buildx create)."
        )
        raise TroubleError("\n".join([head, *dict.fromkeys(old), remedy, "Nothing was changed."]))


def report_unreachable(needs: Needs) -> None:
    """Report which nodes do not answer, after builds failed: theirs say no more than EOF."""
    if report := _report(needs, {}):
        then = "What was to be built there failed; its tags are as they were. Repair it and rerun."
        say(f"{report}\n{then}")


def is_too_old(version: str) -> bool:
    """Tell whether ``version`` is before ``OLDEST``; one that can't be read is not.

    A BuildKit that ``go build`` made without its version says that it is v0.0.0+unknown.
    """
    found = _VERSION.match(version)
    return found is not None and (0, 0, 0) < tuple(map(int, found.groups())) < OLDEST


def _report(needs: Needs, versions: dict[str, str]) -> str:
    """Return which nodes can't build and why; put what the others tell into ``versions``."""
    asked, lines = 0, []
    for name, node in needs.nodes.items():
        try:
            if node.driver == REMOTE:
                asked += 1
                versions[name] = _version(node)
            elif node.driver == CONTAINER and node.endpoint.startswith("unix:"):
                asked += 1
                _ping(urlsplit(node.endpoint).path)
        except TroubleError as why:
            platforms = ", ".join(needs.builders[name])
            lines.append(f"  - {name} ({node.endpoint}) for {platforms}: {why}.")
    count = f"{len(lines)} of {asked} nodes can't build"
    head = f"Pulumi.{needs.stack}.yaml, fleet:builder-nodes: {count}:"
    return "\n".join([head, *lines]) if lines else ""


def _version(node: Node) -> str:
    """Return the version that a remote node tells.

    One that does not know the question is of before 0.11.

    :raises TroubleError: naming what keeps the node from building, and the remedy.
    """
    with _unheard(), _channel(node) as channel:
        try:
            answer = channel.unary_unary(_INFO)(b"", timeout=_SECONDS)
            before = _BEFORE.search(answer)
            return (
                answer[before.end() :][: before[1][0]].decode("ascii", "replace") if before else ""
            )
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNIMPLEMENTED:
                return "0.10.0 or before"
            raise TroubleError(_fault(node, str(error.details()))) from None


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep off stderr what gRPC prints of a failed handshake: `_fault` says it in words."""
    heard, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(heard, 2)
        os.close(heard)
        os.close(nowhere)


def _fault(node: Node, said: str) -> str:
    """Return in words what gRPC ``said`` of a connection to ``node``, and the remedy."""
    if untrusted := _UNTRUSTED.search(said):
        return (
            f"its certificate is not trusted ({untrusted[1] or untrusted[2]}). Name its authority "
            "in cacert, and the host that the certificate is for in servername"
        )
    if "cert" in node.options and _REFUSED.search(said):
        return "it refuses the connection. Have its authority sign cert"
    if _OTHER.search(said):
        return "what answers there is no BuildKit, or wants TLS. Name buildkitd's own address"
    why = said.rpartition(": ")[2].rstrip("]")
    return f"{why}. Start buildkitd there, and let this machine reach it"


def _channel(node: Node) -> grpc.Channel:
    url, options = urlsplit(node.endpoint), [("grpc.enable_http_proxy", 0)]
    target = f"unix:{url.path}" if url.scheme == "unix" else url.netloc
    if "cacert" not in node.options:
        return grpc.insecure_channel(target, options=options)
    files = [node.options[key] for key in KEY_OPTIONS]
    if unread := [file for file in files if not os.access(file, os.R_OK)]:
        text = f"{', '.join(unread)} can't be read. Put the files there, or name others"
        raise TroubleError(text)
    try:
        tried = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tried.load_verify_locations(cafile=node.options["cacert"])
        tried.load_cert_chain(node.options["cert"], node.options["key"])
    except ssl.SSLError as error:
        why = str(error.reason or error).lower().replace("_", " ")
        text = f"cacert, cert and key don't go together ({why}). Name PEM files that do"
        raise TroubleError(text) from None
    authority, certificate, key = (Path(file).read_bytes() for file in files)
    name = node.options.get("servername") or url.hostname or ""
    return grpc.secure_channel(
        target,
        grpc.ssl_channel_credentials(authority, key, certificate),
        options=[("grpc.ssl_target_name_override", name), *options],
    )


def _ping(path: str) -> None:
    """Ask the Docker engine at the socket ``path``.

    :raises TroubleError: when none answers; it says why, and the remedy.
    """
    try:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(_SECONDS)
            channel.connect(path)
            channel.sendall(_PING)
            with channel.makefile("rb") as answer:
                is_docker = answer.read(len(_PONG)) == _PONG
    except OSError as error:
        why = error.strerror or error
        text = f"{why}. Start the Docker engine there, and let this machine reach it"
        raise TroubleError(text) from None
    if not is_docker:
        text = "what answers there is no Docker engine. Name the engine's own socket"
        raise TroubleError(text)


def _inspected(needs: Needs, name: str, env: Mapping[str, str]) -> Iterator[str]:
    """Yield the versions that Docker's client knows of a builder, else that of its image."""
    known: list[str] = []
    if docker := shutil.which("docker", path=env.get("PATH")):
        try:
            done = run([docker, "buildx", "inspect", name], env=env, timeout=60)
        except subprocess.TimeoutExpired:
            pass
        else:
            known = [] if done.returncode else _INSPECTED.findall(done.stdout)
    yield from known
    node = needs.nodes.get(name)
    if not known and node is not None and "image" in node.options:
        yield node.options["image"].partition("@")[0].rpartition(":")[2]
