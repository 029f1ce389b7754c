from typing import Any

import pytest

from fleet.registry.reference import ManifestReference, TagReference
from providers.ociregistry.tag.model import Platform, Recorded, TagInputs, TagState
from providers.ociregistry.tag.predict import describe_update, line_of, predict

AMD, ARM64 = "linux/amd64", "linux/arm64"
REF = TagReference.parse("ghcr.io/team/app:py3.12-0.34.0")
OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "1" * 64
OTHER = "another version is the highest of its line"
LIVE = {AMD: "sha256:" + "a" * 64, ARM64: "sha256:" + "b" * 64}
WENT_IN = {f"base {AMD}": "python:3@a", f"base {ARM64}": "python:3@a", "file start.sh": "1f"}


def state(digest: str = OLD, assembled: str = OLD, **platforms: str) -> TagState:
    found = platforms or LIVE
    return TagState(
        digest=digest,
        assembled=assembled,
        platforms=tuple(Platform(platform=p, digest=d, size=1) for p, d in found.items()),
    )


def sources(*digests: str) -> tuple[ManifestReference, ...]:
    return tuple(ManifestReference(repository=REF.repository, digest=each) for each in digests)


def before(recorded: TagState | None = None, *, gone: bool = False, **overrides: Any) -> Recorded:
    fields = {
        "ref": str(REF),
        "state": recorded or state(),
        "sources": sources(OLD),
        "owner": "fleet/dev",
        "identity": "i1",
        "annotations": {},
        "on_conflict": "take-over",
        "inputs": WENT_IN,
        **overrides,
    }
    return Recorded(**fields, gone=gone)


def inputs(
    identity: str = "i1", changes: dict[str, str] | None = None, *digests: str, **overrides: Any
) -> TagInputs:
    """Declared inputs of a version tag; a digest is empty where a build will tell."""
    return TagInputs(
        ref=REF,
        owner="fleet/dev",
        sources=sources(*(digests or (OLD,))),
        platforms=(AMD, ARM64),
        identity=identity,
        inputs={**WENT_IN, **(changes or {})},
        **overrides,
    )


def building(identity: str = "i1", changes: dict[str, str] | None = None) -> TagInputs:
    return inputs(identity, changes, "")


