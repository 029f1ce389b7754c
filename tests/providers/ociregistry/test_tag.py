from dataclasses import replace
from typing import Any

import pytest

from fleet.registry.errors import ConflictError
from fleet.registry.reference import ManifestReference, TagReference
from providers.ociregistry.tag.model import (
    Decision,
    Live,
    Platform,
    Recorded,
    TagInputs,
    TagState,
    decide,
)

A, B, C = (f"sha256:{character * 64}" for character in "abc")
REF = TagReference.parse("localhost:5000/team/app:py3.11-1.0.0")


def image(digest: str, repository: str = "localhost:5000/team/app/build") -> ManifestReference:
    return ManifestReference.parse(f"{repository}@{digest}")


def joined(*digests: str, **overrides: Any) -> TagInputs:
    sources = tuple(image(digest) for digest in digests or (A, C))
    inputs = TagInputs(
        ref=REF, owner="fleet/dev", identity="1", sources=sources, platforms=("linux/amd64",)
    )
    return replace(inputs, **overrides)


def version(digest: str = B, **overrides: Any) -> TagInputs:
    return joined(digest, **overrides)


def pointer(digest: str, **overrides: Any) -> TagInputs:
    source = image(digest, "localhost:5000/team/app")
    return joined(**{"sources": (source,), "platforms": (), **overrides})


def state(**overrides: Any) -> TagState:
    platform = Platform(platform="linux/amd64", digest=A, size=5)
    default = TagState(digest=B, assembled=B, platforms=(platform,))
    return replace(default, **overrides)


def recorded(**overrides: Any) -> Recorded:
    default = Recorded(
        ref=str(REF),
        state=state(),
        sources=(image(B),),
        owner="fleet/dev",
        identity="1",
        annotations={},
        on_conflict="take-over",
    )
    return replace(default, **overrides)


def of_two(**overrides: Any) -> Recorded:
    return recorded(**{"sources": (image(A), image(C)), **overrides})


class TestTagDiff:
    @pytest.mark.parametrize(
        ("case", "old", "new", "changed"),
        [
            ("nothing differs", recorded(), version(), ()),
            ("another tag", recorded(ref="localhost:5000/team/app:x"), version(), ("ref",)),
            ("a build that gave another digest", recorded(), version(C), ("source",)),
            ("a build that is still to come", recorded(), version(""), ("source",)),
            (
                "the same digest from another build repository",
                recorded(),
                version(sources=(image(B, "localhost:5000/o"),)),
                (),
            ),
            ("a new identity", recorded(), version(identity="2"), ("identity",)),
            ("an identity not yet known", recorded(), version(identity=None), ("identity",)),
            ("another rule", recorded(), version(on_conflict="refuse"), ("onConflict",)),
            ("an owner that the build carries", recorded(), version(owner="fleet/prod"), ()),
            ("the tag was moved", recorded(state=state(digest=C)), version(), ("digest",)),
            ("a platform was lost", recorded(state=state(platforms=())), version(), ("platforms",)),
            ("a new platform", recorded(), version(platforms=("linux/arm64",)), ("platforms",)),
            ("two parts stand", of_two(), joined(), ()),
            ("two parts in another order", of_two(), joined(C, A), ()),
            ("a part was built", of_two(), joined(A, B), ("sources",)),
            ("a part is still to come", of_two(), joined(A, ""), ("sources",)),
            ("one part becomes two", recorded(), joined(), ("sources",)),
            ("two parts become one", of_two(), version(C), ("source",)),
            ("another owner", of_two(), joined(owner="fleet/prod"), ("owner",)),
            ("an annotation", of_two(), joined(annotations={"a": "b"}), ("annotations",)),
            ("a joined tag was moved", of_two(state=state(digest=C)), joined(), ("digest",)),
            (
                "a joined tag lost a platform",
                of_two(state=state(platforms=())),
                joined(),
                ("platforms",),
            ),
            ("a pointer stands", recorded(), pointer(B), ()),
            ("a pointer moves on", recorded(), pointer(C), ("source",)),
            ("a pointer's target is still to be built", recorded(), pointer(""), ("source",)),
            ("a pointer was moved", recorded(state=state(digest=C)), pointer(B), ("digest",)),
            (
                "what a pointer names lost a platform",
                recorded(state=state(platforms=())),
                pointer(B),
                (),
            ),
            (
                "a pointer that an import took for a version",
                recorded(annotations={"a": "b"}, owner=""),
                pointer(B),
                (),
            ),
        ],
    )
    def test_diff(self, case: str, old: Recorded, new: TagInputs, changed: tuple[str, ...]) -> None:
        assert new.diff(old) == changed, case

    @pytest.mark.parametrize("inputs", [version(), pointer(B)])
    def test_an_import_that_knows_only_the_registry_is_no_difference(
        self, inputs: TagInputs
    ) -> None:
        source = image(B, "localhost:5000/team/app")
        assert inputs.diff(Recorded(ref=str(REF), state=state(), sources=(source,))) == ()


