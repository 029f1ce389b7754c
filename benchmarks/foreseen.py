"""The docker-build plugin, but for the builds: each is foreseen, and something small pushed for it.

The engine attaches to it (``PULUMI_DEBUG_PROVIDERS=docker-build:PORT``). Every request goes on to
the real plugin. A creation or update goes on as that of a preview, so that the state is what the
plugin itself says, but for what no preview knows: the hash of the context, and the digest, which is
that of an index of images of a few bytes, pushed to the build's tag. The real plugin then finds all
of it as if it had been its own work.
"""

import argparse
import asyncio
import csv
import functools
import gzip
import json
import signal
import ssl
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc  # type: ignore[import-untyped]
import grpc.aio  # type: ignore[import-untyped]
import httpx
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2

from benchmarks.contexts import context_hash
from fleet.local.registry_login import USERNAME
from tests.engine.seeding import OCI_INDEX, OCI_MANIFEST, sha

_SERVICE: Final = "/pulumirpc.ResourceProvider/"
_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
_AT_ONCE: Final = 16
_ANNOTATION: Final = "annotation-index."
# An empty archive, which is read where bills of materials are made; all images share it.
_LAYER_BYTES: Final = gzip.compress(bytes(1024), mtime=0)


@dataclass
class Registry:
    """Pushes small images; blobs go to each repository once."""

    http: httpx.AsyncClient
    _locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _blobs: dict[tuple[str, bytes], dict[str, Any]] = field(default_factory=dict)

    async def push(self, reference: str, platforms: Iterable[str], export: str) -> str:
        """Push what no other reference has, as a build of ``export`` would; return its digest."""
        place, _, tag = reference.rpartition(":")
        host, _, repository = place.partition("/")
        root = f"https://{host}/v2/{repository}"
        index = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [await self._image(root, platform, reference) for platform in platforms],
            "annotations": annotations_of(export),
        }
        return await self._put(f"{root}/manifests/{tag}", index)

    async def _image(self, root: str, platform: str, reference: str) -> dict[str, Any]:
        """Push an image of one platform; return its entry in an index."""
        fields = platform_of(platform)
        config = {**fields, "created": "1970-01-01T00:00:00Z"}
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": await self._blob(root, json.dumps(config).encode(), _CONFIG),
            "layers": [await self._blob(root, _LAYER_BYTES, _LAYER)],
            "annotations": {"reference": reference},
        }
        digest = sha(_bytes(document))
        await self._put(f"{root}/manifests/{digest}", document)
        size = len(_bytes(document))
        return {"mediaType": OCI_MANIFEST, "digest": digest, "size": size, "platform": fields}

    async def _put(self, address: str, document: dict[str, Any]) -> str:
        body, headers = _bytes(document), {"Content-Type": document["mediaType"]}
        (await self.http.put(address, content=body, headers=headers)).raise_for_status()
        return sha(body)

    async def _blob(self, root: str, body: bytes, media_type: str) -> dict[str, Any]:
        async with self._locks[root]:
            known = self._blobs.get((root, body))
            return known or await self._upload(root, body, media_type)

    async def _upload(self, root: str, body: bytes, media_type: str) -> dict[str, Any]:
        started = await self.http.post(f"{root}/blobs/uploads/")
        started.raise_for_status()
        address = httpx.URL(started.headers["Location"]).copy_merge_params({"digest": sha(body)})
        (await self.http.put(address, content=body)).raise_for_status()
        entry = {"mediaType": media_type, "digest": sha(body), "size": len(body)}
        self._blobs[(root, body)] = entry
        return entry


def platform_of(name: str) -> dict[str, str]:
    """Return what an index says of a platform that docker-build calls ``name``."""
    system, architecture, *variant = name.split("/")
    # As BuildKit normalises it.
    found = variant or (["v7"] if architecture == "arm" else [])
    fields = {"os": system, "architecture": architecture}
    return {**fields, "variant": found[0]} if found else fields


def annotations_of(export: str) -> dict[str, str]:
    """Return the annotations of the index that a raw ``export`` asks for."""
    (fields,) = csv.reader([export])
    named = (field.removeprefix(_ANNOTATION) for field in fields if field.startswith(_ANNOTATION))
    return {key: value for key, _, value in (pair.partition("=") for pair in named)}


