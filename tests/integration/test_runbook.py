"""docs/runbook.md, each section brought about and then followed to the letter."""

import hashlib
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.duty import SCENARIOS, Prod
from tests.integration.guide import Command, Deleted, Written, missing, sections, steps
from tests.integration.workshop import ROOT, Workshop

PAGE = ROOT / "docs" / "runbook.md"
FAILED = "make: *** ["


@pytest.fixture(scope="module")
def prod() -> Iterator[Prod]:
    # Not pytest's own folder: sockets live below it, and their paths have 108 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="fleet-"))
    workshop = Workshop(folder, shares_python=made_by_make())
    made = Prod(workshop)
    try:
        made.bring_up()
        yield made
    finally:
        workshop.make("clean")
        shutil.rmtree(folder)


def made_by_make() -> bool:
    """Tell whether `make` would take the Python environment of these tests for its own."""
    stamp = Path(sys.prefix) / ".lock.stamp"
    lock = hashlib.sha256((ROOT / "requirements-dev.lock").read_bytes()).hexdigest()
    return stamp.exists() and stamp.read_text().startswith(lock)


@pytest.mark.parametrize("title", SCENARIOS)
def test_a_section_is_as_it_says(prod: Prod, title: str) -> None:
    prod.stand_ins = {}
    text = sections(PAGE.read_text())[title]
    surprises: list[str] = []
    with SCENARIOS[title](prod):
        assert all(named in text for named in prod.stand_ins)
        registry = prod.registry
        prod.stand_ins["ghcr.io/acme"] = lambda: registry
        printed = ""
        for step in steps(text):
            if isinstance(step, Written):
                prod.write(step)
            elif isinstance(step, Deleted):
                prod.delete(step)
            else:
                printed = followed(prod, step, printed, surprises)
            prod.commit()
        assert not surprises, "\n".join(surprises)


def followed(prod: Prod, command: Command, before: str, surprises: list[str]) -> str:
    """Run a command; note what it did not print of what is shown, and return what it printed."""
    here = Command(
        line=as_printed(stood_in(prod, command.line), before),
        output=tuple(stood_in(prod, line) for line in command.output),
    )
    fails = any(shown.startswith(FAILED) for shown in here.output)
    printed = prod.run(here.line, fails=fails).printed
    if lacking := missing(here, printed):
        surprises.append(f"{here.line}\nshown: {lacking}\nprinted:\n{printed}")
    return printed


def stood_in(prod: Prod, text: str) -> str:
    """Return a text of the page with what is here in the place of what the page has."""
    for named, ours in prod.stand_ins.items():
        if named in text:
            text = text.replace(named, ours())
    return text


def as_printed(line: str, printed: str) -> str:
    """Return a command; one that the page shortens is a line that was printed just before."""
    if "…" not in line:
        return line
    pattern = ".+".join(map(re.escape, line.split("…")))
    found = re.findall(rf"(?m)^ *({pattern})$", printed)
    assert len(found) == 1, f"{line} in:\n{printed}"
    return str(found[0])
