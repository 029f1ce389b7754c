"""The table that a run ends with."""

from fleet.local import status

TAG = {
    "tag": "localhost:5443/multi-py/web:py3.11-slim-0.34.0",
    "digest": "sha256:0123456789abcdef0123456789abcdef",
    "platforms": ["linux/amd64", "linux/arm/v7"],
    "size": 61_234_567,
    "verified": "2/2",
}


def test_a_tag_is_shown_with_short_digest_platforms_size_and_verification() -> None:
    heading, columns, row = status.render({"tags": [TAG]}).splitlines()
    assert heading == "tags of localhost:5443/multi-py/web (1)"
    assert columns.split() == ["tag", "digest", "platforms", "size", "verified"]
    assert row.split() == [
        "py3.11-slim-0.34.0", "sha256:0123456789ab", "amd64,", "arm/v7", "61.2", "MB", "2/2",
    ]  # fmt: skip


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    other = {**TAG, "tag": "localhost:5443/multi-py/web:py3.11-slim-0.34.0.post1"}
    lines = status.render({"tags": [TAG, other]}).splitlines()[1:]
    assert len({line.index("sha256:") for line in lines[1:]}) == 1
    assert lines[0].index("digest") == lines[1].index("sha256:")


def test_each_repository_has_its_own_table_and_pointers_follow_tags() -> None:
    other = {**TAG, "tag": "localhost:5443/multi-py/api:py3.11-slim-LATEST"}
    text = status.render({"pointers": [other], "tags": [TAG, other]})
    assert [line for line in text.splitlines() if " of " in line] == [
        "tags of localhost:5443/multi-py/web (1)",
        "tags of localhost:5443/multi-py/api (1)",
        "pointers of localhost:5443/multi-py/api (1)",
    ]


def test_a_stack_that_was_never_brought_up_says_how_to_get_tags() -> None:
    assert status.render({}) == "no tags yet: run make up"


def test_a_stack_that_declares_no_tags_does_not_ask_for_a_run() -> None:
    assert status.render({"tags": [], "pointers": []}) == "this stack has no tags"


def test_what_is_not_known_shows_as_a_dash() -> None:
    row = status.render({"tags": [{"tag": "web:py3.11-0.34.0", "digest": None}]}).splitlines()[2]
    assert row.split() == ["py3.11-0.34.0", "-", "-", "-", "-"]


def test_a_pointer_is_shown_with_the_tag_that_it_names() -> None:
    pointer = {
        "tag": "r/web:py3.11-LATEST",
        "digest": "sha256:" + "a" * 64,
        "target": "py3.11-1.0.0",
    }
    assert status.render({"pointers": [pointer]}).splitlines()[-1].split() == [
        "py3.11-LATEST",
        "sha256:aaaaaaaaaaaa",
        "py3.11-1.0.0",
    ]


def test_a_mirror_has_a_row_that_counts_its_tags() -> None:
    rows = [
        {"mirror": "quay.io/org/web", "declared": 6.0, "there": "6"},
        {"mirror": "docker.io/org/web", "declared": 6.0, "there": "failed"},
    ]
    text = status.render({"tags": [], "mirrors": rows})
    assert text.splitlines() == [
        "mirrors (2)",
        "mirror             tags",
        "quay.io/org/web    6/6",
        "docker.io/org/web  failed",
    ]
