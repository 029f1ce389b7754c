"""The orders of versions: Debian's against dpkg, Alpine's against what apk-tools documents."""

import shutil
import subprocess
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.advisories.ordering import Key, alpine, debian, pypi

DEBIAN = [
    "0", "00", "1", "1-0", "1-1", "1.0", "1.0-1", "1.0-1~deb12u1", "1.0-1+b1", "1.0-1+deb13u2",
    "1.0-1.1", "1.0~rc1-1", "1.0~~", "1.0~", "1.0a", "1.0a0", "1.0+dfsg-1", "1.00", "1.10", "1.9",
    "2:0.1", "1:9", "0:1.0", "1.0-1-2", "1.0.", "1.a", "1.~a", "20230311+deb12u1",
    "3.0.15-1~deb12u1", "3.0.16-1~deb12u1", "0-0~", "0-0", "0-~", "0~", "1.0-0~1", "1.0-0",
]  # fmt: skip
ALPINE = [
    "1.0_alpha", "1.0_alpha1", "1.0_beta2", "1.0_pre1", "1.0_rc1", "1.0_rc1-r3", "1.0", "1.0-r0",
    "1.0-r1", "1.0-r10", "1.0_git20200101", "1.0_p1", "1.0_p1-r1", "1.0_p2", "1.0a", "1.0b",
    "1.0b-r1", "1.0.01", "1.0.0", "1.0.1", "1.0.2", "1.0.10", "1.1", "1.10", "2", "10.0",
]  # fmt: skip


def dpkg(one: str, other: str) -> int:
    """Return what dpkg says: -1, 0 or 1."""
    for word, result in (("lt", -1), ("gt", 1)):
        done = subprocess.run(["dpkg", "--compare-versions", one, word, other], check=False)
        if done.returncode == 0:
            return result
    return 0


def sign(one: object, other: object) -> int:
    return int(one > other) - int(one < other)  # type: ignore[operator]


@pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg is Debian's")
def test_debian_s_order_is_that_of_dpkg() -> None:
    wrong = [
        (one, other)
        for one, other in product(DEBIAN, DEBIAN)
        if one < other and sign(debian(one), debian(other)) != dpkg(one, other)
    ]
    assert wrong == []


@pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg is Debian's")
@settings(max_examples=200, deadline=None)
@given(
    st.from_regex(r"(?:[0-2]:)?[0-9][0-9a-cA.+~]{0,5}(?:-[0-9a-c.+~]{1,4})?", fullmatch=True),
    st.from_regex(r"(?:[0-2]:)?[0-9][0-9a-cA.+~]{0,5}(?:-[0-9a-c.+~]{1,4})?", fullmatch=True),
)
def test_any_two_versions_are_ordered_as_dpkg_does(one: str, other: str) -> None:
    assert sign(debian(one), debian(other)) == dpkg(one, other)


def test_alpine_s_versions_rise() -> None:
    listed = [alpine(version) for version in ALPINE if version != "1.0.01"]
    kept = [version for version in ALPINE if version != "1.0.01"]
    assert [kept[i] for i in sorted(range(len(kept)), key=lambda i: listed[i])] == [
        "1.0_alpha", "1.0_alpha1", "1.0_beta2", "1.0_pre1", "1.0_rc1", "1.0_rc1-r3", "1.0",
        "1.0-r0", "1.0-r1", "1.0-r10", "1.0_git20200101", "1.0_p1", "1.0_p1-r1", "1.0_p2", "1.0a",
        "1.0b", "1.0b-r1", "1.0.0", "1.0.1", "1.0.2", "1.0.10", "1.1", "1.10", "2", "10.0",
    ]  # fmt: skip
    assert alpine("1.0.01") < alpine("1.0.1"), "what begins with 0 is compared as text"
    assert alpine("1.0~abc123-r1") == alpine("1.0-r1"), "a commit orders nothing"


@pytest.mark.parametrize("order", [pypi, debian, alpine])
@pytest.mark.parametrize("version", ["", "a b", "\u00e9", "1:2:3:-_"])
def test_what_is_not_a_version_is_refused(order: Callable[[str], Key], version: str) -> None:
    with pytest.raises(ValueError, match=r"not a version|Invalid version"):
        order(version)