class TestBuilds:
    def test_a_new_tag_names_its_platforms(self) -> None:
        found = predict(building(), None)
        assert line_of(found) == "to be built: new in this stack"
        assert (found.action, found.platforms) == ("build", (AMD, ARM64))
        assert found.kind == "version"

    def test_a_new_tag_whose_image_is_there_builds_nothing(self) -> None:
        found = predict(inputs(), None)
        assert (found.action, found.platforms) == ("re-point", ())
        assert line_of(found) == f"to be re-pointed to {OLD}: new in this stack"

    def test_a_changed_input_is_the_reason_and_the_tag_is_built_whole(self) -> None:
        found = predict(building("i2", {f"base {ARM64}": "python:3@b"}), before())
        assert line_of(found) == f"to be built: base python:3 moved for {ARM64}"
        assert found.reasons == (f"base python:3 moved for {ARM64}",)
        assert found.platforms == (AMD, ARM64)
        assert (found.digest, found.previous) == ("", OLD)

    def test_many_reasons_are_cut_in_the_line_and_whole_in_the_entry(self) -> None:
        changes = {f"file {name}": "x" for name in "abcdefg"}
        found = predict(building("i2", changes), before())
        assert line_of(found).endswith("a added, b added, c added, d added and 3 more")
        assert len(found.reasons) == 7

    def test_a_state_without_inputs_leaves_the_reason_open(self) -> None:
        known = before(inputs={})
        assert line_of(predict(building("i2"), known)) == "to be built: its inputs changed"

    def test_a_build_without_a_changed_input_is_told_for_what_it_is(self) -> None:
        why = "no recorded input changed; its build is lost, replaced, or not in the state"
        found = predict(building(), before())
        assert line_of(found) == f"to be built: {why}"
        assert found.reasons == (why,)

    def test_an_identity_that_moved_has_a_reason_though_nothing_with_a_name_did(self) -> None:
        found = predict(building("i2"), before())
        assert (found.action, line_of(found)) == ("build", "to be built: other inputs changed")

    def test_an_unchanged_identity_means_unchanged_inputs_whatever_the_map_says(self) -> None:
        assert "start.sh" not in line_of(predict(building("i1", {"file start.sh": "2e"}), before()))

    def test_another_builder_is_a_reason_though_the_identity_is_the_same(self) -> None:
        known = before(inputs={**WENT_IN, f"node {ARM64}": "one"})
        found = predict(building("i1", {f"node {ARM64}": "two"}), known)
        assert line_of(found) == "to be built: built by two, no longer by one"

    def test_so_is_another_mirror_of_the_same_base(self) -> None:
        official = {**WENT_IN, f"node {ARM64}": "one"}
        known = before(inputs=official)
        mirrored = {f"node {ARM64}": "one", "place base": "m.example/python"}
        found = predict(building("i1", mirrored), known)
        assert line_of(found) == "to be built: base pulled from m.example/python"
        back = before(inputs={**official, **mirrored})
        found = predict(building("i1", {f"node {ARM64}": "one"}), back)
        assert line_of(found) == "to be built: base pulled from a mirror no longer"

    def test_a_part_that_is_to_be_built_is_a_build_of_the_tag(self) -> None:
        found = predict(inputs("i2", {"file start.sh": "2e"}, OLD, ""), before())
        assert (line_of(found), found.action) == ("to be built: start.sh changed", "build")

    def test_a_tag_that_is_gone_along_with_its_builds_says_both(self) -> None:
        found = predict(building(), before(gone=True))
        assert "its build is lost" in line_of(found)
        assert found.reasons[0] == "gone from the registry"


class TestWithoutABuild:
    def test_an_image_of_an_earlier_run_is_only_named(self) -> None:
        found = predict(inputs("i2", {"file start.sh": "2e"}, NEW), before())
        assert found.action == "re-point"
        assert line_of(found) == f"to be re-pointed from {OLD} to {NEW}: start.sh changed"

    def test_other_bytes_of_the_same_inputs_are_a_reason_of_their_own(self) -> None:
        found = predict(inputs("i1", {}, NEW), before())
        why = "its build gave another digest"
        assert line_of(found) == f"to be re-pointed from {OLD} to {NEW}: {why}"

    def test_an_identity_alone_moves_nothing(self) -> None:
        found = predict(inputs("i2", {"file start.sh": "2e"}), before())
        assert found.action == "unchanged"
        assert line_of(found) == ""

    def test_annotations_alone_write_a_joined_index_anew(self) -> None:
        declared = inputs("i1", {}, *LIVE.values(), annotations={"a": "b"})
        found = predict(declared, before(sources=sources(*LIVE.values())))
        assert (found.action, line_of(found)) == (
            "re-point",
            f"to be re-pointed from {OLD} to a new digest: its annotations changed",
        )

    @pytest.mark.parametrize(
        ("recorded", "reason"),
        [
            (state(NEW), "it was moved since the last update"),
            (state(**{AMD: LIVE[AMD]}), f"the registry lost {ARM64}"),
        ],
    )
    def test_drift_is_a_reason(self, recorded: TagState, reason: str) -> None:
        found = predict(inputs(), before(recorded))
        assert (found.action, found.reasons) == ("re-point", (reason,))

    def test_a_tag_that_is_gone_is_put_back(self) -> None:
        found = predict(inputs(), before(gone=True))
        why = "to be re-pointed: gone from the registry"
        assert (found.action, line_of(found)) == ("re-point", why)
        assert found.digest == found.previous == OLD


