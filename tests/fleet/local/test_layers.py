"""Images as bytes that depend on their content alone."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

from fleet.local.base_images import layers


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_a_layer_of_a_file_has_the_digests_of_what_is_packed_and_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "layer.tar.gz"
    path.write_bytes(gzip.compress(b"content" * 1000))
    found = layers.layer_of_file(path)
    assert found.diff_id == sha256(b"content" * 1000)
    assert found.blob.digest == sha256(path.read_bytes())
    assert found.blob.size == path.stat().st_size


def test_a_layer_of_one_file_holds_it_and_is_the_same_every_time() -> None:
    found = layers.layer_of_entry("etc/ssl/ca.crt", b"trusted")
    assert layers.layer_of_entry("etc/ssl/ca.crt", b"trusted") == found
    assert isinstance(found.blob.content, bytes)
    plain = gzip.decompress(found.blob.content)
    assert sha256(plain) == found.diff_id
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        entry = tar.getmember("etc/ssl/ca.crt")
        file = tar.extractfile(entry)
        assert file is not None
        assert file.read() == b"trusted"
        assert (entry.mode, entry.mtime, entry.uid) == (0o644, 0, 0)


def test_a_manifest_names_its_configuration_and_layers_by_digest_and_size() -> None:
    layer = layers.layer_of_entry("a", b"a")
    found = layers.image("linux/arm/v7", [layer], {"Cmd": ["python3"]})
    assert isinstance(found.manifest.content, bytes)
    manifest = json.loads(found.manifest.content)
    config = found.blobs[-1]
    assert isinstance(config.content, bytes)
    settings = json.loads(config.content)
    assert manifest["layers"] == [layer.blob.descriptor]
    assert manifest["config"] == config.descriptor
    assert settings["rootfs"]["diff_ids"] == [layer.diff_id]
    assert (settings["os"], settings["architecture"], settings["variant"]) == ("linux", "arm", "v7")


def test_an_index_names_each_platform_and_its_annotations() -> None:
    images = [layers.image(p, [], {}) for p in ("linux/amd64", "linux/arm/v7")]
    found = layers.index(images, {"recipe": "abc"})
    assert isinstance(found.content, bytes)
    content = json.loads(found.content)
    assert found.digest == sha256(found.content)
    assert content["annotations"] == {"recipe": "abc"}
    assert [entry["platform"] for entry in content["manifests"]] == [
        {"os": "linux", "architecture": "amd64"},
        {"os": "linux", "architecture": "arm", "variant": "v7"},
    ]
