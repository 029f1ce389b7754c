"""The runbook: each section is whole, is run by a test, and is what the program's messages name."""

import re
from collections.abc import Iterator

import pytest

from tests.integration.duty import SCENARIOS
from tests.integration.guide import Command, Deleted, sections, steps
from tests.test_safety_page import ROOT, anchors_of

PAGE = ROOT / "docs/runbook.md"
TEXT = PAGE.read_text()
PARTS = ["What you see.", "What to do.", "When it is done", "Never lost:"]
NAMED = re.compile(r"docs/runbook\.md(?:#([\w-]+))?")


def anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def named_in_the_program() -> Iterator[tuple[str, str]]:
    """Yield each file of the program that names the page, with the section."""
    for room in ("fleet", "providers", "components"):
        for path in sorted((ROOT / room).rglob("*.py")):
            yield from ((path.name, found) for found in NAMED.findall(path.read_text()))


def test_each_section_has_a_scenario_that_runs_it_and_each_scenario_a_section() -> None:
    assert list(sections(TEXT)) == list(SCENARIOS), "in this order, for each begins where one ended"


@pytest.mark.parametrize("title", SCENARIOS)
def test_a_section_says_what_is_seen_what_to_do_what_is_then_and_what_is_never_lost(
    title: str,
) -> None:
    text = sections(TEXT)[title]
    assert re.findall(r"^\*\*([^*]+)\*\*", text, re.MULTILINE) == PARTS
    to_do = text.partition(PARTS[1])[2]
    assert [step for step in steps(to_do) if isinstance(step, Command) and step.output]


def test_the_first_table_leads_to_every_section() -> None:
    table = TEXT.partition("\n## ")[0]
    assert re.findall(r"\| \[(.+)\]\(#.+\) \|", table) == list(SCENARIOS)


def test_what_the_program_names_of_the_page_is_there() -> None:
    found = list(named_in_the_program())
    assert {name for _, name in found} - anchors_of(PAGE) == set()
    faults = {
        "The state is lost", "The state can't be read", "The state is locked",
        "A signing key is lost", "A registry that is gone", "A build lost a platform",
    }  # fmt: skip
    assert {anchor(title) for title in faults} <= {name for _, name in found}, (
        "what the program sees, it says where to read of"
    )


def test_what_is_not_run_is_said() -> None:
    for block in re.finditer(r"^ *```(\w*)\n.*?^ *```$", TEXT, re.MULTILINE | re.DOTALL):
        before = TEXT[: block.start()].rstrip().rpartition("\n\n")[2]
        says = {"": "does not run this:", "console": "", "yaml": "\n`Pulumi.prod.yaml`"}[block[1]]
        assert says in f"\n{before}"


def test_what_is_deleted_is_read() -> None:
    found = [step for step in steps(TEXT) if isinstance(step, Deleted)]
    assert len(found) == len(re.findall(r"[Dd]elete `", TEXT)) > 1
