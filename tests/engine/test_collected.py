"""What was deleted from the registry on this machine holds no room after its next start."""

import hashlib
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fleet.local import processes, registry, registry_login
from fleet.local.paths import Checkout
from fleet.registry.manifest import OCI_INDEX
from tests.engine.tools import registry_binary
from tests.fleet.local.examples import checkout
from tests.ports import free_port

pytestmark = pytest.mark.integration

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Pushed:
    """A client of the checkout's registry, which pushes images of one layer."""

    def __init__(self, here: Checkout, port: int) -> None:
        self.here, self.port = here, port

    def start(self) -> None:
        registry.start(self.here, registry_binary(), port=self.port, stack_file="x")

    def send(self, method: str, path: str, content: bytes = b"", kind: str = "") -> httpx.Response:
        login = registry_login.ensure(self.here)
        url = path if "://" in path else f"https://localhost:{self.port}/v2/one/{path}"
        with httpx.Client(
            verify=ssl.create_default_context(cafile=self.here.tls / "server.pem"),
            auth=(login.username, login.password), trust_env=False,
        ) as client:  # fmt: skip
            headers = {"Content-Type": kind} if kind else {}
            return client.request(method, url, content=content, headers=headers)

    def blob(self, content: bytes) -> dict[str, object]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        place = self.send("POST", "blobs/uploads/").headers["Location"]
        sign = "&" if "?" in place else "?"
        assert self.send("PUT", f"{place}{sign}digest={digest}", content).status_code == 201
        kind = "application/vnd.oci.image.layer.v1.tar"
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    def image(self, tag: str, content: bytes) -> tuple[str, str]:
        """Push an image and an index of it that ``tag`` names; return the index and the layer."""
        layer, config = self.blob(content), self.blob(b"{}")
        config["mediaType"] = "application/vnd.oci.image.config.v1+json"
        text = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
        body = json.dumps(text).encode()
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        assert self.send("PUT", f"manifests/{digest}", body, MANIFEST).status_code == 201
        listed = {"mediaType": MANIFEST, "digest": digest, "size": len(body)}
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [listed]}
        done = self.send("PUT", f"manifests/{tag}", json.dumps(index).encode(), OCI_INDEX)
        assert done.status_code == 201
        assert isinstance(layer["digest"], str)
        return digest, layer["digest"]


@pytest.fixture
def pushed(tmp_path: Path) -> Iterator[Pushed]:
    found = Pushed(checkout(tmp_path), free_port())
    found.start()
    yield found
    processes.stop_daemon(found.here, registry.NAME)


def test_the_bytes_of_a_deleted_image_go_at_the_next_start_and_no_others(pushed: Pushed) -> None:
    image, gone = pushed.image("old", b"of a deleted image")
    _, kept = pushed.image("new", b"of an image that is there")
    index = pushed.send("HEAD", "manifests/old").headers["Docker-Content-Digest"]
    for digest in (index, image):
        assert pushed.send("DELETE", f"manifests/{digest}").status_code == 202
    storage = pushed.here.state / "registry"

    def holds(layer: str) -> bool:
        return any(path.parent.name == layer[7:] for path in storage.rglob("data"))

    assert holds(gone), "the registry itself frees nothing"
    processes.stop_daemon(pushed.here, registry.NAME)
    pushed.start()
    assert not holds(gone)
    assert holds(kept)
    assert pushed.send("HEAD", "manifests/new").status_code == 200
    assert pushed.send("GET", f"blobs/{kept}").content == b"of an image that is there"
