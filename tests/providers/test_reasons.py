from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.oci.reasons import (
    concerned,
    differences,
    in_words,
    reasons,
    shortened,
    shown,
    telling,
)

PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")
AMD, ARM64, ARM7 = PLATFORMS
DIGESTS = [f"sha256:{letter * 12}" for letter in "ab"]

_names = st.sampled_from(["h11", "uvicorn", "start.sh", "TITLE", "", "a b"])
_keys = st.one_of(
    st.builds(
        "{} {}".format, st.sampled_from(["base", "builder", "image"]), st.sampled_from(PLATFORMS)
    ),
    st.builds("distribution {}".format, _names),
    st.builds("distribution {} {}".format, _names, st.sampled_from(PLATFORMS)),
    st.builds("{} {}".format, st.sampled_from(["file", "setting", "other"]), _names),
    st.text(max_size=12),
)
_values = st.one_of(
    st.builds(
        "{}@{}".format,
        st.sampled_from(["python:3.11", "python:3.12", "python"]),
        st.sampled_from(DIGESTS),
    ),
    st.text(max_size=6),
)
_maps = st.dictionaries(_keys, _values, max_size=9)
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def declared(**changes: str | None) -> dict[str, str]:
    """A small image; `None` takes a key away, `__` in a name is a blank."""
    known: dict[str, str | None] = {
        **{f"base {platform}": f"python:3.12-slim@{DIGESTS[0]}" for platform in PLATFORMS},
        **{f"builder {platform}": f"python:3.12@{DIGESTS[0]}" for platform in PLATFORMS},
        "distribution uvicorn": "0.33.0",
        "distribution h11": "0.16.0",
        "file start.sh": "1f",
        "setting TITLE": "t",
        **{name.replace("__", " "): value for name, value in changes.items()},
    }
    return {name: value for name, value in known.items() if value is not None}


class TestReasons:
    @_UNTIMED
    @given(_maps, _maps)
    def test_different_maps_give_a_reason_and_equal_maps_none(
        self, old: dict[str, str], new: dict[str, str]
    ) -> None:
        assert bool(reasons(old, new)) == (old != new)
        assert all(text.strip() for text in reasons(old, new))
        assert reasons(new, dict(new)) == ()

    @_UNTIMED
    @given(_maps, _maps)
    def test_the_order_of_keys_says_nothing(self, old: dict[str, str], new: dict[str, str]) -> None:
        turned = dict(reversed(new.items()))
        assert reasons(old, new) == reasons(dict(reversed(old.items())), turned)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            (
                {f"base {ARM64}": f"python:3.12-slim@{DIGESTS[1]}"},
                f"base python:3.12-slim moved for {ARM64}",
            ),
            (
                {f"builder {p}": f"python:3.12@{DIGESTS[1]}" for p in (AMD, ARM64)},
                f"builder python:3.12 moved for {AMD}, {ARM64}",
            ),
            (
                {f"base {p}": f"python:3.12-slim@{DIGESTS[1]}" for p in PLATFORMS},
                "base python:3.12-slim moved",
            ),
            (
                {f"base {p}": f"python:3.12-alpine@{DIGESTS[1]}" for p in PLATFORMS},
                "base python:3.12-slim -> python:3.12-alpine",
            ),
            ({f"builder {ARM7}": None}, f"builder python:3.12 removed for {ARM7}"),
            ({"distribution uvicorn": "0.34.0"}, "uvicorn 0.33.0 -> 0.34.0"),
            ({"distribution websockets": "15.0"}, "websockets 15.0 added"),
            ({"distribution h11": None}, "h11 removed"),
            ({f"distribution h11 {ARM7}": "0.14.0"}, f"h11 0.16.0 -> 0.14.0 for {ARM7}"),
            ({f"distribution uvloop {AMD}": "1"}, f"uvloop 1 added for {AMD}"),
            ({"file start.sh": "2e"}, "start.sh changed"),
            ({"file start.sh": None}, "start.sh removed"),
            ({"file lib/a b.sh": "2e"}, "lib/a b.sh added"),
            ({"setting TITLE": "u"}, "title changed"),
            ({"label python": "3"}, "label python added"),
        ],
    )
    def test_a_change_is_said_in_words(self, changes: Mapping[str, str | None], words: str) -> None:
        assert reasons(declared(), declared(**changes)) == (words,)

    def test_a_parent_image_is_told_apart_from_a_base(self) -> None:
        parent = f"image {AMD}"
        old = {parent: "python-gunicorn:py3.12-23.0.0@sha256:aa"}
        anew = {parent: "python-gunicorn:py3.12-23.0.0@sha256:bb"}
        newer = {parent: "python-gunicorn:py3.12-23.1.0@sha256:bb"}
        other = {parent: "python-hypercorn:py3.12-1.0@sha256:bb"}
        assert reasons(old, anew) == ("python-gunicorn py3.12-23.0.0 is built anew",)
        assert reasons(old, newer) == ("python-gunicorn py3.12-23.0.0 -> py3.12-23.1.0",)
        assert reasons(old, other) == (
            "python-gunicorn py3.12-23.0.0 -> python-hypercorn:py3.12-1.0",
        )
        assert reasons({**old, f"base {AMD}": "a"}, {f"base {AMD}": "a"}) == (
            "no longer built on python-gunicorn py3.12-23.0.0",
        )

    def test_a_state_without_inputs_leaves_the_reason_open(self) -> None:
        assert reasons({}, declared()) == reasons(declared(), {}) == ("its inputs changed",)

    def test_one_version_for_all_is_the_same_as_that_version_for_each_platform(self) -> None:
        each = {f"distribution h11 {platform}": "0.16.0" for platform in PLATFORMS}
        spread = declared(**{"distribution h11": None}, **each)
        assert reasons(declared(), spread) == ("its inputs are listed in another way",)
        spread[f"distribution h11 {ARM7}"] = "0.14.0"
        assert reasons(declared(), spread) == (f"h11 0.16.0 -> 0.14.0 for {ARM7}",)

    def test_what_has_no_name_is_told_only_where_nothing_else_is(self) -> None:
        rest = declared(**{"other inputs": "1"})
        assert reasons(rest, {**rest, "other inputs": "2"}) == ("other inputs changed",)
        both = {**rest, "other inputs": "2", "file start.sh": "2e"}
        assert reasons(rest, both) == ("start.sh changed",)

    def test_a_platform_that_comes_or_goes_is_one_reason(self) -> None:
        fewer = declared(**{f"base {ARM7}": None, f"builder {ARM7}": None})
        assert reasons(fewer, declared()) == (f"newly declared for {ARM7}",)
        assert reasons(declared(), fewer) == (f"no longer declared for {ARM7}",)


