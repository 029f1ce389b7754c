from pathlib import Path

import pytest

from render import report
from render.announcement import Announcement, announcement_in, block
from render.markdown import code, row
from render.page import page, sections
from tests.jobs.examples import BUILD, KEEP, MOVE, NEW, OLD, SAME, report_of, retire, written


def test_what_matters_most_comes_first_and_what_stays_the_same_not_at_all() -> None:
    failed = retire("py3.8-LATEST").__class__(ref="x:1", kind="pointer", action="fail")
    found = sections(report_of([SAME, BUILD, KEEP, MOVE, retire("py3.9-LATEST"), failed]))
    assert [part.title for part in found] == [
        "Failed (1)", "Pointers removed (1)", "Names re-pointed (1)", "Built (1)",
        "Undeclared, and kept (1)",
    ]  # fmt: skip


def test_rows_tell_digests_platforms_and_reasons() -> None:
    rows = {part.title: part.rows[0] for part in sections(report_of([BUILD, MOVE]))}
    assert "`linux/amd64`<br>`linux/arm64`" in rows["Built (1)"]
    assert "`the base image changed`" in rows["Built (1)"]
    moved = rows["Names re-pointed (1)"]
    assert f"`py3.13-0.9.0` `{OLD[:19]}`" in moved
    assert f"`py3.13-1.0.0` `{NEW[:19]}`" in moved


def test_a_page_has_whole_rows_within_its_limit_and_counts_the_others() -> None:
    many = report_of([retire(f"py3.{number}-LATEST") for number in range(100)])
    text = page("## x\n", sections(many), 5_000)
    shown = text.count("nothing declares it")
    assert len(text.encode()) <= 5_000
    assert 0 < shown < 100
    assert f"{100 - shown} more rows have no room here: GitHub takes 5,000 characters." in text
    assert all(line.endswith("|") for line in text.splitlines() if line.startswith("|"))
    assert "more rows" not in page("## x\n", sections(many), 100_000)


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


def test_an_announcement_is_read_as_it_was_written() -> None:
    said = Announcement(stack="prod", commit="a" * 40, removals={"x/y:py3.9--LATEST": OLD})
    text = block(said, 1_000)
    assert announcement_in(f"{text}\n## prod\n") == said
    assert "--" not in text.removeprefix("<!--").removesuffix("-->")


@pytest.mark.parametrize("ref", ["x:--> <img src=x>", "x:\u2028", 'x:"\n-->', "x:--->"])
def test_no_name_ends_the_announcement_early(ref: str) -> None:
    text = block(Announcement(stack="prod", commit="", removals={ref: OLD}), 1_000)
    assert text.count(">") == 1
    found = announcement_in(text)
    assert found is not None
    assert set(found.removals) == {ref}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "<!-- fleet-preview {} -->",
        '<!-- fleet-preview {"stack": "s", "commit": "c", "removals": []} -->',
        'see <!-- fleet-preview {"stack": "s", "commit": "c", "removals": {}} -->',
        '> quoted\n<!-- fleet-preview {"stack": "s", "commit": "c", "removals": {}} -->',
    ],
)
def test_another_text_announces_nothing(body: str) -> None:
    assert announcement_in(body) is None


def test_the_shape_that_is_read_is_the_one_that_the_provider_writes() -> None:
    assert written(BUILD)["version"] == report.SHAPE
    with pytest.raises(report.ReportError, match="number 99"):
        report.parse({**written(BUILD), "version": 99})


def test_the_room_of_templates_imports_no_input_nor_output() -> None:
    allowed = {
        "collections", "dataclasses", "fleet", "jinja2", "json", "re", "render", "typing", "yaml",
    }  # fmt: skip
    for path in (Path(__file__).parents[2] / "render").glob("*.py"):
        lines = (line.split() for line in path.read_text().splitlines())
        imported = {words[1].partition(".")[0] for words in lines
                    if words[:1] in (["import"], ["from"]) and len(words) > 1}  # fmt: skip
        assert imported <= allowed, path.name
