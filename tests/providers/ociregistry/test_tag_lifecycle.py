import pytest
from pulumi.runtime.rpc import UNKNOWN

from fleet.registry.errors import ConflictError, RegistryError
from fleet.registry.manifest import OWNER_ANNOTATION
from fleet.registry.removal.placeholder import REMOVAL_ANNOTATION
from tests.providers.ociregistry.declared import NAME, PLATFORMS, Declared
from tests.providers.ociregistry.engine_fake import TAG, Engine
from tests.providers.ociregistry.registry_fake import OCI_MANIFEST


class TestTagLifecycle:
    @pytest.mark.parametrize("form", ["version", "joined"])
    def test_a_version_tag_is_placed_whole_and_the_tag_comes_last(
        self, engine: Engine, declared: Declared, form: str
    ) -> None:
        outputs = engine.up(TAG, "v1", getattr(declared, form)("v1")).outputs
        assert declared.tags == {"v1": outputs["digest"]}
        assert declared.registry.pullable(NAME, "v1")
        assert [p["platform"] for p in outputs["platforms"]] == sorted(PLATFORMS)
        assert outputs["size"] == sum(p["size"] for p in outputs["platforms"])
        assert outputs["previous"] == ""
        writes = declared.registry.writes
        assert writes[-1] == f"PUT /v2/{NAME}/manifests/v1"
        assert writes[-2] == f"PUT /v2/{NAME}/manifests/{outputs['digest']}"

    def test_a_second_up_changes_nothing_and_writes_nothing(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1")
        digest = engine.up(TAG, "v1", inputs).outputs["digest"]
        engine.up(TAG, "latest", declared.pointer("LATEST", digest))
        engine.restart()
        declared.registry.log.clear()
        assert engine.up(TAG, "v1", inputs).kind == "same"
        assert engine.up(TAG, "latest", declared.pointer("LATEST", digest)).kind == "same"
        heads = [line.split()[0] for line in declared.registry.log]
        assert heads == ["HEAD"] * (2 + 1)

    def test_tags_on_one_digest_ask_for_its_platforms_once(
        self, engine: Engine, declared: Declared, environment: dict[str, str]
    ) -> None:
        environment["FLEET_VERIFY_CHILDREN"] = "all"
        first, second = declared.version("v1", "same"), declared.version("v2", "same")
        engine.up(TAG, "v1", first)
        engine.up(TAG, "v2", second)
        engine.restart()
        declared.registry.log.clear()
        engine.refresh("v1")
        engine.refresh("v2")
        assert len(declared.registry.log) == 2 + len(PLATFORMS)

    def test_a_rebuild_of_the_same_bytes_moves_nothing(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1")
        engine.up(TAG, "v1", inputs)
        declared.registry.log.clear()
        step = engine.up(TAG, "v1", {**inputs, "identity": "another"})
        assert (step.kind, step.changed) == ("update", ("identity",))
        assert declared.registry.writes == []
        assert engine.resources["v1"].outputs["identity"] == "another"

    def test_a_changed_image_moves_the_tag_in_place(
        self, engine: Engine, declared: Declared
    ) -> None:
        before = engine.up(TAG, "v1", declared.version("v1")).outputs["digest"]
        step = engine.up(TAG, "v1", declared.version("v1", "changed"))
        assert step.kind == "update"
        assert step.outputs["previous"] == before
        assert declared.tags == {"v1": step.outputs["digest"]}
        assert declared.registry.pullable(NAME, before)

    def test_a_moved_tag_is_found_and_pointed_back(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1")
        digest = engine.up(TAG, "v1", inputs).outputs["digest"]
        other = declared.registry.push_index(NAME, "v1")
        preview = engine.preview(TAG, "v1", inputs)
        assert (preview.changed, preview.outputs["digest"]) == (("digest",), digest)
        assert engine.up(TAG, "v1", inputs).outputs["previous"] == other
        assert declared.tags == {"v1": digest}
        assert any("was moved" in message for message in engine.messages)

    def test_a_deleted_tag_is_dropped_and_created_again(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1")
        digest = engine.up(TAG, "v1", inputs).outputs["digest"]
        declared.tags.clear()
        assert engine.up(TAG, "v1", inputs).kind == "create"
        assert declared.tags == {"v1": digest}

    @pytest.mark.parametrize("form", ["version", "joined"])
    def test_a_lost_platform_is_found_and_put_back(
        self, engine: Engine, declared: Declared, environment: dict[str, str], form: str
    ) -> None:
        environment["FLEET_VERIFY_CHILDREN"] = "all"
        inputs = getattr(declared, form)("v1")
        outputs = engine.up(TAG, "v1", inputs).outputs
        del declared.registry.repositories[NAME].manifests[outputs["platforms"][0]["digest"]]
        engine.restart()
        preview = engine.preview(TAG, "v1", inputs)
        assert (preview.changed, preview.outputs["digest"]) == (("platforms",), outputs["digest"])
        engine.up(TAG, "v1", inputs)
        assert declared.registry.pullable(NAME, "v1")
        assert engine.resources["v1"].outputs["platforms"] == outputs["platforms"]
        assert any("lost the manifest of linux/amd64" in text for text in engine.messages)

    def test_a_platform_that_a_whole_refresh_found_lost_is_put_back_by_any_later_update(
        self, engine: Engine, declared: Declared, environment: dict[str, str]
    ) -> None:
        inputs = declared.version("v1")
        platforms = engine.up(TAG, "v1", inputs).outputs["platforms"]
        for lost in platforms:
            del declared.registry.repositories[NAME].manifests[lost["digest"]]
            environment["FLEET_VERIFY_CHILDREN"] = "all"
            engine.restart()
            engine.refresh("v1")
            del environment["FLEET_VERIFY_CHILDREN"]
            engine.restart()
            assert engine.up(TAG, "v1", inputs).changed == ("platforms",)
            assert declared.registry.pullable(NAME, "v1")

    def test_a_pointer_has_the_bytes_of_its_version(
        self, engine: Engine, declared: Declared
    ) -> None:
        version = engine.up(TAG, "v1", declared.version("v1")).outputs
        pointer = engine.up(TAG, "latest", declared.pointer("LATEST", version["digest"])).outputs
        same = ("digest", "size", "platforms")
        assert {name: pointer[name] for name in same} == {name: version[name] for name in same}
        assert declared.tags == {"v1": version["digest"], "LATEST": version["digest"]}

    def test_a_pointer_moves_to_the_next_version(self, engine: Engine, declared: Declared) -> None:
        first = engine.up(TAG, "v1", declared.version("v1")).outputs["digest"]
        second = engine.up(TAG, "v2", declared.version("v2")).outputs["digest"]
        engine.up(TAG, "latest", declared.pointer("LATEST", first))
        step = engine.up(TAG, "latest", declared.pointer("LATEST", second))
        assert (step.changed, step.outputs["previous"]) == (("source",), first)
        assert declared.tags["LATEST"] == second

    def test_deleting_the_resource_leaves_the_tag_without_a_request(
        self, engine: Engine, declared: Declared
    ) -> None:
        engine.up(TAG, "v1", declared.version("v1"))
        declared.registry.log.clear()
        engine.delete("v1")
        assert declared.registry.log == []
        assert "v1" in declared.tags

    def test_another_ref_replaces_the_resource_and_keeps_both_tags(
        self, engine: Engine, declared: Declared
    ) -> None:
        engine.up(TAG, "v", declared.version("v1"))
        assert engine.up(TAG, "v", declared.version("v2")).kind == "replace"
        assert set(declared.tags) == {"v1", "v2"}

    def test_blobs_are_copied_where_the_registry_does_not_mount(
        self, engine: Engine, declared: Declared
    ) -> None:
        declared.registry.mount = False
        engine.up(TAG, "v1", declared.version("v1"))
        assert declared.registry.pullable(NAME, "v1")


class TestAdoption:
    def test_an_equal_tag_is_adopted_without_a_write(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1", onConflict="refuse")
        engine.up(TAG, "v1", inputs)
        engine.resources.clear()
        declared.registry.log.clear()
        assert engine.up(TAG, "v1", inputs).kind == "create"
        assert declared.registry.writes == []

    def test_a_tag_of_the_same_owner_is_moved(self, engine: Engine, declared: Declared) -> None:
        before = declared.registry.push_index(NAME, "v1", {OWNER_ANNOTATION: "fleet/dev"})
        outputs = engine.up(TAG, "v1", declared.version("v1", onConflict="refuse")).outputs
        assert (declared.tags["v1"], outputs["previous"]) == (outputs["digest"], before)

    @pytest.mark.parametrize("annotations", [None, {OWNER_ANNOTATION: "fleet/prod"}])
    def test_another_s_tag_is_taken_over_and_its_digest_kept(
        self, engine: Engine, declared: Declared, annotations: dict[str, str] | None
    ) -> None:
        before = declared.registry.push_index(NAME, "v1", annotations)
        outputs = engine.up(TAG, "v1", declared.version("v1")).outputs
        assert (declared.tags["v1"], outputs["previous"]) == (outputs["digest"], before)
        assert declared.registry.pullable(NAME, before)

    def test_another_s_tag_is_refused_where_so_declared_and_nothing_is_written(
        self, engine: Engine, declared: Declared
    ) -> None:
        before = declared.registry.push_index(NAME, "v1")
        with pytest.raises(ConflictError, match="pulumi import"):
            engine.up(TAG, "v1", declared.version("v1", onConflict="refuse"))
        assert declared.tags == {"v1": before}
        assert declared.registry.writes == []

    def test_a_refusal_of_a_pointer_is_known_in_the_preview(
        self, engine: Engine, declared: Declared
    ) -> None:
        digest = engine.up(TAG, "v1", declared.version("v1")).outputs["digest"]
        declared.registry.push_index(NAME, "LATEST")
        with pytest.raises(ConflictError, match=digest):
            engine.preview(TAG, "l", declared.pointer("LATEST", digest, onConflict="refuse"))

    @pytest.mark.parametrize("annotations", [None, {OWNER_ANNOTATION: "fleet/prod"}])
    def test_a_refusal_of_a_version_is_known_in_the_preview_before_anything_is_built(
        self, engine: Engine, declared: Declared, annotations: dict[str, str] | None
    ) -> None:
        before = declared.registry.push_index(NAME, "v1", annotations)
        inputs = declared.version("v1", onConflict="refuse", source=UNKNOWN)
        with pytest.raises(ConflictError, match=f"{before}.* would name a new build"):
            engine.preview(TAG, "v1", inputs)
        assert engine.preview(TAG, "v1", {**inputs, "onConflict": "take-over"}).kind == "create"

    def test_a_version_that_another_owner_publishes_since_is_refused_already_in_the_preview(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1", onConflict="refuse")
        ours = engine.up(TAG, "v1", inputs).outputs["digest"]
        theirs = declared.registry.push_index(NAME, "v1", {OWNER_ANNOTATION: "fleet/prod"})
        declared.registry.log.clear()
        for act in (engine.preview, engine.up):
            with pytest.raises(ConflictError, match=f"{theirs} .owned by fleet/prod.*{ours}"):
                act(TAG, "v1", inputs)
        assert declared.tags == {"v1": theirs}
        assert declared.registry.writes == []

    def test_it_is_refused_too_where_only_a_build_tells_what_would_take_its_place(
        self, engine: Engine, declared: Declared
    ) -> None:
        engine.up(TAG, "v1", declared.version("v1", onConflict="refuse"))
        declared.registry.push_index(NAME, "v1", {OWNER_ANNOTATION: "fleet/prod"})
        building = declared.version("v1", onConflict="refuse", source=UNKNOWN)
        with pytest.raises(ConflictError, match="would name a new build"):
            engine.preview(TAG, "v1", building)

    def test_it_is_displaced_where_so_declared_and_its_digest_kept(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1")
        ours = engine.up(TAG, "v1", inputs).outputs["digest"]
        theirs = declared.registry.push_index(NAME, "v1", {OWNER_ANNOTATION: "fleet/prod"})
        assert engine.up(TAG, "v1", inputs).outputs["previous"] == theirs
        assert declared.tags == {"v1": ours}

    def test_one_that_somebody_moved_by_hand_is_mended_though_conflicts_are_refused(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1", onConflict="refuse")
        ours = engine.up(TAG, "v1", inputs).outputs["digest"]
        declared.registry.push_index(NAME, "v1")
        assert engine.preview(TAG, "v1", inputs).kind == "update"
        engine.up(TAG, "v1", inputs)
        assert declared.tags == {"v1": ours}

    def test_our_own_version_is_no_refusal_in_the_preview_of_its_build(
        self, engine: Engine, declared: Declared
    ) -> None:
        declared.registry.push_index(NAME, "v1", {OWNER_ANNOTATION: "fleet/dev"})
        inputs = declared.version("v1", onConflict="refuse", source=UNKNOWN)
        assert engine.preview(TAG, "v1", inputs).kind == "create"

    def test_the_leftover_of_a_removal_counts_as_absent(
        self, engine: Engine, declared: Declared
    ) -> None:
        leftover = {
            "mediaType": OCI_MANIFEST,
            "annotations": {REMOVAL_ANNOTATION: "nonce"},
            "layers": [],
        }
        declared.registry.push_manifest(NAME, leftover, "v1")
        assert not engine.adopt(TAG, "v1", f"{declared.place}:v1")
        outputs = engine.up(TAG, "v1", declared.version("v1", onConflict="refuse")).outputs
        assert (declared.tags["v1"], outputs["previous"]) == (outputs["digest"], "")


class TestRaces:
    def test_a_tag_moved_since_the_refresh_stops_with_both_digests(
        self, engine: Engine, declared: Declared
    ) -> None:
        before = engine.up(TAG, "v1", declared.version("v1")).outputs["digest"]
        other = declared.registry.push_index(NAME, "v1")
        with pytest.raises(ConflictError) as caught:
            engine.up(TAG, "v1", declared.version("v1", "changed"), refresh=False)
        assert before in str(caught.value)
        assert other in str(caught.value)
        assert declared.tags == {"v1": other}

    def test_a_tag_moved_while_layers_travel_stops_before_the_tag(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1")
        other = declared.registry.push_index(NAME, "elsewhere")
        headers = {"Docker-Content-Digest": other}
        # The first look finds nothing; the one just before the write finds another's tag.
        declared.registry.fault("HEAD .*/v1", status=404)
        declared.registry.fault("HEAD .*/v1", status=200, headers=headers)
        with pytest.raises(ConflictError, match=other):
            engine.up(TAG, "v1", inputs)
        assert "v1" not in declared.tags

    def test_a_tag_that_reads_back_otherwise_is_an_error(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1")
        other = declared.registry.push_index(NAME, "elsewhere")
        declared.registry.fault("HEAD .*/v1", status=404, times=2)
        declared.registry.fault("HEAD .*/v1", status=200, headers={"Docker-Content-Digest": other})
        with pytest.raises(ConflictError, match="just written"):
            engine.up(TAG, "v1", inputs)

    def test_a_platform_deleted_after_it_was_looked_for_leaves_the_tag_absent(
        self, engine: Engine, declared: Declared
    ) -> None:
        inputs = declared.version("v1")
        first, *_, last = engine.up(TAG, "v1", inputs).outputs["platforms"]
        manifests = declared.registry.repositories[NAME].manifests
        declared.tags.clear()
        engine.restart()
        declared.registry.fault(
            f"HEAD .*{last['digest']}", act=lambda: manifests.pop(first["digest"])
        )
        with pytest.raises(RegistryError, match=f"lost the manifest of {first['platform']}"):
            engine.up(TAG, "v1", inputs)
        assert "v1" not in declared.tags
        engine.up(TAG, "v1", inputs)
        assert declared.registry.pullable(NAME, "v1")

    def test_a_failure_in_the_middle_leaves_the_tag_and_a_rerun_converges(
        self, engine: Engine, declared: Declared
    ) -> None:
        before = engine.up(TAG, "v1", declared.version("v1")).outputs["digest"]
        changed = declared.version("v1", "changed")
        declared.registry.fault("PUT", status=503, times=99)
        with pytest.raises(RegistryError, match="answered 503"):
            engine.up(TAG, "v1", changed)
        assert declared.tags == {"v1": before}
        declared.registry.faults.clear()
        engine.up(TAG, "v1", changed)
        assert declared.tags["v1"] != before
        assert declared.registry.pullable(NAME, "v1")
