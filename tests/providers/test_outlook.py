from typing import Any

import pytest

from providers.ociregistry.before import Before
from providers.ociregistry.outlook import foresee, tell, unexplained
from providers.ociregistry.reference import ManifestReference, TagReference
from providers.ociregistry.tag import Platform, Recorded, Source, TagInputs, TagState

AMD, ARM64 = "linux/amd64", "linux/arm64"
REF = TagReference.parse("ghcr.io/team/app:py3.12-0.34.0")
OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "1" * 64
LIVE = {AMD: "sha256:" + "a" * 64, ARM64: "sha256:" + "b" * 64}
WENT_IN = {f"base {AMD}": "python:3@a", f"base {ARM64}": "python:3@a", "file start.sh": "1f"}


def state(digest: str = OLD, assembled: str = OLD, **platforms: str) -> TagState:
    found = platforms or LIVE
    return TagState(
        digest=digest,
        assembled=assembled,
        media_type="index",
        platforms=tuple(Platform(platform=p, digest=d, size=1) for p, d in found.items()),
    )


def before(recorded: TagState | None = None, *, gone: bool = False, **overrides: Any) -> Before:
    fields = {
        "ref": str(REF),
        "state": recorded or state(),
        "sources": LIVE,
        "owner": "fleet/dev",
        "identity": "i1",
        "annotations": {},
        "on_conflict": "take-over",
        **overrides,
    }
    return Before(recorded=Recorded(**fields), inputs=WENT_IN, gone=gone)


def inputs(
    identity: str = "i1", changes: dict[str, str] | None = None, **overrides: Any
) -> TagInputs:
    """Declared inputs; `images` are the sources' digests, empty where a build will tell."""
    images = overrides.pop("images", LIVE)
    return TagInputs(
        ref=REF,
        owner=overrides.pop("owner", "fleet/dev"),
        sources=tuple(
            Source(
                platform=platform,
                image=ManifestReference(repository=REF.repository, digest=digest),
            )
            for platform, digest in images.items()
        ),
        identity=identity,
        inputs={**WENT_IN, **(changes or {})},
        **overrides,
    )


def building(*platforms: str) -> dict[str, str]:
    return {**LIVE, **dict.fromkeys(platforms, "")}


