import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.registry.errors import RegistryError
from fleet.registry.manifest import OCI_MANIFEST, Child, Manifest, assemble, platform_name

DIGESTS = [f"sha256:{character * 64}" for character in "abc"]
CHILDREN = [
    Child(platform=platform, digest=digest, size=7, media_type=OCI_MANIFEST)
    for platform, digest in zip(
        ("linux/amd64", "linux/arm64", "linux/arm/v7"), DIGESTS, strict=True
    )
]


def written(document: Any) -> Manifest:
    return Manifest(body=json.dumps(document).encode(), media_type="")


def test_an_index_has_these_very_bytes() -> None:
    manifest = assemble(CHILDREN[2:], {"b": "ü", "a": "1"})
    assert manifest.body.decode() == (
        '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":'
        '[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"' + DIGESTS[2] + '",'
        '"size":7,"platform":{"architecture":"arm","os":"linux","variant":"v7"}}],'
        '"annotations":{"a":"1","b":"ü"}}'
    )


@given(st.permutations(CHILDREN), st.permutations(["x", "y", "z"]))
def test_the_order_of_the_parts_never_changes_the_digest(
    children: list[Child], keys: list[str]
) -> None:
    again = assemble(children, {key: key for key in keys})
    assert again.digest == assemble(CHILDREN, {"x": "x", "y": "y", "z": "z"}).digest


@given(st.dictionaries(st.text(), st.text()))
def test_an_assembled_index_reads_back_whole(annotations: dict[str, str]) -> None:
    index = assemble(CHILDREN, annotations)
    assert index.annotations("here") == annotations
    assert set(index.children("here")) == set(CHILDREN)


def test_attestations_and_nameless_entries_are_no_platforms() -> None:
    document = assemble(CHILDREN[:1], {}).document("here")
    extra = {"mediaType": OCI_MANIFEST, "digest": DIGESTS[1], "size": 1}
    unknown = {**extra, "platform": {"os": "unknown", "architecture": "unknown"}}
    document["manifests"] += [extra, unknown]
    assert [child.platform for child in written(document).children("here")] == ["linux/amd64"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"os": "linux", "architecture": "arm64", "variant": "v8"}, "linux/arm64"),
        ({"os": "linux", "architecture": "arm", "variant": "v7"}, "linux/arm/v7"),
        ({"os": "linux"}, ""),
        ({"os": "linux", "architecture": "amd64\x1b[2J"}, ""),
        ({"os": ["linux"], "architecture": "amd64"}, ""),
        ({"os": "linux", "architecture": "arm", "variant": 7}, ""),
    ],
)
def test_a_platform_is_named_as_builders_name_it(fields: dict[str, str], name: str) -> None:
    assert platform_name(fields) == name


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(RegistryError, match=r"here: the manifest is (truncated|not a JSON|nested)"):
        Manifest(body=body, media_type="").document("here")


@pytest.mark.parametrize(
    "entry", [None, {}, {"digest": "sha256:1", "size": 1}, {"digest": DIGESTS[0], "size": -1}]
)
def test_a_malformed_descriptor_is_refused(entry: Any) -> None:
    with pytest.raises(RegistryError, match="here"):
        written({"manifests": [entry]}).children("here")


def test_a_layer_that_is_there_twice_counts_once() -> None:
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": DIGESTS[1], "size": 2}
    document = {"config": {"digest": DIGESTS[0], "size": 1}, "layers": [layer, layer]}
    assert written(document).content("here").size == 3
