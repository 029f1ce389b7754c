from dataclasses import replace
from typing import Any

import pytest

from providers.ociregistry.errors import ConflictError
from providers.ociregistry.reference import ManifestReference, TagReference
from providers.ociregistry.tag import (
    Decision,
    Live,
    Platform,
    Recorded,
    Source,
    TagInputs,
    TagState,
    decide_create,
    decide_update,
    diff,
    drift,
    foreseen_digest,
)

A, B, C = (f"sha256:{character * 64}" for character in "abc")
REF = TagReference.parse("localhost:5000/team/app:py3.11-1.0.0")


def image(digest: str, repository: str = "localhost:5000/team/app/build") -> ManifestReference:
    return ManifestReference.parse(f"{repository}@{digest}")


REBUILT = Source(platform="linux/amd64", image=image(C))


def assembled(**overrides: Any) -> TagInputs:
    source = Source(platform="linux/amd64", image=image(A))
    inputs = TagInputs(ref=REF, owner="fleet/dev", identity="1", sources=(source,))
    return replace(inputs, **overrides)


def copied(digest: str, **overrides: Any) -> TagInputs:
    inputs = TagInputs(
        ref=REF, owner="fleet/dev", identity="1", source=image(digest, "localhost:5000/team/app")
    )
    return replace(inputs, **overrides)


def state(**overrides: Any) -> TagState:
    platform = Platform(platform="linux/amd64", digest=A, size=5)
    default = TagState(digest=B, assembled=B, media_type="index", platforms=(platform,))
    return replace(default, **overrides)


def recorded(**overrides: Any) -> Recorded:
    default = Recorded(
        ref=str(REF),
        state=state(),
        sources={"linux/amd64": A},
        owner="fleet/dev",
        identity="1",
        annotations={},
        on_conflict="take-over",
    )
    return replace(default, **overrides)


def pointer(**overrides: Any) -> Recorded:
    return recorded(sources=None, source=B, **overrides)


class TestTagDiff:
    @pytest.mark.parametrize(
        ("case", "old", "new", "changed"),
        [
            ("nothing differs", recorded(), assembled(), ()),
            ("another tag", recorded(ref="localhost:5000/team/app:x"), assembled(), ("ref",)),
            ("a rebuilt platform", recorded(), assembled(sources=(REBUILT,)), ("sources",)),
            (
                "a build that is still to come",
                recorded(),
                assembled(sources=(Source(platform="linux/amd64", image=image("")),)),
                ("sources",),
            ),
            (
                "the same digest from another build repository",
                recorded(),
                assembled(
                    sources=(Source(platform="linux/amd64", image=image(A, "localhost:5000/o")),)
                ),
                (),
            ),
            ("a new identity", recorded(), assembled(identity="2"), ("identity",)),
            ("an identity not yet known", recorded(), assembled(identity=None), ("identity",)),
            ("another owner", recorded(), assembled(owner="fleet/prod"), ("owner",)),
            ("an annotation", recorded(), assembled(annotations={"a": "b"}), ("annotations",)),
            ("another rule", recorded(), assembled(on_conflict="refuse"), ("onConflict",)),
            ("the tag was moved", recorded(state=state(digest=C)), assembled(), ("digest",)),
            (
                "a platform was lost",
                recorded(state=state(platforms=())),
                assembled(),
                ("platforms",),
            ),
            ("a pointer stands", pointer(), copied(B), ()),
            ("a pointer moves on", pointer(), copied(C), ("source",)),
            ("a pointer's target is still to be built", pointer(), copied(""), ("source",)),
            ("a pointer was moved", pointer(state=state(digest=C)), copied(B), ("digest",)),
            (
                "a pointer that an import took for a version",
                recorded(annotations={"a": "b"}, owner=""),
                copied(B),
                (),
            ),
            ("a tag of no owner, to be assembled", recorded(owner=""), assembled(), ("owner",)),
        ],
    )
    def test_diff(self, case: str, old: Recorded, new: TagInputs, changed: tuple[str, ...]) -> None:
        assert diff(old, new) == changed, case

    @pytest.mark.parametrize("inputs", [assembled(), copied(B)])
    def test_an_import_that_knows_only_the_registry_is_no_difference(
        self, inputs: TagInputs
    ) -> None:
        imported = Recorded(ref=str(REF), state=state(), sources={"linux/amd64": A})
        assert diff(imported, inputs) == ()


