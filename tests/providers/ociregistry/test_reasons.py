from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.ociregistry.tag.reasons import Inputs, differences, in_words, shortened, shown

PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")
AMD, ARM64, ARM7 = PLATFORMS
DIGESTS = [f"sha256:{letter * 12}" for letter in "ab"]

_names = st.sampled_from(["h11", "uvicorn", "start.sh", "TITLE", "", "a b"])
_keys = st.one_of(
    st.builds("{} {}".format, st.sampled_from(["base", "image"]), st.sampled_from(PLATFORMS)),
    st.builds("{} {}".format, st.sampled_from(["distribution", "backend"]), _names),
    st.builds("distribution {} {}".format, _names, st.sampled_from(PLATFORMS)),
    st.builds("{} {}".format, st.sampled_from(["file", "setting", "label"]), _names),
    st.sampled_from(["base", "revision"]),
    st.text(max_size=12),
)
_values = st.one_of(
    st.builds(
        "{}@{}".format,
        st.sampled_from(["python:3.11", "python:3.12", "python", "0123456789ab", "0-dirty-1"]),
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
        "base": f"python:3.12-slim@{DIGESTS[0]}",
        "builder": f"python:3.12@{DIGESTS[0]}",
        "distribution uvicorn": "0.33.0@sha256:1",
        "distribution h11": "0.16.0@sha256:1",
        f"backend setuptools {ARM7}": "82.0.1@sha256:1",
        **{f"node {platform}": "hosted" for platform in PLATFORMS},
        "file start.sh": "1f",
        "setting TITLE": "t",
        "revision": "0123456789ab@1700000000",
        **{name.replace("__", " "): value for name, value in changes.items()},
    }
    return {name: value for name, value in known.items() if value is not None}


def without(platform: str) -> dict[str, str]:
    return {key: value for key, value in declared().items() if not key.endswith(f" {platform}")}


def reasons(old: Inputs, new: Inputs) -> tuple[str, ...]:
    return in_words(differences(old, new))


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
                {f"base {p}": f"python:3.12-slim@{DIGESTS[1]}" for p in (AMD, ARM64)},
                f"base python:3.12-slim moved for {AMD}, {ARM64}",
            ),
            ({"builder": f"python:3.12@{DIGESTS[1]}"}, "builder python:3.12 moved"),
            (
                {f"base {p}": f"python:3.12-slim@{DIGESTS[1]}" for p in PLATFORMS},
                "base python:3.12-slim moved",
            ),
            (
                {f"base {p}": f"python:3.12-alpine@{DIGESTS[1]}" for p in PLATFORMS},
                "base python:3.12-slim -> python:3.12-alpine",
            ),
            ({f"base {ARM7}": None}, f"base python:3.12-slim removed for {ARM7}"),
            ({"distribution uvicorn": "0.34.0@sha256:2"}, "uvicorn 0.33.0 -> 0.34.0"),
            (
                {"base": f"python:3.12-slim@{DIGESTS[1]}"},
                "base python:3.12-slim moved for a platform that this tag lacks",
            ),
            (
                {
                    "base": f"python:3.12-slim@{DIGESTS[1]}",
                    f"base {ARM64}": f"python:3.12-slim@{DIGESTS[1]}",
                },
                f"base python:3.12-slim moved for {ARM64}",
            ),
            ({"distribution uvicorn": "0.33.0@sha256:2"}, "hashes of uvicorn changed"),
            (
                {f"distribution h11 {ARM7}": "0.16.0@sha256:2 compiled"},
                f"h11 is compiled now for {ARM7}",
            ),
            (
                {f"distribution h11 {ARM7}": "0.17.0@sha256:2 compiled"},
                f"h11 0.16.0 -> 0.17.0 for {ARM7}",
            ),
            (
                {f"backend setuptools {ARM7}": "82.0.1@sha256:2 compiled"},
                f"build backend setuptools is compiled now for {ARM7}",
            ),
            ({"distribution websockets": "15.0@sha256:1"}, "websockets 15.0 added"),
            ({"distribution h11": None}, "h11 removed"),
            ({f"distribution h11 {ARM7}": "0.14.0@sha256:2"}, f"h11 0.16.0 -> 0.14.0 for {ARM7}"),
            ({f"distribution uvloop {AMD}": "1@sha256:1"}, f"uvloop 1 added for {AMD}"),
            (
                {f"backend setuptools {ARM7}": "82.0.2@sha256:2"},
                f"build backend setuptools 82.0.1 -> 82.0.2 for {ARM7}",
            ),
            (
                {f"backend setuptools {ARM7}": "82.0.1@sha256:2"},
                f"hashes of build backend setuptools changed for {ARM7}",
            ),
            ({"backend cython": "3.1@sha256:1"}, "build backend cython 3.1 added"),
            ({f"backend setuptools {ARM7}": None}, f"build backend setuptools removed for {ARM7}"),
            ({f"node {ARM64}": "arm"}, f"built by arm, no longer by hosted for {ARM64}"),
            ({f"node {ARM64}": None}, f"no longer built by hosted for {ARM64}"),
            ({"place base": "m.example/python"}, "base pulled from m.example/python"),
            ({"place builder": "m.example/python"}, "builder pulled from m.example/python"),
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
        assert reasons(old, anew) == ("python-gunicorn:py3.12-23.0.0 is built again",)
        assert reasons(old, newer) == (
            "python-gunicorn:py3.12-23.0.0 -> python-gunicorn:py3.12-23.1.0",
        )
        assert reasons(old, other) == (
            "python-gunicorn:py3.12-23.0.0 -> python-hypercorn:py3.12-1.0",
        )
        assert reasons({**old, f"base {AMD}": "a"}, {f"base {AMD}": "a"}) == (
            "no longer built on python-gunicorn:py3.12-23.0.0",
        )

    def test_a_state_without_inputs_leaves_the_reason_open(self) -> None:
        assert reasons({}, declared()) == reasons(declared(), {}) == ("its inputs changed",)

    def test_one_version_for_all_is_the_same_as_that_version_for_each_platform(self) -> None:
        each = {f"distribution h11 {platform}": "0.16.0@sha256:1" for platform in PLATFORMS}
        spread = declared(**{"distribution h11": None}, **each)
        assert reasons(declared(), spread) == ("the format of its recorded inputs changed",)
        spread[f"distribution h11 {ARM7}"] = "0.14.0@sha256:1"
        assert reasons(declared(), spread) == (f"h11 0.16.0 -> 0.14.0 for {ARM7}",)

    @pytest.mark.parametrize(
        ("before", "after", "words"),
        [
            ("1@a compiled", "1@b", "has a wheel now"),
            ("1@a", "1@b compiled", "is compiled now"),
        ],
    )
    def test_what_is_compiled_is_told_from_what_has_a_wheel(
        self, before: str, after: str, words: str
    ) -> None:
        held = declared(**{"distribution h11": None, f"distribution h11 {AMD}": "1@c"})
        old = {**held, f"distribution h11 {ARM7}": before}
        assert reasons(old, {**held, f"distribution h11 {ARM7}": after}) == (
            f"h11 {words} for {ARM7}",
        )

    @pytest.mark.parametrize(
        ("before", "after", "told"),
        [
            ("0123456789ab", "fedcba987654", "fedcba9"),
            ("0123456789ab-dirty-1f2e", "fedcba987654", "fedcba9"),
            ("0123456789ab", "fedcba987654-dirty-1f", "fedcba9-dirty"),
            ("0123456789ab", "uncommitted-1f2e", "uncommitted-1f2e"),
        ],
    )
    def test_a_commit_that_moved_is_said_for_what_it_is(
        self, before: str, after: str, told: str
    ) -> None:
        old = declared(revision=f"{before}@1700000000")
        words = f"the commit in its labels moved, to {told}"
        assert reasons(old, declared(revision=f"{after}@1800000000")) == (words,)

    def test_a_commit_is_told_beside_others_but_not_beside_the_files_that_it_came_with(
        self,
    ) -> None:
        moved = {"revision": "fedcba987654@1800000000", "setting TITLE": "u"}
        assert reasons(declared(), declared(**moved)) == (
            "title changed",
            "the commit in its labels moved, to fedcba9",
        )
        edited = declared(**moved, **{"file start.sh": "2e"})
        assert reasons(declared(), edited) == ("start.sh changed", "title changed")

    def test_a_platform_that_comes_or_goes_is_one_reason(self) -> None:
        fewer = {**without(ARM7), "base": f"python:3.12-slim@{DIGESTS[1]}"}
        assert reasons(fewer, declared()) == (f"newly declared for {ARM7}",)
        assert reasons(declared(), fewer) == (f"no longer declared for {ARM7}",)
        moved = {**fewer, "revision": "fedcba987654@1800000000"}
        assert reasons(moved, declared()) == (
            f"newly declared for {ARM7}",
            "the commit in its labels moved, to 0123456",
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
