"""What somebody else writes into a registry."""

import httpx

from tests.engine.registries import Served
from tests.engine.seeding import SOMEBODY, sha

_EMPTY = b"{}"


def put(registry: Served, repository: str, reference: str, body: bytes, media_type: str) -> None:
    """Write a manifest as it is; the empty content (OCI image specification 1.1) is there too."""
    with _client(registry, repository) as http:
        started = http.post("blobs/uploads/").headers["Location"]
        address = http.base_url.join(started).copy_merge_params({"digest": sha(_EMPTY)})
        http.put(address, content=_EMPTY).raise_for_status()
        headers = {"Content-Type": media_type}
        http.put(f"manifests/{reference}", content=body, headers=headers).raise_for_status()


def empty() -> dict[str, str | int]:
    """Return the descriptor of the empty content."""
    media_type = "application/vnd.oci.empty.v1+json"
    return {"mediaType": media_type, "digest": sha(_EMPTY), "size": len(_EMPTY)}


def size_of(registry: Served, repository: str, reference: str, media_type: str) -> int:
    """Return the bytes of a manifest."""
    with _client(registry, repository) as http:
        return len(http.get(f"manifests/{reference}", headers={"Accept": media_type}).content)


def _client(registry: Served, repository: str) -> httpx.Client:
    base = f"http://{registry.host}/v2/{repository}/"
    return httpx.Client(base_url=base, trust_env=False, headers=SOMEBODY)
