from dataclasses import replace

import pytest

from fleet.github.render.report_page import page, sections
from fleet.pages.markdown import code, inert, row
from fleet.reports import report
from fleet.reports.rows import rows_of
from providers.ociregistry.report import Entry
from tests.fleet.github.examples import (
    BUILD,
    KEEP,
    MOVE,
    OLD,
    REGISTRY,
    SAME,
    remove,
    report_of,
    written,
)
from tests.fleet.sbom.moved import base, moves_of


def test_what_matters_most_comes_first_and_what_stays_the_same_not_at_all() -> None:
    failed = remove("py3.8-LATEST").__class__(ref="x:1", kind="pointer", action="fail")
    changes = ("update github:x up.yml",)
    entries = [SAME, BUILD, KEEP, MOVE, remove("py3.9-LATEST"), failed]
    own, other, more = sections(report_of(entries, changes=changes))
    assert (own.title, other.title) == (f"`{REGISTRY}` (4)", "`x` (1)")
    assert [line.split(" | ")[1] for line in own.rows] == [
        "`remove`", "`re-point`", "`build`", "`keep`",
    ]  # fmt: skip
    assert (more.title, more.rows) == ("Other resources (1)", (f"| `{changes[0]}` |\n",))


def test_rows_are_those_of_the_terminal() -> None:
    found = report_of([BUILD, MOVE])
    (part,) = sections(found)
    assert part.rows == tuple(row(map(code, each.cells)) for each in rows_of(found))
    assert part.rows[0] == (
        "| `py3.13-LATEST` | `re-point` | `0.9.0` | `1.0.0` | `1.0.0 is the highest now` |\n"
    )
    assert part.rows[1].startswith(f"| `py3.13-1.0.0` | `build` | `{OLD[7:19]}` | `new build` |")


def test_a_page_has_whole_rows_within_its_limit_and_counts_the_others() -> None:
    many = report_of([remove(f"py3.{number}-LATEST") for number in range(100)])
    text = page("## x\n", sections(many), 5_000)
    shown = text.count("nothing declares it")
    assert len(text.encode()) <= 5_000
    assert 0 < shown < 100
    assert f"{100 - shown} more rows have no room here: GitHub takes 5,000 characters." in text
    assert all(line.endswith("|") for line in text.splitlines() if line.startswith("|"))
    assert "more rows" not in page("## x\n", sections(many), 100_000)


def test_what_fails_or_goes_has_room_before_the_builds_of_an_earlier_image() -> None:
    many = [replace(BUILD, ref=f"a:{number}") for number in range(600)]
    failed = Entry(ref="x:1", kind="version", action="fail", reasons=("boom",))
    found = report_of([*many, remove("py3.7-LATEST"), failed], errors=("boom", "it raised"))
    text = page("## x\n", sections(found), 20_000)
    assert len(text.encode()) <= 20_000
    assert all(word in text for word in ("py3.7-LATEST", "boom", "### Errors (1)", "it raised"))
    left = 600 - text.count(" `build` ")
    assert 0 < left < 600
    assert f"{left} more rows" in text
    assert text.index("`a` (600)") < text.index("`x` (1)")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("py3.13-LATEST", "`py3.13-LATEST`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("a|b", r"`a\|b`"),
        ("line\none\r\n\x1b[31m", "`line one [31m`"),
        ("@everyone <script> [x](y) ${{ z }}", "`@everyone <script> [x](y) ${{ z }}`"),
        ("abc\u202edef", "`abc\ufffddef`"),
        ("", ""),
    ],
)
def test_text_of_others_is_code_of_one_line(text: str, shown: str) -> None:
    assert code(text) == shown


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    assert code(f"a{'x' * 400}z") == f"`a{'x' * 149}…{'x' * 149}z`"


def test_no_text_ends_its_cell() -> None:
    line = row([code("a | b"), code("c\n| d |")])
    assert line.count("|") - line.count(r"\|") == 3
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    "line",
    [
        "Changed: `Pulumi.prod.yaml`, `locks/prod.yaml`. The tags of what leaves stay there.",
        "### `web`",
        "- `0.35.0` comes: one of the 2 newest releases",
        "- `Python 3.8` leaves: its end of life was on 2024-10-07, 90 days ago (declared)",
        "| `web` | `uvicorn` | 0.34.0 | 0.35.0 |",
        "| `a\\|b` | ``x`y`` |",
        "",
    ],
)
def test_markdown_of_this_program_stays_as_it_is(line: str) -> None:
    assert inert(f"{line}\n") == f"{line}\n"


@pytest.mark.parametrize(
    "line",
    [
        "@everybody look", "[x](https://evil.example)", "see https://evil.example", "<img src=x>",
        "![x](y)", "<!-- fleet-preview prod -->", "`closed` and ` [x](y)", "a\u202eb", "&#64;me",
        "www.evil.example\x1b[0m",
    ],
)  # fmt: skip
def test_any_other_markdown_is_shown_as_code(line: str) -> None:
    assert inert(line) == f"{code(line)}\n"


def test_the_shape_that_is_read_is_the_one_that_the_provider_writes() -> None:
    assert written(BUILD)["version"] == report.SHAPE
    with pytest.raises(report.ReportError, match="number 99"):
        report.parse({**written(BUILD), "version": 99})


def test_what_moved_inside_bases_has_a_row_each_behind_all_else() -> None:
    found = replace(report_of([BUILD]), bases=moves_of(base()))
    _, moved = sections(found)
    first, note = moved.rows
    assert first == (
        "| `python:3.13-slim` | `web`, `api` | 1 package moved: `openssl 3.0.15 -> 3.0.16` | "
        "`41.2 MB -> 41.3 MB on linux/amd64` |\n"
    )
    assert note.startswith("| `for this, 82.5 MB of layers were read")