class TestForeseenDigest:
    @pytest.mark.parametrize(
        ("case", "old", "new", "digest"),
        [
            ("a new tag is unknown before its build", None, assembled(), ""),
            ("a new identity alone moves nothing", recorded(), assembled(identity="2"), B),
            (
                "repairing a moved tag brings the old digest back",
                recorded(state=state(digest=C)),
                assembled(),
                B,
            ),
            ("a new owner writes another index", recorded(), assembled(owner="x/y"), ""),
            ("a pointer follows its source", None, copied(C), C),
            ("another tag is a new one", recorded(ref="h/n:t"), assembled(), ""),
        ],
    )
    def test_foreseen(self, case: str, old: Recorded | None, new: TagInputs, digest: str) -> None:
        assert foreseen_digest(old, new) == digest, case


LIVE = Live(digest=B, owner="")


class TestDecide:
    def test_an_absent_tag_is_written(self) -> None:
        assert decide_create(assembled(), B, None) == Decision(write=True)

    def test_an_equal_tag_is_adopted_without_a_write(self) -> None:
        live = Live(digest=B, owner="")
        assert decide_create(assembled(on_conflict="refuse"), B, live) == Decision(write=False)

    def test_our_own_tag_is_moved_even_where_conflicts_are_refused(self) -> None:
        live = Live(digest=C, owner="fleet/dev")
        decision = decide_create(assembled(on_conflict="refuse"), B, live)
        assert decision == Decision(write=True, previous=C)

    def test_another_tag_is_taken_over_and_its_digest_kept(self) -> None:
        live = Live(digest=C, owner="fleet/prod")
        assert decide_create(assembled(), B, live) == Decision(write=True, previous=C)

    @pytest.mark.parametrize("owner", ["", "fleet/prod"])
    def test_another_tag_is_refused_with_both_digests_and_the_remedies(self, owner: str) -> None:
        with pytest.raises(ConflictError) as caught:
            decide_create(assembled(on_conflict="refuse"), B, Live(digest=C, owner=owner))
        for part in (str(REF), B, C, owner, "pulumi import", "onConflict: take-over"):
            assert part in str(caught.value)

    def test_an_update_without_a_move_writes_nothing_and_keeps_the_record(self) -> None:
        decision = decide_update(assembled(), B, state(digest=C, previous=A), LIVE)
        assert decision == Decision(write=False, previous=A)

    def test_an_update_puts_a_lost_tag_back(self) -> None:
        assert decide_update(assembled(), B, state(), None).write

    def test_an_update_moves_what_was_recorded(self) -> None:
        assert decide_update(assembled(), C, state(), LIVE) == Decision(write=True, previous=B)

    def test_a_tag_moved_by_someone_else_stops_with_all_digests(self) -> None:
        with pytest.raises(ConflictError) as caught:
            decide_update(assembled(), C, state(), Live(digest=A, owner=""))
        for part in (A, B, C, "pulumi up --refresh"):
            assert part in str(caught.value)


class TestDecideOnATagThatWasMovedSinceTheLastUpdate:
    """The state has C by the refresh, and B as what was written."""

    MOVED = state(digest=C)

    def test_one_of_another_owner_is_refused_with_both_digests_and_the_remedies(self) -> None:
        live = Live(digest=C, owner="fleet/prod")
        with pytest.raises(ConflictError) as caught:
            decide_update(assembled(on_conflict="refuse"), B, self.MOVED, live)
        for part in (str(REF), B, C, "fleet/prod", "not declare it", "onConflict: take-over"):
            assert part in str(caught.value)

    def test_one_of_another_owner_is_displaced_where_so_declared(self) -> None:
        live = Live(digest=C, owner="fleet/prod")
        decision = decide_update(assembled(), B, self.MOVED, live)
        assert decision == Decision(write=True, previous=C)

    @pytest.mark.parametrize("owner", ["", "fleet/dev"])
    def test_one_of_nobody_or_of_ours_is_mended(self, owner: str) -> None:
        live = Live(digest=C, owner=owner)
        decision = decide_update(assembled(on_conflict="refuse"), B, self.MOVED, live)
        assert decision == Decision(write=True, previous=C)

    def test_what_the_last_update_wrote_or_adopted_is_ours_whatever_it_carries(self) -> None:
        live = Live(digest=B, owner="fleet/of-before")
        decision = decide_update(assembled(on_conflict="refuse"), C, state(), live)
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
        assert words in drift(recorded(), live)

    def test_no_drift_is_no_words(self) -> None:
        assert drift(recorded(), state()) == ""
