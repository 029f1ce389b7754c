"""Where a version tag comes from: one index that is copied, or several that are joined."""

import json
from typing import Any

import pytest

from fleet.registry.errors import RegistryError
from fleet.registry.manifest import OCI_INDEX, OCI_MANIFEST, OWNER_ANNOTATION
from tests.providers.ociregistry.declared import BUILD, NAME, OWNER, PLATFORMS, Declared
from tests.providers.ociregistry.engine_fake import TAG, Engine

AMD, ARM64, ARM7 = PLATFORMS


def document(declared: Declared, name: str, digest: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(declared.registry.repositories[name].manifests[digest][1])
    return found


class TestCopies:
    def test_the_index_of_the_build_is_named_byte_for_byte(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1")
        built = inputs["source"].partition("@")[2]
        assert engine.preview(TAG, "v1", inputs).outputs["digest"] == built
        assert engine.up(TAG, "v1", inputs).outputs["digest"] == built
        assert declared.tags == {"v1": built}

    def test_what_the_target_holds_is_asked_of_no_source(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1")
        engine.up(TAG, "v1", inputs)
        for platform in PLATFORMS:
            child = declared.registry.push_image(BUILD, platform, "v1")
            del declared.registry.repositories[BUILD].manifests[child]
        engine.resources.clear()
        declared.tags.clear()
        engine.restart()
        assert len(engine.up(TAG, "v1", inputs).outputs["platforms"]) == len(PLATFORMS)
        assert declared.registry.pullable(NAME, "v1")

    def test_a_platform_that_source_and_target_lost_is_named_and_nothing_is_written(
        self, engine: Engine, declared: Declared, environment: dict[str, str]
    ) -> None:
        environment["FLEET_VERIFY_CHILDREN"] = "all"
        inputs = declared.version("v1")
        engine.up(TAG, "v1", inputs)
        child = declared.registry.push_image(BUILD, ARM64, "v1")
        for name in (NAME, BUILD):
            del declared.registry.repositories[name].manifests[child]
        engine.restart()
        declared.registry.log.clear()
        with pytest.raises(RegistryError) as caught:
            engine.up(TAG, "v1", inputs)
        assert f"{BUILD}@{child} ({ARM64}), of " in str(caught.value)
        assert "--target-replace '**::app/build:v1'" in str(caught.value)
        assert declared.registry.writes == []

    def test_of_a_platform_that_two_builds_may_have_lost_both_are_named(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.joined("v1")
        del declared.registry.repositories[BUILD].manifests[
            declared.registry.push_image(BUILD, ARM7, "v1")
        ]
        with pytest.raises(RegistryError, match=r"--target-replace '\*\*::app/build:v1-\*'"):
            engine.up(TAG, "v1", inputs)
        assert declared.registry.writes == []

    def test_an_index_in_an_index_is_refused_before_anything_is_written(
        self, engine: Engine, declared: Declared
    ) -> None:
        registry = declared.registry
        inner = declared.built("inner", AMD).partition("@")[2]
        children = {p: registry.push_image(BUILD, p, "v1") for p in PLATFORMS}
        entries = [
            {"mediaType": OCI_MANIFEST, "digest": digest, "size": 1,
             "platform": dict(zip(("os", "architecture", "variant"), p.split("/"), strict=False))}
            for p, digest in children.items()
        ]  # fmt: skip
        for kind in (OCI_INDEX, OCI_MANIFEST):
            outer = {
                "schemaVersion": 2,
                "mediaType": OCI_INDEX,
                "manifests": [*entries, {"mediaType": kind, "digest": inner, "size": 1}],
            }
            source = f"{declared.unknown}{registry.push_manifest(BUILD, outer, 'outer')}"
            with pytest.raises(RegistryError, match=inner):
                engine.up(TAG, "v1", declared.version("v1", source=source))
        assert registry.writes == []

    def test_attestations_come_along_and_are_no_platforms(
        self, engine: Engine, declared: Declared
    ) -> None:
        registry = declared.registry
        attestation = registry.push_image(BUILD, "unknown/unknown", "provenance")
        inputs = declared.version("v1")
        inputs["source"] = declared.built("v1", *PLATFORMS, **{"unknown/unknown": attestation})
        outputs = engine.up(TAG, "v1", inputs).outputs
        assert [p["platform"] for p in outputs["platforms"]] == sorted(PLATFORMS)
        assert attestation in registry.repositories[NAME].manifests
        assert registry.pullable(NAME, "v1")
        assert engine.up(TAG, "v1", inputs).kind == "same"

    def test_a_platform_that_the_build_lacks_is_named_before_anything_is_written(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = {**declared.version("v1"), "source": declared.built("v1", AMD, ARM64)}
        with pytest.raises(RegistryError, match=f"has {AMD}, {ARM64}, and not {ARM7}, which"):
            engine.up(TAG, "v1", inputs)
        assert declared.registry.writes == []

    def test_a_build_of_one_platform_that_is_no_index_is_refused(
        self, engine: Engine, declared: Declared
    ) -> None:
        image = declared.registry.push_image(BUILD, AMD)
        inputs = declared.version("v1", source=f"{declared.unknown}{image}", platforms=[AMD])
        with pytest.raises(
            RegistryError, match=r"(?s)v1, source .*not an index .*\nNothing.*imagetools"
        ):
            engine.up(TAG, "v1", inputs)
        assert declared.registry.writes == []

    def test_a_pointer_may_name_a_single_image_of_another_repository(
        self, engine: Engine, declared: Declared
    ) -> None:
        image = declared.registry.push_image(BUILD, AMD)
        inputs = declared.pointer("old", image, source=f"{declared.unknown}{image}")
        engine.up(TAG, "old", inputs)
        assert declared.tags == {"old": image}
        assert declared.registry.pullable(NAME, "old")


class TestJoins:
    def test_the_parts_become_one_index_with_annotations_and_owner(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.joined("v1", annotations={"a": "b"})
        digest = engine.up(TAG, "v1", inputs).outputs["digest"]
        index = document(declared, NAME, digest)
        assert index["annotations"] == {"a": "b", OWNER_ANNOTATION: OWNER}
        platforms = [
            "/".join(m["platform"][k] for k in ("os", "architecture")) for m in index["manifests"]
        ]
        assert platforms == ["linux/amd64", "linux/arm", "linux/arm64"]

    def test_the_order_of_the_parts_is_no_difference(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.joined("v1")
        engine.up(TAG, "v1", inputs)
        turned = {**inputs, "sources": inputs["sources"][::-1]}
        assert engine.up(TAG, "v1", turned).kind == "same"
        engine.resources.clear()
        declared.registry.log.clear()
        engine.up(TAG, "v1", turned)
        assert declared.registry.writes == []

    def test_attestations_of_parts_are_left_out(self, engine: Engine, declared: Declared) -> None:
        attestation = declared.registry.push_image(BUILD, "unknown/unknown", "provenance")
        parts = [
            declared.built("v1", platform, **{"unknown/unknown": attestation})
            for platform in PLATFORMS
        ]
        engine.up(TAG, "v1", declared.joined("v1", sources=parts))
        assert declared.registry.pullable(NAME, "v1")
        assert len(document(declared, NAME, declared.tags["v1"])["manifests"]) == len(PLATFORMS)

    def test_a_platform_in_two_parts_is_refused_naming_both(
        self, engine: Engine, declared: Declared
    ) -> None:
        parts = [declared.built("one", AMD, ARM64), declared.built("two", ARM64, ARM7)]
        with pytest.raises(RegistryError, match="a platform is in two of these") as caught:
            engine.up(TAG, "v1", declared.joined("v1", sources=parts))
        assert ", ".join(parts) in str(caught.value)
        assert declared.registry.writes == []

    def test_a_changed_part_is_told_and_moves_the_tag(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.joined("v1")
        before = engine.up(TAG, "v1", inputs).outputs["digest"]
        parts = [inputs["sources"][0], declared.built("again", ARM7)]
        step = engine.up(TAG, "v1", {**inputs, "sources": parts})
        assert (step.changed, step.outputs["previous"]) == (("sources",), before)

    def test_an_import_of_one_is_an_update_that_writes_nothing(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.joined("v1", onConflict="refuse")
        digest = engine.up(TAG, "v1", inputs).outputs["digest"]
        engine.resources.clear()
        declared.registry.log.clear()
        assert engine.adopt(TAG, "v1", inputs["ref"])
        step = engine.up(TAG, "v1", inputs)
        assert (step.kind, step.outputs["digest"]) == ("update", digest)
        assert declared.registry.writes == []
        assert engine.up(TAG, "v1", inputs).kind == "same"