class TestDone:
    def test_a_tag_with_another_digest_was_built(self) -> None:
        found = describe_update(inputs("i1", {}, NEW), before(), state(NEW))
        assert (found.action, found.platforms) == ("build", (AMD, ARM64))
        assert found.reasons == ("its build gave another digest",)
        assert (found.digest, found.previous) == (NEW, OLD)

    def test_a_build_that_gave_the_same_bytes_was_a_build(self) -> None:
        declared = inputs("i2", {f"base {AMD}": "python:3@b"})
        found = describe_update(declared, before(), state())
        assert (found.action, found.platforms) == ("build", (AMD, ARM64))

    def test_an_unknown_change_that_gave_the_same_bytes_claims_no_build(self) -> None:
        found = describe_update(inputs("i2"), before(inputs={}), state())
        assert (found.action, found.platforms) == ("unchanged", ())

    def test_a_new_tag_was_built_and_a_displaced_digest_is_told(self) -> None:
        made = TagState(digest=NEW, assembled=NEW, platforms=(), previous=OLD)
        found = describe_update(inputs(), None, made)
        assert (found.action, found.platforms, found.previous) == ("build", (AMD, ARM64), OLD)

    def test_a_tag_put_back_was_not_built(self) -> None:
        assert describe_update(inputs(), before(gone=True), state()).action == "re-point"
        assert describe_update(inputs(), before(state(NEW)), state()).action == "re-point"
        lost = state(**{AMD: LIVE[AMD]})
        assert describe_update(inputs(), before(lost), state()).action == "re-point"


class TestPointers:
    @staticmethod
    def pointer(digest: str, target: str = "v2") -> TagInputs:
        image = ManifestReference(repository=REF.repository, digest=digest)
        return TagInputs(ref=REF, owner="fleet/dev", sources=(image,), identity=target)

    @staticmethod
    def known(target: str = "v1", *, gone: bool = False, digest: str = OLD) -> Recorded:
        return before(state(digest), identity=target, gone=gone)

    @pytest.mark.parametrize(
        ("digest", "target", "way", "why"),
        [
            ("", "v2", "from v1 to v2", OTHER),
            (NEW, "v2", "from v1 to v2", OTHER),
            (NEW, "v1", f"from {OLD} to {NEW}", "its version has another image"),
            ("", "v1", f"from {OLD} to a new digest", "its version has another image"),
        ],
    )
    def test_where_it_goes(self, digest: str, target: str, way: str, why: str) -> None:
        found = predict(self.pointer(digest, target), self.known())
        assert line_of(found) == f"to be re-pointed {way}: {why}"
        assert found.reasons == (why,)
        assert (found.previous_version, found.version) == ("v1", target)
        assert (found.previous, found.digest) == (OLD, digest)

    def test_a_new_one_names_its_version(self) -> None:
        found = predict(self.pointer(NEW), None)
        assert line_of(found) == "to be re-pointed to v2: new in this stack"

    def test_one_without_a_version_names_its_digest(self) -> None:
        assert line_of(predict(self.pointer(NEW, ""), None)) == (
            f"to be re-pointed to {NEW}: new in this stack"
        )

    def test_one_that_was_moved_or_is_gone_says_so(self) -> None:
        moved = predict(self.pointer(OLD, "v1"), self.known(digest=NEW))
        assert moved.reasons == ("it was moved since the last update",)
        gone = predict(self.pointer(OLD, "v1"), self.known(gone=True))
        assert gone.reasons == ("gone from the registry",)

    def test_another_version_of_the_same_bytes_moves_no_name(self) -> None:
        assert predict(self.pointer(OLD), self.known()).action == "unchanged"

    def test_an_update_that_left_the_digest_re_pointed_nothing(self) -> None:
        assert describe_update(self.pointer(OLD, "v1"), self.known(), state()).action == "unchanged"
        assert describe_update(self.pointer(NEW), self.known(), state(NEW)).action == "re-point"
        assert (
            describe_update(self.pointer(OLD, "v1"), self.known(digest=NEW), state()).action
            == "re-point"
        )