def _bytes(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


class Foreseen(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Hands every method on to the plugin at ``channel``, and completes what it foresees."""

    def __init__(self, channel: Any, registry: Registry) -> None:
        self._channel = channel
        self._registry = registry
        self._hash = functools.cache(_hash)

    def service(self, details: Any) -> Any:
        """Return the handler of one method, which takes and returns bytes."""
        forward = self._channel.unary_unary(details.method)
        complete: dict[str, Callable[[Any, bytes], Any]] = {
            f"{_SERVICE}Create": self._create,
            f"{_SERVICE}Update": self._update,
        }
        work = complete.get(details.method)

        async def answer(request: bytes, context: Any) -> bytes:
            try:
                return bytes(await (work(forward, request) if work else forward(request)))
            except grpc.aio.AioRpcError as error:
                return await context.abort(error.code(), error.details())  # type: ignore[no-any-return]

        return grpc.unary_unary_rpc_method_handler(answer)

    async def _create(self, forward: Any, body: bytes) -> bytes:
        request = provider_pb2.CreateRequest.FromString(body)
        real, request.preview = not request.preview, True
        answer = provider_pb2.CreateResponse.FromString(await forward(request.SerializeToString()))
        if real:
            answer.id = await self._complete(answer.properties) or request.name
        return bytes(answer.SerializeToString())

    async def _update(self, forward: Any, body: bytes) -> bytes:
        request = provider_pb2.UpdateRequest.FromString(body)
        real, request.preview = not request.preview, True
        answer = provider_pb2.UpdateResponse.FromString(await forward(request.SerializeToString()))
        if real:
            await self._complete(answer.properties)
        return bytes(answer.SerializeToString())

    async def _complete(self, properties: Any) -> str:
        """Give a state what a preview lacks; return the digest of a build, else nothing."""
        context = MessageToDict(properties["context"])
        named = context.get("named", {})
        properties["contextHash"] = self._hash(
            context["location"],
            properties["dockerfile"]["location"],
            tuple((name, folder["location"]) for name, folder in named.items()),
        )
        if "tags" not in properties or not len(properties["tags"]):
            properties["digest"] = properties["ref"] = ""
            return ""
        reference, export = properties["tags"][0], properties["exports"][0]["raw"]
        digest = await self._registry.push(reference, list(properties["platforms"]), export)
        properties["digest"], properties["ref"] = digest, f"{reference}@{digest}"
        return digest


def _hash(context: str, dockerfile: str, named: tuple[tuple[str, str], ...]) -> str:
    return context_hash(Path(context), Path(dockerfile), {n: Path(place) for n, place in named})


async def serve(plugin: Path, authority: Path, password: str) -> None:
    """Serve until SIGTERM; the port is the first line of standard output."""
    started = await asyncio.create_subprocess_exec(plugin, stdout=asyncio.subprocess.PIPE)
    assert started.stdout is not None
    try:
        port = int(await started.stdout.readline())
        context = ssl.create_default_context(cafile=str(authority))
        limits = httpx.Limits(max_connections=_AT_ONCE)
        async with (
            httpx.AsyncClient(
                verify=context,
                auth=(USERNAME, password),
                trust_env=False,
                timeout=60,
                limits=limits,
            ) as http,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}", _GRPC_CHANNEL_OPTIONS) as channel,
        ):
            server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
            server.add_generic_rpc_handlers((Foreseen(channel, Registry(http)),))
            sys.stdout.write(f"{server.add_insecure_port('127.0.0.1:0')}\n")
            sys.stdout.flush()
            await server.start()
            ended = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
            await ended.wait()
            await server.stop(None)
    finally:
        started.terminate()
        await started.wait()


def main(arguments: list[str]) -> int:
    """Serve in front of the plugin that is named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.foreseen", description=__doc__)
    parser.add_argument("plugin", type=Path)
    parser.add_argument("authority", type=Path, help="the registry's authority, a PEM file")
    parser.add_argument("password", type=Path, help="the file with the registry's password")
    chosen = parser.parse_args(arguments)
    asyncio.run(serve(chosen.plugin, chosen.authority, chosen.password.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
