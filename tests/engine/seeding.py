"""Small synthetic images and indexes, pushed by plain HTTP."""

import gzip
import hashlib
import io
import json
import ssl
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from fleet.registry.manifest import OWNER_ANNOTATION
from tests.engine.registries import Served

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
# Nothing is ever sent over TLS here; httpx would else read a bundle for each client.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
SOMEBODY = {"Authorization": "Bearer of-somebody-else"}
"""What somebody else reads and writes with; a registry that asks nobody takes no notice."""
PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")


def sha(body: bytes) -> str:
    """Return the digest of `body`."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def push_image(
    registry: Served, repository: str, platforms: Iterable[str], seed: str
) -> dict[str, str]:
    """Push one image per platform, a configuration and a tiny layer each; return their digests.

    Equal seeds give equal bytes, whatever the registry.
    """
    with _client(registry, repository) as http:
        return {platform: _push_platform(http, platform, seed) for platform in platforms}


def push_index(
    registry: Served,
    repository: str,
    tags: Iterable[str],
    children: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
) -> str:
    """Push an index of `children` (platform to digest, of this repository); return its digest.

    It is stored under its digest and under every one of `tags`.
    """
    with _client(registry, repository) as http:
        document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [_entry(http, p, digest) for p, digest in sorted(children.items())],
        }
        if annotations:
            document["annotations"] = dict(annotations)
        body = json.dumps(document).encode()
        for reference in (sha(body), *tags):
            put_manifest(http, reference, body, OCI_INDEX)
        return sha(body)


def push_build(
    registry: Served,
    repository: str,
    seed: str,
    platforms: Iterable[str] = PLATFORMS,
    owner: str = "fleet/dev",
) -> str:
    """Push an index of several platforms as a build of the fleet does; return its digest."""
    children = push_image(registry, repository, platforms, seed)
    return push_index(registry, repository, (), children, {OWNER_ANNOTATION: owner})


def push_manifest(registry: Served, repository: str, document: dict[str, Any]) -> str:
    """Push a manifest as it is under its digest, which is returned."""
    body = json.dumps(document).encode()
    with _client(registry, repository) as http:
        put_manifest(http, sha(body), body, str(document["mediaType"]))
    return sha(body)


def move_tag(registry: Served, repository: str, tag: str, reference: str) -> None:
    """Point `tag` at what `reference` names, as somebody else would."""
    with _client(registry, repository) as http:
        found = http.get(
            f"manifests/{reference}", headers={"Accept": f"{OCI_INDEX},{OCI_MANIFEST}"}
        )
        found.raise_for_status()
        put_manifest(http, tag, found.content, found.headers["Content-Type"])


def delete(registry: Served, repository: str, reference: str) -> None:
    """Delete a tag or digest, as somebody else would."""
    with _client(registry, repository) as http:
        http.delete(f"manifests/{reference}").raise_for_status()


def put_manifest(http: httpx.Client, reference: str, body: bytes, media_type: str) -> None:
    """Write a manifest as it is."""
    headers = {"Content-Type": media_type}
    http.put(f"manifests/{reference}", content=body, headers=headers).raise_for_status()


def _client(registry: Served, repository: str) -> httpx.Client:
    base = f"http://{registry.host}/v2/{repository}/"
    return httpx.Client(
        base_url=base, timeout=30, trust_env=False, verify=_NO_TLS, headers=SOMEBODY
    )


def _push_platform(http: httpx.Client, platform: str, seed: str) -> str:
    os, architecture, *variant = platform.split("/")
    config: dict[str, Any] = {"architecture": architecture, "os": os, "config": {}, "seed": seed}
    config["created"] = "2026-01-02T03:04:05Z"
    if variant:
        config["variant"] = variant[0]
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _push_blob(http, json.dumps(config).encode(), _CONFIG),
        "layers": [
            _push_blob(http, _layer("a layer that all images share"), _LAYER),
            _push_blob(http, _layer(f"{seed} on {platform}"), _LAYER),
        ],
    }
    body = json.dumps(document).encode()
    put_manifest(http, sha(body), body, OCI_MANIFEST)
    return sha(body)


def _layer(text: str) -> bytes:
    """Return a layer of one file; equal texts give equal bytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("text")
        member.size = len(text.encode())
        archive.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(packed.getvalue(), mtime=0)


def _push_blob(http: httpx.Client, body: bytes, media_type: str) -> dict[str, Any]:
    digest = sha(body)
    if http.head(f"blobs/{digest}").status_code != 200:
        started = http.post("blobs/uploads/")
        started.raise_for_status()
        address = http.base_url.join(started.headers["Location"])
        http.put(
            address.copy_merge_params({"digest": digest}),
            content=body,
            headers={"Content-Type": "application/octet-stream"},
        ).raise_for_status()
    return {"mediaType": media_type, "digest": digest, "size": len(body)}


def _entry(http: httpx.Client, platform: str, digest: str) -> dict[str, Any]:
    found = http.get(f"manifests/{digest}", headers={"Accept": OCI_MANIFEST})
    found.raise_for_status()
    os, architecture, *variant = platform.split("/")
    fields = {"architecture": architecture, "os": os}
    if variant:
        fields["variant"] = variant[0]
    return {
        "mediaType": OCI_MANIFEST,
        "digest": digest,
        "size": len(found.content),
        "platform": fields,
    }