class TestBuilds:
    def test_a_new_tag_names_its_platforms(self) -> None:
        found = foresee(inputs(images=building(AMD, ARM64)), Before())
        assert found.line == f"new in this stack: to be built for {AMD}, {ARM64}"
        assert (found.entry.action, found.entry.platforms) == ("build", (AMD, ARM64))

    def test_a_new_tag_whose_images_are_there_builds_nothing(self) -> None:
        found = foresee(inputs(), Before())
        assert (found.entry.action, found.entry.platforms) == ("re-point", ())
        assert found.line == "new in this stack: names images that are built already"

    def test_a_changed_input_is_the_reason(self) -> None:
        declared = inputs("i2", {f"base {ARM64}": "python:3@b"}, images=building(ARM64))
        found = foresee(declared, before())
        assert found.line == f"to be built for {ARM64}: base python:3 moved"
        assert found.entry.reasons == (f"base python:3 moved for {ARM64}",)
        assert (found.entry.digest, found.entry.previous) == ("", OLD)

    def test_many_reasons_are_cut_in_the_line_and_whole_in_the_entry(self) -> None:
        changes = {f"file {name}": "x" for name in "abcdefg"}
        found = foresee(inputs("i2", changes, images=building(AMD, ARM64)), before())
        assert found.line.endswith("a added, b added, c added, d added and 3 more")
        assert len(found.entry.reasons) == 7

    def test_a_state_without_inputs_leaves_the_reason_open(self) -> None:
        known = Before(recorded=before().recorded)
        found = foresee(inputs("i2", images=building(AMD)), known)
        assert found.line == f"to be built for {AMD}: its inputs changed"

    @pytest.mark.parametrize(
        ("absent", "why"),
        [
            ((ARM64,), "its build is no longer in the registry"),
            (
                (),
                "no input is known to have changed; its build is set up anew, or not in the state",
            ),
        ],
    )
    def test_a_build_without_a_changed_input_is_told_for_what_it_is(
        self, absent: tuple[str, ...], why: str
    ) -> None:
        declared = inputs(images=building(ARM64))
        assert unexplained(declared, before()) == (ARM64,)
        found = foresee(declared, before(), absent)
        assert found.line == f"to be built again for {ARM64}: {why}"
        assert found.entry.reasons == (why,)

    def test_an_unchanged_identity_means_unchanged_inputs_whatever_the_map_says(self) -> None:
        declared = inputs("i1", {"file start.sh": "2e"}, images=building(ARM64))
        assert "start.sh" not in foresee(declared, before()).line

    def test_each_platform_has_its_own_reason(self) -> None:
        declared = inputs("i2", {f"base {AMD}": "python:3@b"}, images=building(AMD, ARM64))
        found = foresee(declared, before(), absent=(ARM64,))
        assert found.line == (
            f"to be built for {AMD}: base python:3 moved; "
            f"to be built again for {ARM64}: its build is no longer in the registry"
        )

    def test_a_tag_that_is_gone_along_with_its_builds_says_both(self) -> None:
        found = foresee(inputs(images=building(AMD)), before(gone=True), absent=(AMD,))
        assert found.line.startswith("gone from the registry; to be built again for")
        assert found.entry.reasons[0] == "gone from the registry"

    def test_an_import_that_knows_no_identity_claims_no_change(self) -> None:
        declared = inputs("i2", {"file start.sh": "2e"}, images=building(AMD))
        assert unexplained(declared, before(identity=None)) == (AMD,)


class TestWithoutABuild:
    def test_images_of_an_earlier_run_are_only_put_together(self) -> None:
        images = {**LIVE, ARM64: "sha256:" + "c" * 64}
        found = foresee(inputs("i2", {"file start.sh": "2e"}, images=images), before())
        assert found.entry.action == "re-point"
        assert found.line == "put together from images that are built already: start.sh changed"

    def test_an_identity_alone_moves_nothing(self) -> None:
        found = foresee(inputs("i2", {"file start.sh": "2e"}), before())
        assert found.entry.action == "unchanged"
        assert found.line == "nothing is built and no name moves, though start.sh changed"

    def test_annotations_alone_write_the_index_anew(self) -> None:
        found = foresee(inputs(annotations={"a": "b"}), before())
        assert (found.entry.action, found.line) == (
            "re-point",
            "written anew: its annotations changed",
        )

    @pytest.mark.parametrize(
        ("recorded", "reason"),
        [
            (state(NEW), f"it was moved to {NEW}"),
            (state(**{AMD: LIVE[AMD]}), f"the registry lost {ARM64}"),
        ],
    )
    def test_drift_has_a_line_of_its_refresh_and_is_a_reason_here(
        self, recorded: TagState, reason: str
    ) -> None:
        found = foresee(inputs(), before(recorded))
        assert (found.entry.action, found.entry.reasons, found.line) == ("re-point", (reason,), "")

    def test_a_tag_that_is_gone_is_put_back(self) -> None:
        found = foresee(inputs(), before(gone=True))
        assert (found.entry.action, found.line) == ("re-point", "")
        assert found.entry.digest == found.entry.previous == OLD


