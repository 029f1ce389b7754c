"""A BuildKit that is too old is refused by its version, wherever that can be known."""

import os
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import pytest

from fleet.console import TroubleError
from fleet.declaration.builder_nodes import Node
from fleet.local import buildkit_version
from fleet.local.buildkit_version import is_too_old
from tests.fleet.local.examples import command, needs

INSPECTED = """\
Name:          mine
Driver:        docker-container

Nodes:
Name:                  mine0
Endpoint:              unix:///var/run/docker.sock
Status:                running
BuildKit daemon flags: --allow-insecure-entitlement=network.host
BuildKit version:      {version}
Platforms:             linux/amd64
"""


def info(version: str) -> bytes:
    """An `InfoResponse`, by the encoding of protocol buffers."""
    package = b"\x0a\x19github.com/moby/buildkit/x"[:27]
    inner = package + b"\x12" + bytes([len(version)]) + version.encode()
    return b"\x0a" + bytes([len(inner)]) + inner


@contextmanager
def node(version: str | None) -> Iterator[Node]:
    """A daemon that tells its version, or one that does not know the question."""

    class Control(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: object) -> object:
            if version is None or getattr(details, "method", "") != (
                "/moby.buildkit.v1.Control/Info"
            ):
                return None
            return grpc.unary_unary_rpc_method_handler(lambda _, __: info(version))

    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=(Control(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield Node(driver="remote", endpoint=f"tcp://127.0.0.1:{port}", options={})
    server.stop(None).wait()


def ask(known: Node | None, path: Path | None = None) -> None:
    nodes = {"arm": known} if known else {}
    env = {**os.environ, "PATH": str(path) if path else "/nowhere"}
    buildkit_version.require(needs(builders=("arm",), nodes=nodes), env)


@pytest.mark.parametrize(
    ("version", "old"),
    [("v0.12.5", True), ("0.13.0-beta1", True), ("v0.14.0", True), ("v0.14.1", False),
     ("v0.31.1", False), ("v1.0.0", False), ("", False), ("v0.0.0+unknown", False)],
)  # fmt: skip
def test_versions_are_compared_by_number(version: str, old: bool) -> None:
    assert is_too_old(version) is old


@pytest.mark.parametrize("version", ["v0.12.5", None])
def test_a_remote_node_that_is_too_old_is_named_with_its_version(version: str | None) -> None:
    with node(version) as old, pytest.raises(TroubleError) as failure:
        ask(old)
    text = str(failure.value)
    assert f"arm has BuildKit {version or '0.10.0 or before'}" in text
    assert "0.14.1 or later is needed" in text
    assert text.endswith("Nothing was changed.")


def test_a_remote_node_that_is_new_enough_is_taken() -> None:
    with node("v0.31.1") as new:
        ask(new)


def test_a_builder_that_buildx_knows_is_asked_through_it(tmp_path: Path) -> None:
    command(tmp_path, "docker", f"/bin/cat <<'END'\n{INSPECTED.format(version='v0.12.5')}END")
    with pytest.raises(TroubleError, match=r"arm has BuildKit v0\.12\.5"):
        ask(None, tmp_path)
    command(tmp_path, "docker", f"/bin/cat <<'END'\n{INSPECTED.format(version='v0.29.0')}END")
    ask(None, tmp_path)


@pytest.mark.parametrize("image", ["moby/buildkit:v0.12.5", f"moby/buildkit:v0.12.5@sha256:{'a'}"])
def test_of_one_that_does_not_run_the_declared_image_tells(image: str) -> None:
    declared = Node(driver="docker-container", endpoint="", options={"image": image})
    with pytest.raises(TroubleError, match=r"arm has BuildKit v0\.12\.5"):
        ask(declared)


def test_of_what_nobody_can_ask_nothing_is_said(tmp_path: Path) -> None:
    ask(None)
    ask(Node(driver="kubernetes", endpoint="", options={}))
    ask(Node(driver="remote", endpoint=f"unix://{tmp_path}/gone.sock", options={}))
    command(tmp_path, "docker", "exit 1")
    ask(None, tmp_path)
