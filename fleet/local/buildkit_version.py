"""The version of BuildKit behind each builder but ours: what is too old stops before builds.

A remote node is asked itself. Any other builder is asked through ``docker buildx inspect``, where
the machine has it and the builder runs; else the tag of its declared image tells, if that is a
version. Of the rest nothing is known before the first build, which then starts it.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import grpc  # type: ignore[import-untyped]

from fleet.console import TroubleError
from fleet.declaration.builder_nodes import KEY_OPTIONS, REMOTE, Node
from fleet.local.child_environment import run
from fleet.local.requirements import Needs

OLDEST: Final = (0, 14, 1)
"""The export has rewrite-timestamp, which BuildKit knows since 0.13 and pushes without an error
since 0.14.1 (moby/buildkit 5040). Annotations of an index, and one of one platform, are older."""

_SECONDS: Final = 5
_INFO: Final = "/moby.buildkit.v1.Control/Info"
_VERSION: Final = re.compile(r"v?([0-9]+)\.([0-9]+)\.([0-9]+)")
_INSPECTED: Final = re.compile(r"^BuildKit(?: version)?:\s*(\S+)", re.MULTILINE | re.IGNORECASE)
# The version in an InfoResponse (api/services/control/control.proto): a field of its own, after
# that with the package, as protocol buffers write them: a key, a length, and that many bytes.
_TOLD: Final = re.compile(rb"\A\x0a.{1,2}\x0a.[\x20-\x7e]+\x12.([\x20-\x7e]+)", re.DOTALL)


def require(needs: Needs, env: Mapping[str, str]) -> None:
    """Return when no builder of ``needs`` but the embedded one is known to be too old.

    :raises TroubleError: naming each that is, its version, and what to do.
    """
    old = [
        f"  - {name} has BuildKit {version}."
        for name in needs.builders
        for version in _versions(name, needs.nodes.get(name), env)
        if is_too_old(version)
    ]
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


def is_too_old(version: str) -> bool:
    """Tell whether ``version`` is before ``OLDEST``; one that can't be read is not.

    A BuildKit that ``go build`` made without its version says that it is v0.0.0+unknown.
    """
    found = _VERSION.match(version)
    return found is not None and (0, 0, 0) < tuple(map(int, found.groups())) < OLDEST


def _versions(name: str, node: Node | None, env: Mapping[str, str]) -> Iterator[str]:
    if node is not None and node.driver == REMOTE:
        yield _answer(node)
        return
    known = _INSPECTED.findall(_inspect(name, env))
    yield from known
    if not known and node is not None and "image" in node.options:
        yield node.options["image"].partition("@")[0].rpartition(":")[2]


def _inspect(name: str, env: Mapping[str, str]) -> str:
    docker = shutil.which("docker", path=env.get("PATH"))
    if docker is None:
        return ""
    argv = [docker, "buildx", "inspect", name]
    try:
        done = run(argv, env=env, timeout=60)
    except subprocess.TimeoutExpired:
        return ""
    return "" if done.returncode else done.stdout


def _answer(node: Node) -> str:
    """Return the version that a remote node tells, empty where it does not answer.

    One that does not know the question is of before 0.11.
    """
    try:
        with _channel(node) as channel:
            answer = channel.unary_unary(_INFO)(b"", timeout=_SECONDS)
            found = _TOLD.search(answer)
            return found[1].decode() if found else ""
    except grpc.RpcError as error:
        unknown = error.code() == grpc.StatusCode.UNIMPLEMENTED
        return "0.10.0 or before" if unknown else ""


def _channel(node: Node) -> grpc.Channel:
    url = urlsplit(node.endpoint)
    target = f"unix:{url.path}" if url.scheme == "unix" else url.netloc
    if "cacert" not in node.options:
        return grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)])
    authority, certificate, key = (Path(node.options[k]).read_bytes() for k in KEY_OPTIONS)
    name = node.options.get("servername") or url.hostname or ""
    return grpc.secure_channel(
        target,
        grpc.ssl_channel_credentials(authority, key, certificate),
        options=[("grpc.ssl_target_name_override", name), ("grpc.enable_http_proxy", 0)],
    )
