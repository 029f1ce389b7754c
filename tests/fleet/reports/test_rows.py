"""The rows of a report, and their text. The event log is the engine's own, 3.259."""

from pathlib import Path

import pytest

from fleet.reports.event_log import parse_events, report_of
from fleet.reports.report import Mode, Report, document
from fleet.reports.rows import Row, rows_of
from fleet.reports.table import table, text_of
from providers.ociregistry.report import Action, Entry

DATA = Path(__file__).parent / "data"
OLD, NEW = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def entry(tag: str, action: Action, *reasons: str, image: str = "h/n", **fields: str) -> Entry:
    texts = {"kind": "version", "previous": OLD, **fields}
    return Entry(ref=f"{image}:{tag}", action=action, reasons=reasons, **texts)  # type: ignore[arg-type]


def rows(*entries: Entry, mode: Mode = "preview") -> tuple[Row, ...]:
    return rows_of(Report(mode=mode, entries=entries))


@pytest.fixture(scope="module")
def moved() -> Report:
    """A preview with a pointer that somebody moved, and two that nothing declares any more."""
    with (DATA / "moved-preview.json").open("rb") as lines:
        return report_of(parse_events(lines))


def test_a_moved_pointer_and_two_stale_ones_take_six_lines(moved: Report) -> None:
    text = "\n".join(text_of(moved)) + "\n"
    assert text == (DATA / "moved-preview.txt").read_text()
    assert "sha256:" not in text


def test_a_terminal_of_60_columns_shows_them_in_more_lines(moved: Report) -> None:
    lines = text_of(moved, 60)
    assert len(lines) > 6
    assert max(map(len, lines)) <= 60
    assert " ".join(" ".join(lines).split()) == " ".join(" ".join(text_of(moved)).split())


@pytest.mark.parametrize("width", [30, 60, 100, 140])
def test_only_what_cannot_be_broken_is_wider_than_the_terminal(moved: Report, width: int) -> None:
    fixed = len("  py3.11-LATEST  re-point  2829bf6195a8  dc2c32ecde37")
    assert max(map(len, text_of(moved, width))) <= max(width, fixed)


def test_the_data_has_each_digest_whole(moved: Report) -> None:
    listed = {found["ref"]: found for found in document(moved)["entries"]}
    for row in rows_of(moved):
        found = listed[f"{row.image}:{row.tag}"]
        assert found["previous"].startswith(f"sha256:{row.before}")
        assert (found["action"], len(found["previous"])) == (row.action, len("sha256:") + 64)


def test_images_are_in_order_and_what_matters_most_first_in_each() -> None:
    actions: tuple[Action, ...] = ("build", "fail", "keep", "re-point", "remove", "unchanged")
    found = rows(
        *(entry(f"v{number}", action) for number, action in enumerate(actions)),
        entry("z", "build", image="h/a"),
    )
    assert [(row.image, row.action) for row in found] == [
        ("h/a", "build"),
        *(("h/n", action) for action in ("fail", "remove", "re-point", "build", "keep")),
    ]


def test_a_pointer_goes_from_version_to_version_where_they_differ() -> None:
    versions = {"kind": "pointer", "previous_version": "py3.12-slim-1.0", "digest": NEW}
    (row,) = rows(entry("py3.12-slim-LATEST", "re-point", version="py3.12-slim-1.1", **versions))
    assert (row.before, row.after) == ("1.0", "1.1")
    fresh = {**versions, "previous_version": "", "previous": ""}
    (row,) = rows(entry("py3.12-slim-LATEST", "re-point", version="py3.12-slim-1.1", **fresh))
    assert (row.before, row.after) == ("-", "1.1")
    (row,) = rows(entry("py3.12-slim-LATEST", "re-point", version="py3.12-slim-1.0", **versions))
    assert (row.before, row.after) == ("1" * 12, "2" * 12)


def test_a_digest_that_only_a_build_tells_is_said_to_come() -> None:
    (row,) = rows(entry("v1", "build", "base python:3.12-slim moved"))
    assert row.cells == ("v1", "build", "1" * 12, "new build", "base python:3.12-slim moved")


def test_an_update_has_the_words_of_what_was_done() -> None:
    found = rows(
        *(entry(a, a) for a in ("build", "fail", "keep", "re-point", "remove")), mode="update"
    )
    assert [row.change for row in found] == ["failed", "removed", "re-pointed", "built", "kept"]


def test_what_is_kept_for_the_same_reason_is_one_row() -> None:
    kept = [entry(f"py3.{number}-LATEST", "keep", "policy of LATEST is keep") for number in (7, 8)]
    found = rows(*kept, entry("py3.6-LATEST", "keep", "goes on 2026-12-13"))
    assert [(row.tag, row.why) for row in found] == [
        ("py3.6-LATEST", "goes on 2026-12-13"),
        ("py3.7-LATEST and 1 more", "policy of LATEST is keep"),
    ]


def test_reasons_are_one_line_with_short_digests_and_errors_whole_without_the_tags_name() -> None:
    (row,) = rows(entry("v1", "build", f"a\nb {NEW}", "c"))
    assert row.why == f"a b {NEW[:19]}, c"
    (row,) = rows(entry("v1", "fail", f"h/n:v1: it names {NEW}"))
    assert row.why == f"it names {NEW}"


def test_a_repository_that_failed_is_a_row_of_its_image() -> None:
    failed = Entry(ref="h/n", kind="repository", action="fail", reasons=("no route",))
    assert [(row.image, row.tag) for row in rows(failed)] == [("h/n", "(pointers)")]


def test_the_change_alone_is_painted() -> None:
    painted = table(rows(entry("build", "build", "build it")), paint=lambda _, text: f"<{text}>")
    assert painted[-1].split() == ["build", "<build>", "1" * 12, "new", "build", "build", "it"]


def test_other_resources_stand_below_the_table_and_the_sum_is_last() -> None:
    report = Report(mode="preview", entries=(), changes=("update github:x up.yml",))
    assert text_of(report) == ["other resources", "  update github:x up.yml", report.summary]


def test_a_pointer_whose_previous_version_is_not_known_shows_its_digest() -> None:
    moved = entry("py3.13-LATEST", "re-point", kind="pointer", version="py3.13-1.1")
    (row,) = rows(moved)
    assert (row.before, row.after) == ("1" * 12, "1.1")


def test_no_text_of_others_orders_a_terminal_about() -> None:
    odd = entry("v\x1b[2K", "fail", "a\x1b]0;x\x07")
    found = text_of(Report(mode="preview", entries=(odd,), changes=("create \x1b c",)))
    assert all(line.isprintable() for line in found)
    assert "a\\x1b]0;x\\x07" in "".join(found)
