from typing import Any

import pytest

from fleet.registry.errors import OciError, RegistryError
from tests.providers.ociregistry.declared import NAME, Declared
from tests.providers.ociregistry.engine_fake import TAG, CheckFailedError, Engine

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class TestPreview:
    def test_a_preview_writes_nothing_and_knows_what_can_be_known(
        self, engine: Engine, declared: Declared
    ) -> None:
        outputs = engine.preview(TAG, "v1", declared.joined("v1")).outputs
        assert outputs["digest"] == outputs["size"] == UNKNOWN
        assert declared.registry.writes == []

    @pytest.mark.parametrize("image", ["HOST/team/app/build@", UNKNOWN])
    def test_a_digest_that_a_build_will_tell_is_unknown(
        self, engine: Engine, declared: Declared, image: str
    ) -> None:
        inputs = declared.version("v1")
        engine.up(TAG, "v1", inputs)
        image = image.replace("HOST", declared.registry.host)
        step = engine.preview(TAG, "v1", {**inputs, "source": image})
        assert (step.changed, step.outputs["digest"]) == (("source",), UNKNOWN)
        both = {**declared.joined("v1"), "sources": [image, image]}
        step = engine.preview(TAG, "v1", both)
        assert (step.changed, step.outputs["digest"]) == (("sources",), UNKNOWN)

    def test_a_digest_that_is_still_empty_in_an_update_is_an_error(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1", source=declared.unknown)
        with pytest.raises(
            RegistryError, match=r"v1 was not updated: its build or verification failed"
        ):
            engine.up(TAG, "v1", inputs)
        part = declared.joined(
            "v1", sources=[declared.built("v1", "linux/amd64"), declared.unknown]
        )
        with pytest.raises(RegistryError, match="its build or verification failed"):
            engine.up(TAG, "v1", part)
        with pytest.raises(RegistryError, match=r"what it names failed"):
            engine.up(TAG, "l", declared.pointer("LATEST", ""))

    def test_a_new_identity_alone_keeps_the_digest_known(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1")
        digest = engine.up(TAG, "v1", inputs).outputs["digest"]
        step = engine.preview(TAG, "v1", {**inputs, "identity": "another"})
        assert step.outputs["digest"] == digest


class TestImport:
    @pytest.mark.parametrize("form", ["version", "pointer"])
    def test_an_up_after_an_import_writes_nothing(
        self, engine: Engine, declared: Declared, form: str
    ) -> None:
        inputs = declared.version("v1", onConflict="refuse")
        digest = engine.up(TAG, "v1", inputs).outputs["digest"]
        if form == "pointer":
            inputs = declared.pointer("v1", digest)
        engine.resources.clear()
        declared.registry.log.clear()
        assert engine.adopt(TAG, "v1", str(inputs["ref"]))
        assert engine.up(TAG, "v1", inputs).kind == "same"
        assert declared.registry.writes == []

    def test_a_tag_of_no_owner_is_imported_as_a_copy_of_itself(
        self, engine: Engine, declared: Declared
    ) -> None:
        digest = declared.registry.push_index(NAME, "old")
        assert engine.adopt(TAG, "old", f"{declared.place}:old")
        assert engine.resources["old"].inputs["source"] == f"{declared.place}@{digest}"
        assert engine.up(TAG, "old", declared.pointer("old", digest)).kind == "same"

    def test_a_tag_of_no_owner_is_refreshed_like_any_other_and_then_becomes_ours(
        self, engine: Engine, declared: Declared
    ) -> None:
        old = declared.registry.push_index(NAME, "old")
        engine.adopt(TAG, "old", f"{declared.place}:old")
        assert engine.resources["old"].inputs["owner"] == ""
        engine.refresh("old")
        step = engine.up(TAG, "old", declared.version("old", onConflict="refuse"))
        assert step.changed == ("source",)
        assert step.outputs["previous"] == old
        assert engine.up(TAG, "old", declared.version("old", onConflict="refuse")).kind == "same"

    def test_a_program_that_names_no_owner_is_refused_after_an_import_as_well(
        self, engine: Engine, declared: Declared
    ) -> None:
        declared.registry.push_index(NAME, "old")
        engine.adopt(TAG, "old", f"{declared.place}:old")
        inputs = declared.version("old", owner="")
        with pytest.raises(OciError, match="owner: is empty"):
            engine.up(TAG, "old", inputs)
        assert declared.registry.writes == []

    def test_a_pointer_is_no_change_though_its_version_has_annotations(
        self, engine: Engine, declared: Declared
    ) -> None:
        version = declared.version("v1", annotations={"org.opencontainers.image.version": "1"})
        digest = engine.up(TAG, "v1", version).outputs["digest"]
        pointer = declared.pointer("LATEST", digest)
        engine.up(TAG, "l", pointer)
        del engine.resources["l"]
        assert engine.adopt(TAG, "l", f"{declared.place}:LATEST")
        assert engine.preview(TAG, "l", pointer).kind == "same"

    def test_a_single_image_is_imported_with_the_platform_of_its_configuration(
        self, engine: Engine, declared: Declared
    ) -> None:
        digest = declared.registry.push_image(NAME, "linux/arm/v7")
        declared.tags["old"] = digest
        assert engine.adopt(TAG, "old", f"{declared.place}:old")
        platforms = engine.resources["old"].outputs["platforms"]
        assert [(p["platform"], p["digest"]) for p in platforms] == [("linux/arm/v7", digest)]

    def test_an_absent_tag_is_not_imported(self, engine: Engine, declared: Declared) -> None:
        assert not engine.adopt(TAG, "old", f"{declared.place}:old")


class TestCheck:
    @pytest.mark.parametrize(
        ("overrides", "place", "words"),
        [
            ({"ref": "nonsense"}, "ref", "write host"),
            ({"owner": ""}, "owner", "is empty"),
            ({"onConflict": "maybe"}, "onConflict", "neither take-over nor refuse"),
            ({"source": ""}, "sources", "one source to copy, or sources to join"),
            ({"sources": ["x@"]}, "sources", "one source to copy, or sources to join"),
            ({"source": "", "sources": ["h/n@", 3]}, "sources[1]", "not a manifest"),
            ({"platforms": ["linux"]}, "platforms[0]", "not a platform"),
            ({"platforms": [3]}, "platforms[0]", "not a platform"),
            ({"platforms": ["linux/amd64", "linux/amd64"]}, "platforms[1]", "there twice"),
            ({"annotations": "x"}, "annotations", "no dict"),
            ({"source": "else.where/a@"}, "source", "lies on else.where"),
            ({"source": "x"}, "source", "not a manifest"),
        ],
    )
    def test_each_problem_is_reported_at_its_property_before_any_request(
        self,
        engine: Engine,
        declared: Declared,
        overrides: dict[str, Any],
        place: str,
        words: str,
    ) -> None:
        with pytest.raises(CheckFailedError) as caught:
            engine.up(TAG, "v1", declared.version("v1", **overrides))
        assert words in caught.value.failures[place]
        assert declared.registry.log == []

    def test_all_problems_are_reported_at_once(self, engine: Engine, declared: Declared) -> None:
        with pytest.raises(CheckFailedError) as caught:
            engine.up(TAG, "v1", declared.version("v1", owner="", onConflict="x"))
        assert set(caught.value.failures) == {"owner", "onConflict"}
