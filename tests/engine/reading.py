"""A registry as those see it who pull; no code of the provider's, so that it can be judged."""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from tests.engine.registries import Served
from tests.engine.seeding import SOMEBODY
from tests.loopback import Answered, ask

_ACCEPT = (
    "application/vnd.oci.image.index.v1+json,application/vnd.oci.image.manifest.v1+json,"
    "application/vnd.docker.distribution.manifest.list.v2+json"
)


class Reading:
    """One repository, read over plain HTTP."""

    def __init__(self, registry: Served, repository: str) -> None:
        self._registry, self._repository = registry, repository
        self._known: dict[str, bytes] | None = None

    def tags(self) -> dict[str, str]:
        """Return every tag with its digest, computed from the bytes it names."""
        answer = self._get("tags/list")
        if answer.status == 404:
            return {}
        assert answer.status == 200, answer
        named = json.loads(answer.content)["tags"] or []
        return {tag: self.digest(tag) or "" for tag in named}

    def digest(self, reference: str) -> str | None:
        """Return the digest of the bytes that `reference` names, or None."""
        answer = self._get(f"manifests/{reference}")
        if answer.status == 404:
            return None
        assert answer.status == 200, answer
        return _sha(answer.content)

    def manifest(self, digest: str) -> bytes:
        """Return a manifest's bytes, checked against its digest."""
        return self._fetch(f"manifests/{digest}", digest)

    def referrers(self, digest: str) -> set[str]:
        """Return what refers to a digest, by the registry's own list or that under the tag."""
        answer = self._get(f"referrers/{digest}")
        pages = [json.loads(answer.content)] if answer.status == 200 else []
        if (tag := digest.replace(":", "-")) in self.tags():
            pages.append(json.loads(self._fetch(f"manifests/{tag}", tag)))
        return {entry["digest"] for page in pages for entry in page["manifests"] or ()}

    def blob(self, digest: str) -> bytes:
        """Return a blob's bytes, checked against its digest."""
        return self._fetch(f"blobs/{digest}", digest)

    def undo(self, owner: str = "fleet/dev") -> dict[str, str]:
        """Return the last digest of each name in the undo record that lies beside the images."""
        return dict(self.undo_entries(owner))

    def undo_entries(self, owner: str = "fleet/dev") -> list[tuple[str, str]]:
        """Return each name and digest of that record, oldest first; none where there is none."""
        record = self.record(owner)
        dates = [entry["removedAt"] for entry in record["removed"]]
        assert dates == sorted(dates), "the oldest comes first"
        return [(entry["tag"], entry["digest"]) for entry in record["removed"]]

    def record(self, owner: str = "fleet/dev") -> dict[str, Any]:
        """Return that record, one that is empty where there is none."""
        workshop = Reading(self._registry, f"{self._repository}/build")
        tag = f"undo-{re.sub('[^A-Za-z0-9._-]', '-', owner)}"
        if workshop.digest(tag) is None:
            return {"owner": owner, "removed": [], "declared": {}}
        (layer,) = json.loads(workshop._fetch(f"manifests/{tag}", tag))["layers"]
        packed = workshop._fetch(f"blobs/{layer['digest']}", layer["digest"])
        record: dict[str, Any] = json.loads(gzip.decompress(packed))
        assert record["owner"] == owner
        return record

    def pull(self, reference: str) -> dict[str, str]:
        """Pull every platform of an index; return platform to digest.

        :raises AssertionError: naming whatever is missing or altered.
        """
        body = self._fetch(f"manifests/{reference}", reference)
        return {
            _platform(child["platform"]): self._pull_child(child)
            for child in json.loads(body)["manifests"]
            if "platform" in child  # a list of referrers has none
        }

    @contextmanager
    def still(self) -> Iterator[Self]:
        """Ask for what has a digest once, while nothing else is at work on the registry."""
        self._known = {}
        try:
            yield self
        finally:
            self._known = None

    def _pull_child(self, child: dict[str, Any]) -> str:
        digest: str = child["digest"]
        body = self._fetch(f"manifests/{digest}", digest)
        assert len(body) == child["size"], f"{digest} has another size than the index says"
        document = json.loads(body)
        for blob in (document["config"], *document["layers"]):
            content = self._fetch(f"blobs/{blob['digest']}", blob["digest"])
            assert len(content) == blob["size"], f"{blob['digest']} has another size"
        return digest

    def _fetch(self, path: str, reference: str) -> bytes:
        known = self._known if reference.startswith("sha256:") else None
        if known is not None and path in known:
            return known[path]
        answer = self._get(path)
        assert answer.status == 200, f"{path}: {answer.status}"
        if reference.startswith("sha256:"):
            assert _sha(answer.content) == reference, f"{path} is not what it is called"
        if known is not None:
            known[path] = answer.content
        return answer.content

    def _get(self, path: str) -> Answered:
        path = f"/v2/{self._repository}/{path}"
        return ask(self._registry.host, "GET", path, {"Accept": _ACCEPT, **SOMEBODY})


def _platform(fields: dict[str, str]) -> str:
    return "/".join(fields[key] for key in ("os", "architecture", "variant") if key in fields)


def _sha(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
