"""The page of promises names tests that there are, and places that there are."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/safety.md"
LAST = "## Not held by a test"
TEST = re.compile(r"`(tests/[\w/]+\.py)((?:::\w+)*)`")
LINK = re.compile(r"\]\(([^)#]*)(?:#([^)]+))?\)")


@cache
def named_in(path: Path) -> frozenset[str]:
    """Return the names of tests and classes of tests in ``path``, as pytest writes them."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            inner = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
            found |= {node.name, *(f"{node.name}::{name}" for name in inner)}
    return frozenset(
        name for name in found if name.rpartition("::")[2].startswith(("test", "Test"))
    )


@cache
def anchors_of(path: Path) -> frozenset[str]:
    heads = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads)


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [line.strip("| ").split(" | ") for line in lines]
    return [cell for cell in cells if cell[0] != "promise"]


def missing(text: str) -> list[str]:
    return [
        path + name
        for path, name in TEST.findall(text)
        if not (ROOT / path).is_file()
        or (name and name.removeprefix("::") not in named_in(ROOT / path))
    ]


def test_every_named_test_is_there() -> None:
    text = PAGE.read_text()
    written = re.findall(r"\btests/\S+\.py", text)
    assert len(TEST.findall(text)) == len(written) > 150, "each is written as this reads it"
    assert missing(text) == []


def test_a_test_that_is_not_there_is_found() -> None:
    page = "tests/test_safety_page.py"
    named = f"`{page}` `{page}::test_every_named_test_is_there` `{page}::rows` `tests/none.py`"
    assert missing(named) == [f"{page}::rows", "tests/none.py"]


def test_every_promise_has_its_place_and_is_held_or_says_why_not() -> None:
    held, _, rest = PAGE.read_text().partition(LAST)
    assert len(rows(held)) > 90
    assert [row for row in rows(held) if len(row) != 2 or not TEST.search(row[1])] == []
    assert rows(rest)
    for promise, _ in (*rows(held), *rows(rest)):
        (place,) = LINK.findall(promise)
        path = (PAGE.parent / place[0]).resolve()
        assert path.is_file(), promise
        assert not place[1] or place[1] in anchors_of(path), promise
