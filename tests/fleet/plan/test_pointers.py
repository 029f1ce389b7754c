"""Pointers name the highest final version of their line, by version and never by time."""

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from fleet.declaration import tags
from fleet.declaration.versions import eligible
from fleet.plan.pointers import line_heads, pointers
from tests.fleet.examples import declaration, is_pointer


def targets(versions: list[str], yanked: tuple[str, ...] = ()) -> dict[str, str]:
    image = declaration(versions=versions).images[0]
    return {
        p.tag.removeprefix("py3.11-slim-"): p.version
        for p in pointers(image, "3.11", "slim", yanked)
    }


def test_latest_and_lines_name_the_highest_of_each_line() -> None:
    assert targets(["0.33.0", "0.32.1", "0.32.0"]) == {
        "LATEST": "0.33.0",
        "0.33": "0.33.0",
        "0.32": "0.32.1",
    }


def test_a_major_pointer_exists_only_where_it_is_not_0() -> None:
    assert "1" in targets(["1.2.0"])
    assert "0" not in targets(["0.2.0"])


def test_order_is_of_versions_not_of_text_nor_of_declaration() -> None:
    assert targets(["0.10.0", "0.9.0"])["LATEST"] == "0.10.0"
    assert targets(["0.9.0", "0.10.0"])["LATEST"] == "0.10.0"


def test_four_part_and_post_releases_are_ordered_by_pep_440() -> None:
    assert targets(["1.0.0", "1.0.0.1"])["1.0"] == "1.0.0.1"
    assert targets(["1.0.0", "1.0.0.post1"])["LATEST"] == "1.0.0.post1"


@pytest.mark.parametrize("version", ["0.35.0rc1", "0.35.0a1", "0.35.0.dev3"])
def test_no_pointer_names_a_pre_release(version: str) -> None:
    assert targets(["0.34.0", version])["LATEST"] == "0.34.0"
    assert "0.35" not in targets(["0.34.0", version])


def test_a_yanked_version_gives_its_pointers_to_the_highest_that_is_left() -> None:
    assert targets(["0.34.0", "0.34.1"], ("0.34.1",)) == {"LATEST": "0.34.0", "0.34": "0.34.0"}


def test_only_declared_kinds_are_made() -> None:
    image = declaration(pointers={"X.Y": "keep"}).images[0]
    assert {p.kind for p in pointers(image, "3.11", "slim", ())} == {"X.Y"}


def test_a_full_base_has_no_part_in_the_tag() -> None:
    image = declaration(bases=["full"]).images[0]
    assert "py3.11-LATEST" in {p.tag for p in pointers(image, "3.11", "full", ())}


versions = st.lists(
    st.builds(
        lambda parts, suffix: ".".join(map(str, parts)) + suffix,
        st.tuples(*[st.integers(0, 12)] * 3),
        st.sampled_from(["", "", "rc1", ".post1"]),
    ),
    unique=True,
    min_size=1,
)


@given(versions)
def test_every_line_of_final_versions_has_its_highest_as_head(found: list[str]) -> None:
    heads = line_heads(eligible(found, ()), get_args(tags.PointerKind))
    finals = [v for v in found if not Version(v).is_prerelease]
    assert ("LATEST" in heads) == bool(finals)
    for end, head in heads.items():
        line = [
            v
            for v in finals
            if end == "LATEST" or re.match(rf"{re.escape(end)}(\.|$)", Version(v).base_version)
        ]
        assert Version(head) == max(map(Version, line))


@given(versions)
def test_a_pointer_is_known_by_its_form_and_a_version_tag_never_taken_for_one(
    found: list[str],
) -> None:
    image = declaration(versions=found).images[0]
    made = pointers(image, "3.11", "slim", ())
    for pointer in made:
        assert re.fullmatch(tags.pointer_pattern(pointer.kind), pointer.tag)
        assert is_pointer(pointer.tag)
    assert not any(is_pointer(tags.tag("3.11", "slim", v)) for v in found)