class TestPlatforms:
    def test_a_change_concerns_its_platforms_or_all(self) -> None:
        moved = differences(declared(), declared(**{f"base {ARM64}": "python:3.12-slim@other"}))
        assert concerned(moved, PLATFORMS) == (ARM64,)
        edited = differences(declared(), declared(**{"file start.sh": "2e"}))
        assert concerned((*moved, *edited), PLATFORMS) == PLATFORMS
        assert concerned((), PLATFORMS) == ()

    def test_a_platform_that_goes_concerns_no_other(self) -> None:
        fewer = declared(**{f"base {ARM7}": None, f"builder {ARM7}": None})
        assert concerned(differences(declared(), fewer), (AMD, ARM64)) == ()

    def test_platforms_that_a_line_has_named_are_not_named_again(self) -> None:
        moved = differences(declared(), declared(**{f"base {ARM64}": "python:3.12-slim@other"}))
        assert in_words(moved, (ARM64,)) == ("base python:3.12-slim moved",)
        assert in_words(moved, (AMD, ARM64)) == (f"base python:3.12-slim moved for {ARM64}",)

    def test_what_is_vague_is_told_where_the_rest_does_not_concern_every_platform(self) -> None:
        rest = declared(**{"other inputs": "1"})
        moved = {**rest, f"base {ARM64}": "python:3.12-slim@other", "other inputs": "2"}
        found = differences(rest, moved)
        words = "base python:3.12-slim moved"
        assert in_words(telling(found, (ARM64,)), (ARM64,)) == (words,)
        assert in_words(telling(found, (AMD, ARM64))) == (
            f"{words} for {ARM64}",
            "other inputs changed",
        )


class TestShown:
    @pytest.mark.parametrize(
        ("number", "line"),
        [(1, "0"), (4, "0, 1, 2, 3"), (5, "0, 1, 2, 3, 4"), (7, "0, 1, 2, 3 and 3 more")],
    )
    def test_four_are_spelt_out_and_a_single_fifth(self, number: int, line: str) -> None:
        assert shown(tuple(str(position) for position in range(number))) == line

    def test_digests_are_shortened_and_nothing_else_is(self) -> None:
        long = {"base x": f"python:3@sha256:{'0123456789abcdef' * 4}", "setting A": "sha256:x"}
        short = {"base x": "python:3@sha256:0123456789ab", "setting A": "sha256:x"}
        assert shortened(long) == short
        assert shortened(short) == short