class TestForeseenDigest:
    @pytest.mark.parametrize(
        ("case", "old", "new", "digest"),
        [
            ("a new tag is unknown before its build", None, version(""), ""),
            ("a tag that is built has its build's digest", None, version(C), C),
            ("a new identity alone moves nothing", recorded(), version(identity="2"), B),
            (
                "repairing a moved tag brings the old digest back",
                recorded(state=state(digest=C)),
                version(),
                B,
            ),
            ("new parts are joined first", None, joined(), ""),
            ("the same parts give the same", of_two(state=state(digest=C)), joined(), B),
            ("a new part writes another index", of_two(), joined(A, B), ""),
            ("a new owner writes another index", of_two(), joined(owner="x/y"), ""),
            ("another tag is a new one", of_two(ref="h/n:t"), joined(), ""),
            ("a pointer follows its source", None, pointer(C), C),
        ],
    )
    def test_foreseen(self, case: str, old: Recorded | None, new: TagInputs, digest: str) -> None:
        assert new.predicted_digest(old) == digest, case


LIVE = Live(digest=B, owner="")


class TestDecide:
    def test_an_absent_tag_is_written(self) -> None:
        assert decide(version(), B, None) == Decision(write=True)

    def test_an_equal_tag_is_adopted_without_a_write(self) -> None:
        live = Live(digest=B, owner="")
        assert decide(version(on_conflict="refuse"), B, live) == Decision(write=False)

    def test_our_own_tag_is_moved_even_where_conflicts_are_refused(self) -> None:
        live = Live(digest=C, owner="fleet/dev")
        decision = decide(version(on_conflict="refuse"), B, live)
        assert decision == Decision(write=True, previous=C)

    def test_another_tag_is_taken_over_and_its_digest_kept(self) -> None:
        live = Live(digest=C, owner="fleet/prod")
        assert decide(version(), B, live) == Decision(write=True, previous=C)

    @pytest.mark.parametrize("owner", ["", "fleet/prod"])
    def test_another_tag_is_refused_with_both_digests_and_the_remedies(self, owner: str) -> None:
        with pytest.raises(ConflictError) as caught:
            decide(version(on_conflict="refuse"), B, Live(digest=C, owner=owner))
        for part in (str(REF), B, C, owner, "pulumi import", "onConflict: take-over"):
            assert part in str(caught.value)

    def test_an_update_without_a_move_writes_nothing_and_keeps_the_record(self) -> None:
        decision = decide(version(), B, LIVE, state(digest=C, previous=A))
        assert decision == Decision(write=False, previous=A)

    def test_an_update_puts_a_lost_tag_back(self) -> None:
        assert decide(version(), B, None, state()).write

    def test_an_update_moves_what_was_recorded(self) -> None:
        assert decide(version(), C, LIVE, state()) == Decision(write=True, previous=B)

    def test_a_tag_moved_by_someone_else_stops_with_all_digests(self) -> None:
        with pytest.raises(ConflictError) as caught:
            decide(version(), C, Live(digest=A, owner=""), state())
        for part in (A, B, C, "pulumi up --refresh"):
            assert part in str(caught.value)


class TestDecideOnATagThatWasMovedSinceTheLastUpdate:
    """The state has C by the refresh, and B as what was written."""

    MOVED = state(digest=C)

    def test_one_of_another_owner_is_refused_with_both_digests_and_the_remedies(self) -> None:
        live = Live(digest=C, owner="fleet/prod")
        with pytest.raises(ConflictError) as caught:
            decide(version(on_conflict="refuse"), B, live, self.MOVED)
        for part in (str(REF), B, C, "fleet/prod", "not declare it", "onConflict: take-over"):
            assert part in str(caught.value)

    def test_one_of_another_owner_is_displaced_where_so_declared(self) -> None:
        live = Live(digest=C, owner="fleet/prod")
        decision = decide(version(), B, live, self.MOVED)
        assert decision == Decision(write=True, previous=C)

    @pytest.mark.parametrize("owner", ["", "fleet/dev"])
    def test_one_of_nobody_or_of_ours_is_mended(self, owner: str) -> None:
        live = Live(digest=C, owner=owner)
        decision = decide(version(on_conflict="refuse"), B, live, self.MOVED)
        assert decision == Decision(write=True, previous=C)

    def test_what_the_last_update_wrote_or_adopted_is_ours_whatever_it_carries(self) -> None:
        live = Live(digest=B, owner="fleet/of-before")
        decision = decide(version(on_conflict="refuse"), C, live, state())
        assert decision == Decision(write=True, previous=B)


class TestDrift:
    @pytest.mark.parametrize(
        ("live", "words"),
        [
            (None, f"is gone from the registry; it named {B}"),
            (state(digest=C), f"was moved from {B} to {C}"),
            (state(platforms=()), "lost the manifest of linux/amd64"),
        ],
    )
    def test_drift_is_told_in_words(self, live: TagState | None, words: str) -> None:
        (found,) = recorded().drift(live, ["linux/amd64"])
        assert words in found

    def test_no_drift_is_no_words(self) -> None:
        assert recorded().drift(state(), ["linux/amd64"]) == ()
