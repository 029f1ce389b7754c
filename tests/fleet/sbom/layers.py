"""Layers and images made by hand, for an in-memory registry."""

import gzip
import io
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

if sys.version_info >= (3, 14):
    from compression.zstd import compress as zstd
else:
    from backports.zstd import compress as zstd

from tests.providers.ociregistry.registry_fake import FakeRegistry

__all__ = [
    "CREATED", "LABELS", "NAME", "OS_RELEASE", "Entry", "deb", "distribution", "file", "folder",
    "hard_link", "layer", "link", "push", "status", "unpacked", "zstd",
]  # fmt: skip

NAME = "acme/app"
CREATED = "2025-03-04T05:06:07Z"
LABELS = {
    "org.opencontainers.image.title": "app",
    "org.opencontainers.image.version": "0.34.0",
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of a layer: a file with content, or what `kind` says."""

    path: str
    content: bytes = b""
    kind: bytes = tarfile.REGTYPE
    target: str = ""


def file(path: str, content: str | bytes = "") -> Entry:
    return Entry(path=path, content=content.encode() if isinstance(content, str) else content)


def folder(path: str) -> Entry:
    return Entry(path=path, kind=tarfile.DIRTYPE)


def link(path: str, target: str) -> Entry:
    return Entry(path=path, kind=tarfile.SYMTYPE, target=target)


def hard_link(path: str, target: str) -> Entry:
    return Entry(path=path, kind=tarfile.LNKTYPE, target=target)


def unpacked(*entries: Entry) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for entry in entries:
            member = tarfile.TarInfo(entry.path)
            member.type, member.linkname = entry.kind, entry.target
            member.size = len(entry.content)
            archive.addfile(member, io.BytesIO(entry.content))
    return made.getvalue()


def layer(*entries: Entry) -> bytes:
    return gzip.compress(unpacked(*entries), mtime=0)


def deb(name: str, version: str, **fields: str) -> str:
    """Return a paragraph of dpkg's record."""
    lines = {
        "Package": name,
        "Status": "install ok installed",
        "Architecture": "amd64",
        "Version": version,
        **{key.replace("_", "-"): value for key, value in fields.items()},
    }
    return "".join(f"{key}: {value}\n" for key, value in lines.items()) + "\n"


def status(*paragraphs: str) -> Entry:
    return file("var/lib/dpkg/status", "".join(paragraphs))


def distribution(name: str, version: str, *lines: str, folder: str = "usr/lib/python3") -> Entry:
    text = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines])
    return file(f"{folder}/{name}-{version}.dist-info/METADATA", f"{text}\n\nA description.\n")


OS_RELEASE = file("etc/os-release", 'ID=debian\nVERSION_ID="13"\n')


def push(
    registry: FakeRegistry,
    layers: Sequence[bytes],
    platform: str = "linux/amd64",
    env: Sequence[str] = (),
    **fields: Any,
) -> str:
    """Store an image of one platform; return the digest of its manifest.

    `fields` go into its configuration in place of those that are there; None takes one away.
    """
    os, architecture, *variant = platform.split("/")
    config = {
        "os": os,
        "architecture": architecture,
        "variant": variant[0] if variant else None,
        "created": CREATED,
        "config": {"Env": list(env), "Labels": LABELS},
        **fields,
    }
    config = {key: value for key, value in config.items() if value is not None}
    return registry.push_layers(NAME, config, layers)
