import asyncio
import gzip
import json
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from fleet.registry.artifact import (
    Artifact,
    MalformedArtifactError,
    OversizedArtifactError,
    OverwrittenArtifactError,
    tag_for,
)
from fleet.registry.client import Client
from fleet.registry.manifest import MANIFEST_LIMIT
from fleet.registry.reference import Repository
from fleet.registry.transport import Transport
from tests.providers.ociregistry.registry_fake import OCI_MANIFEST, FakeRegistry, sha

NAME, TAG, KIND = "team/app/build", "kept", "application/vnd.example.kept.v1+json+gzip"
Act = Callable[[Artifact], Coroutine[Any, Any, Any]]


@pytest.fixture
def do(registry: FakeRegistry, environment: dict[str, str]) -> Callable[[Act], Any]:
    def go(act: Act) -> Any:
        async def run() -> Any:
            transport = Transport(environment=environment)
            try:
                place = Repository(host=registry.host, name=NAME)
                client = Client(transport)
                return await act(
                    Artifact(registry=client, repository=place, tag=TAG, media_type=KIND)
                )
            finally:
                await transport.close()

        return asyncio.run(run())

    return go


def put(registry: FakeRegistry, body: bytes, kind: str = KIND, layers: int = 1) -> None:
    """Put `body` as the layer of an artifact under the tag."""
    registry.repositories[NAME].blobs[sha(body)] = body
    entry = {"mediaType": kind, "digest": sha(body), "size": len(body)}
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": kind,
        "config": entry,
        "layers": [entry] * layers,
    }
    registry.push_manifest(NAME, document, TAG)


def test_what_is_written_is_read_again(do: Callable[[Act], Any]) -> None:
    digest = do(lambda artifact: artifact.save({"a": [1]}, ""))
    found = do(lambda artifact: artifact.load())
    assert (found.value, found.digest) == ({"a": [1]}, digest)


def test_there_is_none_where_none_was_written(do: Callable[[Act], Any]) -> None:
    assert do(lambda artifact: artifact.load()) is None


def test_what_another_run_writes_while_the_blobs_are_uploaded_stays(
    registry: FakeRegistry, do: Callable[[Act], Any]
) -> None:
    first = do(lambda artifact: artifact.save({"a": 1}, ""))
    registry.fault("PUT .*/blobs/", act=lambda: put(registry, gzip.compress(b"[]")))
    with pytest.raises(OverwrittenArtifactError, match="written meanwhile"):
        do(lambda artifact: artifact.save({"a": 2}, first))
    assert do(lambda artifact: artifact.load()).value == []


@pytest.mark.parametrize("kept", ["kept-copy", ""], ids=["under another tag", "nowhere"])
def test_what_a_write_displaced_goes_unless_it_is_kept_under_a_tag_of_its_kind(
    registry: FakeRegistry, do: Callable[[Act], Any], kept: str
) -> None:
    first = do(lambda artifact: artifact.save({"a": 1}, ""))
    storage = registry.repositories[NAME]
    if kept:
        storage.tags[kept] = first
    do(lambda artifact: artifact.save({"a": 2}, first))
    do(lambda artifact: artifact.drop(first))
    assert (first in storage.manifests) is bool(kept)
    assert registry.repositories[NAME].tags.get(kept, first) == first


def test_the_same_content_has_the_same_digest_and_is_not_written_again(
    registry: FakeRegistry, do: Callable[[Act], Any]
) -> None:
    digest = do(lambda artifact: artifact.save({"b": 1, "a": 2}, ""))
    registry.log.clear()
    assert do(lambda artifact: artifact.save({"a": 2, "b": 1}, digest)) == digest
    assert registry.writes == []


def test_it_is_an_artifact_of_the_specification_whose_content_any_client_reads(
    registry: FakeRegistry, do: Callable[[Act], Any]
) -> None:
    storage = registry.repositories[NAME]
    digest = do(lambda artifact: artifact.save([1], ""))
    document = json.loads(storage.manifests[digest][1])
    assert document["artifactType"] == KIND
    assert document["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    (layer,) = document["layers"]
    assert json.loads(gzip.decompress(storage.blobs[layer["digest"]])) == [1]


def test_another_one_is_not_written_over(registry: FakeRegistry, do: Callable[[Act], Any]) -> None:
    do(lambda artifact: artifact.save("theirs", ""))
    registry.log.clear()
    with pytest.raises(OverwrittenArtifactError, match="written meanwhile"):
        do(lambda artifact: artifact.save("ours", ""))
    assert registry.writes == []


def test_one_that_could_not_be_read_back_is_not_written(
    registry: FakeRegistry, do: Callable[[Act], Any]
) -> None:
    # Hexadecimal digits pack to a half at best.
    text = secrets.token_hex(MANIFEST_LIMIT + 1)
    with pytest.raises(OversizedArtifactError, match=f"more than the {MANIFEST_LIMIT}"):
        do(lambda artifact: artifact.save(text, ""))
    assert registry.writes == []


@pytest.mark.parametrize(
    ("body", "fields", "says"),
    [
        (b"no gzip", {}, "header"),
        (gzip.compress(b"[1, 2]")[:-9], {}, "cut off"),
        (gzip.compress(b"[1"), {}, "truncated, or not JSON"),
        (gzip.compress(b"[" * 100_000), {}, "nested too deep"),
        (gzip.compress(b" " * (64 * 1024 * 1024 + 1)), {}, "longer than"),
        (gzip.compress(b"[]"), {"kind": "text/plain"}, "artifactType is 'text/plain'"),
        (gzip.compress(b"[]"), {"layers": 0}, "not enough values"),
    ],
    ids=["no gzip", "cut off", "not JSON", "too deep", "too long", "another kind", "no layer"],
)
def test_what_is_no_such_document_is_told_apart(
    registry: FakeRegistry,
    do: Callable[[Act], Any],
    body: bytes,
    fields: dict[str, Any],
    says: str,
) -> None:
    put(registry, body, **fields)
    with pytest.raises(MalformedArtifactError, match=says):
        do(lambda artifact: artifact.load())


def test_an_index_or_an_image_is_no_document(
    registry: FakeRegistry, do: Callable[[Act], Any]
) -> None:
    registry.push_index(NAME, TAG)
    with pytest.raises(MalformedArtifactError, match="not an image manifest"):
        do(lambda artifact: artifact.load())


class TestTheTag:
    def test_says_whose_it_is(self) -> None:
        assert tag_for("undo-", "fleet/dev") == "undo-fleet-dev"

    def test_fits_the_specification_however_long_the_names_are(self) -> None:
        tags = {tag_for("undo-", f"{'p' * 100}/{'s' * 100}{end}") for end in "ab"}
        assert {len(tag) for tag in tags} == {128}
        assert len(tags) == 2

    def test_has_none_but_allowed_characters(self) -> None:
        assert tag_for("undo-", "fleet/a b~ü") == "undo-fleet-a-b--"
