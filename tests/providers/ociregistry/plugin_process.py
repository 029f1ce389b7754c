"""The plugin as the engine starts it: a process, and the client of its port."""

import os
import select
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import grpc  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2_grpc

PLUGIN = Path(__file__).parents[3] / "providers" / "ociregistry" / "pulumi-resource-ociregistry"


@contextmanager
def started(
    environment: Mapping[str, str], tmp_path: Path
) -> Iterator[tuple["subprocess.Popen[bytes]", provider_pb2_grpc.ResourceProviderStub]]:
    """Start it, and wait for its end, to which the caller brings it; it complains of nothing."""
    with (
        (tmp_path / "stderr").open("wb") as errors,
        subprocess.Popen(
            [PLUGIN, "127.0.0.1:1"],
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **environment},
        ) as process,
    ):
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 60)[0]
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield process, provider_pb2_grpc.ResourceProviderStub(channel)
    assert (tmp_path / "stderr").read_text() == ""
