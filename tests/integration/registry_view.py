"""A registry as those see it who pull: written apart from the program, so that it can judge it."""

import gzip
import hashlib
import io
import json
import re
import ssl
import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_RECORD = "var/lib/dpkg/status"


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """One platform's image, every byte of it checked against its digest."""

    platform: str
    digest: str
    config: dict[str, Any]
    layers: tuple[bytes, ...]


class RegistryView:
    """One repository of the embedded registry, over TLS with its own authority and login.

    `logins` is a Docker configuration, read as any Docker client reads it.
    """

    def __init__(self, registry: str, repository: str, authority: Path, logins: Path) -> None:
        host, _, namespace = registry.partition("/")
        self.reference = f"{registry}/{repository}"
        self._root = f"https://{host}/v2/{namespace}/{repository}"
        self._authority = authority
        self._host, self._logins = host, logins

    @cached_property
    def _http(self) -> httpx.Client:
        # Not sooner: the authority is made by the first `make up`.
        context = ssl.create_default_context(cafile=str(self._authority))
        found = json.loads(self._logins.read_text())["auths"][self._host]["auth"]
        headers = {"Authorization": f"Basic {found}"}
        return httpx.Client(verify=context, headers=headers, timeout=30)

    def close(self) -> None:
        if "_http" in self.__dict__:
            self._http.close()

    def tags(self) -> dict[str, str]:
        """Return every tag with its digest, but the lists of referrers."""
        answer = self._http.get(f"{self._root}/tags/list")
        if answer.status_code == 404:
            return {}
        answer.raise_for_status()
        names = (tag for tag in answer.json()["tags"] or [] if not tag.startswith("sha256-"))
        return {tag: self.digest(tag) or "" for tag in names}

    def digest(self, reference: str) -> str | None:
        """Return what ``reference`` names, or ``None``."""
        answer = self._http.head(
            self._manifest(reference), headers={"Accept": f"{INDEX}, {MANIFEST}"}
        )
        return None if answer.status_code == 404 else answer.headers["Docker-Content-Digest"]

    def index(self, reference: str) -> dict[str, Any]:
        """Return the index that ``reference`` names."""
        found: dict[str, Any] = json.loads(self._get(self._manifest(reference), INDEX))
        return found

    def pull(self, reference: str) -> list[Pulled]:
        """Pull every platform of an index whole; fail on anything missing or altered."""
        return [
            self._pull_platform(child["platform"], child["digest"])
            for child in self.index(reference)["manifests"]
        ]

    def platforms(self, reference: str) -> set[str]:
        """Pull every platform of an index whole, and return which they are."""
        return {image.platform for image in self.pull(reference)}

    def layers(self, reference: str) -> tuple[bytes, ...]:
        """Return the layers of what ``reference`` names, a manifest of its own."""
        manifest = json.loads(self._get(self._manifest(reference), MANIFEST))
        return tuple(self._blob(layer["digest"]) for layer in manifest["layers"])

    def move(self, tag: str, reference: str) -> None:
        """Point ``tag`` at what ``reference`` names, as somebody else would."""
        body = self._get(self._manifest(reference), INDEX)
        self._http.put(
            self._manifest(tag), content=body, headers={"Content-Type": INDEX}
        ).raise_for_status()

    def remove(self, reference: str) -> None:
        """Delete a tag or digest, as somebody else would."""
        self._http.delete(self._manifest(reference)).raise_for_status()

    def take(self, other: "RegistryView", tag: str) -> None:
        """Hold what ``tag`` of ``other`` names, all platforms byte for byte, as a mirror does."""
        for child in other.index(tag)["manifests"]:
            body = other._checked(other._manifest(child["digest"]), child["digest"], MANIFEST)
            manifest = json.loads(body)
            for blob in (manifest["config"], *manifest["layers"]):
                mounted = {"mount": blob["digest"], "from": other._root.partition("/v2/")[2]}
                answer = self._http.post(f"{self._root}/blobs/uploads/", params=mounted)
                assert answer.status_code == 201, "held by the same registry, and not sent again"
            self._put_bytes(child["digest"], body, MANIFEST)
        self._put_bytes(tag, other._get(other._manifest(tag), INDEX), INDEX)

    def relabel(self, tag: str, platform: str, value: str) -> None:
        """Make one platform of the index at ``tag`` another image, as its maker would."""
        self._remake(tag, platform, label=value)

    def upgrade(self, tag: str, platform: str, package: str, version: str) -> None:
        """Have one platform of the index at ``tag`` hold another version of a Debian package.

        As its maker would, by a layer with another record of dpkg's.
        """
        images = {image.platform: image for image in self.pull(tag)}
        record = next(filter(None, map(_record, reversed(images[platform].layers))))
        paragraph = re.compile(rf"(^Package: {package}\n(?:.+\n)*?Version: ).+$", re.MULTILINE)
        changed, count = paragraph.subn(rf"\g<1>{version}", record.decode())
        assert count == 1, package
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as archive:
            entry = tarfile.TarInfo(_RECORD)
            entry.size = len(changed.encode())
            archive.addfile(entry, io.BytesIO(changed.encode()))
        self._remake(tag, platform, layer=made.getvalue())

    def put_index(self, tag: str, index: dict[str, Any]) -> None:
        """Put an index that was there once under ``tag``."""
        self._put(tag, index, INDEX)

    def _remake(self, tag: str, platform: str, *, label: str = "", layer: bytes = b"") -> None:
        index = self.index(tag)
        (child,) = [
            entry for entry in index["manifests"] if _platform(entry["platform"]) == platform
        ]
        manifest = json.loads(
            self._checked(self._manifest(child["digest"]), child["digest"], MANIFEST)
        )
        config = json.loads(self._blob(manifest["config"]["digest"]))
        if label:
            config["config"].setdefault("Labels", {})["moved"] = label
        if layer:
            packed = gzip.compress(layer, mtime=0)
            config["rootfs"]["diff_ids"].append(_described(layer)["digest"])
            manifest["layers"].append({"mediaType": _LAYER, **self._put_blob(packed)})
        manifest["config"] |= self._put_blob(json.dumps(config).encode())
        child |= self._put(_described(json.dumps(manifest).encode())["digest"], manifest, MANIFEST)
        self._put(tag, index, INDEX)

    def _put_blob(self, body: bytes) -> dict[str, Any]:
        place = httpx.URL(self._http.post(f"{self._root}/blobs/uploads/").headers["Location"])
        # Beside the parameters that the registry gave it.
        place = place.copy_merge_params({"digest": _described(body)["digest"]})
        self._http.put(place, content=body).raise_for_status()
        return _described(body)

    def _put(self, reference: str, value: dict[str, Any], kind: str) -> dict[str, Any]:
        body = json.dumps(value).encode()
        self._put_bytes(reference, body, kind)
        return _described(body)

    def _put_bytes(self, reference: str, body: bytes, kind: str) -> None:
        self._http.put(
            self._manifest(reference), content=body, headers={"Content-Type": kind}
        ).raise_for_status()

    def _pull_platform(self, platform: dict[str, str], digest: str) -> Pulled:
        manifest = json.loads(self._checked(self._manifest(digest), digest, MANIFEST))
        config = json.loads(self._blob(manifest["config"]["digest"]))
        return Pulled(
            platform=_platform(platform),
            digest=digest,
            config=config,
            layers=tuple(self._blob(layer["digest"]) for layer in manifest["layers"]),
        )

    def _blob(self, digest: str) -> bytes:
        return self._checked(f"{self._root}/blobs/{digest}", digest, "*/*")

    def _checked(self, url: str, digest: str, accept: str) -> bytes:
        body = self._get(url, accept)
        assert f"sha256:{hashlib.sha256(body).hexdigest()}" == digest, url
        return body

    def _get(self, url: str, accept: str) -> bytes:
        answer = self._http.get(url, headers={"Accept": accept}, follow_redirects=True)
        assert answer.status_code == 200, f"{url}: {answer.status_code}"
        return answer.content

    def _manifest(self, reference: str) -> str:
        return f"{self._root}/manifests/{reference}"


def _record(layer: bytes) -> bytes:
    """Return the record of dpkg's in a layer; nothing where it has none."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        for entry in archive:
            if entry.name.removeprefix("./") == _RECORD and (file := archive.extractfile(entry)):
                return file.read()
    return b""


def _platform(entry: dict[str, str]) -> str:
    return "/".join(entry[k] for k in ("os", "architecture", "variant") if k in entry)


def _described(body: bytes) -> dict[str, Any]:
    return {"digest": f"sha256:{hashlib.sha256(body).hexdigest()}", "size": len(body)}
