"""A tag that somebody moved onto something that is not an image of a fleet."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from fleet.registry.errors import ConflictError, UnreadableError
from fleet.registry.manifest import OWNER_ANNOTATION
from tests.providers.ociregistry.declared import NAME, Declared
from tests.providers.ociregistry.engine_fake import TAG, Engine
from tests.providers.ociregistry.registry_fake import OCI_INDEX, OCI_MANIFEST, FakeRegistry, sha

ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
Push = Callable[[FakeRegistry, str], str]


def artifact(registry: FakeRegistry, tag: str, config: bytes, **fields: Any) -> str:
    registry.repositories[NAME].blobs[sha(config)] = config
    descriptor = {"mediaType": "text/plain", "digest": sha(config), "size": len(config)}
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor, "layers": []}
    return registry.push_manifest(NAME, {**document, **fields}, tag)


def index_of(registry: FakeRegistry, tag: str, child: str, **fields: Any) -> str:
    media_type, body = registry.repositories[NAME].manifests[child]
    platform = {"os": "linux", "architecture": "amd64"}
    entry = {"mediaType": media_type, "digest": child, "size": len(body), "platform": platform}
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
    return registry.push_manifest(NAME, {**document, **fields}, tag)


def lost_config(registry: FakeRegistry, tag: str) -> str:
    digest = artifact(registry, tag, b"{}")
    del registry.repositories[NAME].blobs[sha(b"{}")]
    return digest


def damaged_child(registry: FakeRegistry, tag: str) -> str:
    child = registry.push_image(NAME, "linux/amd64", "damaged")
    digest = index_of(registry, tag, child)
    media_type, body = registry.repositories[NAME].manifests[child]
    registry.repositories[NAME].manifests[child] = (media_type, body + b" ")
    return digest


def half_a_character(registry: FakeRegistry, tag: str) -> str:
    child = registry.push_image(NAME, "linux/amd64", "half")
    annotations = {OWNER_ANNOTATION: "fleet/dev", "title": "half \ud800"}
    return index_of(registry, tag, child, annotations=annotations)


def half_a_type(registry: FakeRegistry, tag: str) -> str:
    child = registry.push_image(NAME, "linux/amd64", "half")
    platform = {"os": "linux", "architecture": "amd64"}
    entry = {"mediaType": "\ud800", "digest": child, "size": 1, "platform": platform}
    annotations = {OWNER_ANNOTATION: "fleet/dev"}
    return index_of(registry, tag, child, annotations=annotations, manifests=[entry])


def of_no_type(registry: FakeRegistry, tag: str) -> str:
    """Serve a manifest without a Content-Type, whose own one is text that nobody can write."""
    digest = artifact(registry, tag, b"{}", mediaType="\ud800\x1b[2J\nok")
    registry.repositories[NAME].manifests[digest] = (
        "",
        registry.repositories[NAME].manifests[digest][1],
    )
    return digest


ODD: dict[str, Push] = {
    "a config that is text": lambda r, tag: artifact(r, tag, b"hello"),
    "a config that is not an object": lambda r, tag: artifact(r, tag, b"[]"),
    "a config that is lost": lost_config,
    "a manifest without config": lambda r, tag: r.push_manifest(
        NAME, {"mediaType": ARTIFACT, "blobs": []}, tag
    ),
    "an index in an index": lambda r, tag: index_of(r, tag, r.push_index(NAME, "inner")),
    "a child that is damaged": damaged_child,
    "an index without a list": lambda r, tag: r.push_manifest(NAME, {"mediaType": OCI_INDEX}, tag),
}


@pytest.fixture(params=list(ODD.values()), ids=list(ODD))
def push(request: pytest.FixtureRequest) -> Push:
    found: Push = request.param
    return found


@pytest.mark.parametrize("push", [half_a_character, half_a_type, of_no_type])
def test_a_tag_on_what_is_no_text_is_recorded_as_text_and_put_back(
    engine: Engine, declared: Declared, push: Push
) -> None:
    digest = engine.up(TAG, "v1", declared.version("v1")).outputs["digest"]
    inputs = declared.pointer("LATEST", digest)
    engine.up(TAG, "latest", inputs)
    other = push(declared.registry, "LATEST")
    engine.restart()
    engine.refresh("latest")
    outputs = engine.resources["latest"].outputs
    assert outputs["digest"] == other
    assert json.dumps(outputs, ensure_ascii=False).encode().decode().isprintable()
    assert engine.up(TAG, "latest", inputs).outputs["previous"] == other
    assert declared.tags["LATEST"] == digest


class TestMovedOntoSomethingOdd:
    def test_a_pointer_is_told_and_put_back(
        self, engine: Engine, declared: Declared, push: Push
    ) -> None:
        digest = engine.up(TAG, "v1", declared.version("v1")).outputs["digest"]
        inputs = declared.pointer("LATEST", digest)
        engine.up(TAG, "latest", inputs)
        other = push(declared.registry, "LATEST")
        engine.restart()
        declared.registry.log.clear()
        engine.refresh("latest")
        assert declared.registry.writes == []
        assert engine.resources["latest"].outputs["digest"] == other
        said = f"{declared.place}:LATEST was moved from {digest} to {other}, which is not an image"
        assert any(text.startswith(said) for text in engine.messages)
        assert engine.up(TAG, "latest", inputs).outputs["previous"] == other
        assert declared.tags["LATEST"] == digest

    def test_a_version_is_put_back_whole(
        self, engine: Engine, declared: Declared, push: Push
    ) -> None:
        inputs = declared.version("v1")
        outputs = engine.up(TAG, "v1", inputs).outputs
        push(declared.registry, "v1")
        engine.restart()
        assert engine.preview(TAG, "v1", inputs).changed == ("digest",)
        step = engine.up(TAG, "v1", inputs)
        assert step.outputs["platforms"] == outputs["platforms"]
        assert declared.tags["v1"] == outputs["digest"]
        assert declared.registry.pullable(NAME, "v1")

    def test_an_import_says_what_stands_in_its_way(
        self, engine: Engine, declared: Declared, push: Push
    ) -> None:
        digest = push(declared.registry, "v1")
        with pytest.raises(UnreadableError, match=f"v1 names {digest}, which is not an image"):
            engine.adopt(TAG, "v1", f"{declared.place}:v1")

    def test_another_owner_s_is_refused_where_so_declared(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1", onConflict="refuse")
        engine.up(TAG, "v1", inputs)
        inner = declared.registry.push_index(NAME, "inner")
        owned = {OWNER_ANNOTATION: "fleet/prod"}
        other = index_of(declared.registry, "v1", inner, annotations=owned)
        with pytest.raises(ConflictError, match="owned by fleet/prod"):
            engine.up(TAG, "v1", inputs)
        assert declared.tags["v1"] == other

    def test_a_second_refresh_does_not_take_its_platforms_for_lost(
        self, engine: Engine, declared: Declared
    ) -> None:
        engine.up(TAG, "v1", declared.version("v1"))
        artifact(declared.registry, "v1", b"hello")
        engine.refresh("v1")
        engine.messages.clear()
        engine.refresh("v1")
        assert engine.messages == []

    @pytest.mark.parametrize("status", [503, 403])
    def test_a_registry_that_fails_or_denies_tells_nothing_of_the_tag(
        self, engine: Engine, declared: Declared, status: int
    ) -> None:
        before = engine.up(TAG, "v1", declared.version("v1")).outputs
        artifact(declared.registry, "v1", b"hello")
        declared.registry.fault("GET .*/blobs/", status=status, times=100)
        engine.refresh("v1")
        outputs = engine.resources["v1"].outputs
        assert str(status) in outputs.pop("unread")
        assert outputs == before

    def test_a_long_wait_that_is_asked_for_tells_nothing_of_the_tag(
        self, engine: Engine, declared: Declared
    ) -> None:
        engine.up(TAG, "v1", declared.version("v1"))
        artifact(declared.registry, "v1", b"hello")
        headers = {"Retry-After": "3600"}
        declared.registry.fault("GET .*/blobs/", status=429, headers=headers)
        engine.refresh("v1")
        assert "asks to wait 3600 s" in engine.resources["v1"].outputs["unread"]

    def test_a_line_that_breaks_keeps_the_state_with_a_warning(
        self, engine: Engine, declared: Declared
    ) -> None:
        before = engine.up(TAG, "v1", declared.version("v1")).outputs
        artifact(declared.registry, "v1", b"hello")
        declared.registry.fault("GET .*/blobs/", reset=True, times=100)
        engine.refresh("v1")
        outputs = engine.resources["v1"].outputs
        assert "the connection failed" in outputs.pop("unread")
        assert outputs == before
        assert "could not be verified" in engine.warnings[0]