class TestDone:
    def test_platforms_with_another_digest_were_built(self) -> None:
        images = {**LIVE, ARM64: "sha256:" + "c" * 64}
        found = tell(inputs(images=images), before(), state(NEW))
        assert (found.action, found.platforms) == ("build", (ARM64,))
        assert (found.digest, found.previous) == (NEW, OLD)

    def test_a_build_that_gave_the_same_bytes_was_a_build(self) -> None:
        declared = inputs("i2", {f"base {AMD}": "python:3@b"})
        found = tell(declared, before(), state())
        assert (found.action, found.platforms) == ("build", (AMD,))

    def test_an_unknown_change_that_gave_the_same_bytes_claims_no_build(self) -> None:
        found = tell(inputs("i2"), Before(recorded=before().recorded), state())
        assert (found.action, found.platforms) == ("unchanged", ())

    def test_only_the_platforms_that_a_named_change_concerns_were_built(self) -> None:
        declared = inputs("i2", {f"base {AMD}": "python:3@b", f"other {ARM64}": "2"})
        assert tell(declared, before(), state()).platforms == (AMD,)

    def test_a_new_tag_was_built_and_a_displaced_digest_is_told(self) -> None:
        made = TagState(digest=NEW, assembled=NEW, media_type="", platforms=(), previous=OLD)
        found = tell(inputs(), Before(), made)
        assert (found.action, found.platforms, found.previous) == ("build", (AMD, ARM64), OLD)

    def test_a_tag_put_back_was_not_built(self) -> None:
        assert tell(inputs(), before(gone=True), state()).action == "re-point"
        assert tell(inputs(), before(state(NEW)), state()).action == "re-point"
        lost = state(**{AMD: LIVE[AMD]})
        assert tell(inputs(), before(lost), state()).action == "re-point"


class TestPointers:
    @staticmethod
    def pointer(digest: str, target: str = "v2") -> TagInputs:
        image = ManifestReference(repository=REF.repository, digest=digest)
        return TagInputs(ref=REF, owner="fleet/dev", source=image, identity=target)

    @staticmethod
    def known(target: str = "v1", *, gone: bool = False, digest: str = OLD) -> Before:
        return before(state(digest), sources=None, source=OLD, identity=target, gone=gone)

    @pytest.mark.parametrize(
        ("digest", "target", "line"),
        [
            ("", "v2", f"re-pointed from v1 ({OLD}) to v2"),
            (NEW, "v2", f"re-pointed from v1 ({OLD}) to v2"),
            (NEW, "v1", f"follows v1 from {OLD} to {NEW}"),
            ("", "v1", f"stays with v1, whose digest is not known yet ({OLD} so far)"),
        ],
    )
    def test_where_it_goes(self, digest: str, target: str, line: str) -> None:
        found = foresee(self.pointer(digest, target), self.known())
        assert (found.entry.action, found.line) == ("re-point", line)
        assert (found.entry.previous_version, found.entry.version) == ("v1", target)
        assert (found.entry.previous, found.entry.digest) == (OLD, digest)

    def test_a_new_one_names_its_version(self) -> None:
        found = foresee(self.pointer(NEW), Before())
        assert (found.line, found.entry.action) == ("new, names v2", "re-point")

    def test_one_without_a_version_names_its_digest(self) -> None:
        assert foresee(self.pointer(NEW, ""), Before()).line == f"new, names {NEW}"

    def test_one_that_was_moved_or_is_gone_has_a_line_of_its_refresh(self) -> None:
        moved = foresee(self.pointer(OLD, "v1"), self.known(digest=NEW))
        assert (moved.line, moved.entry.reasons) == ("", (f"it was moved to {NEW}",))
        gone = foresee(self.pointer(OLD, "v1"), self.known(gone=True))
        assert (gone.line, gone.entry.reasons) == ("", ("gone from the registry",))

    def test_another_version_of_the_same_bytes_moves_no_name(self) -> None:
        assert foresee(self.pointer(OLD), self.known()).entry.action == "unchanged"

    def test_an_update_that_left_the_digest_re_pointed_nothing(self) -> None:
        assert tell(self.pointer(OLD, "v1"), self.known(), state()).action == "unchanged"
        assert tell(self.pointer(NEW), self.known(), state(NEW)).action == "re-point"
        assert tell(self.pointer(OLD, "v1"), self.known(digest=NEW), state()).action == "re-point"
