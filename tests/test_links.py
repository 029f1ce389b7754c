"""Every relative link of the README and of the pages leads to a file and a heading that exist."""

import re
from pathlib import Path

from tests.test_safety_page import LINK, ROOT, anchors_of

FENCE = re.compile(r"^ *(```|~~~).*?^ *\1\s*$", re.MULTILINE | re.DOTALL)
WORDS_OF_README = 1500


def pages() -> list[Path]:
    return [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]


def broken(page: Path, text: str) -> list[str]:
    """Return the relative links of ``text``, a text at ``page``, that lead nowhere."""
    found = []
    for path, anchor in LINK.findall(FENCE.sub("", text)):
        if "://" in path or path.startswith("mailto:"):
            continue
        to = (page.parent / path).resolve() if path else page
        if not to.exists() or (anchor and anchor not in anchors_of(to)):
            found.append(f"{page.relative_to(ROOT)}: {path}#{anchor}")
    return found


def test_every_relative_link_leads_somewhere() -> None:
    assert [link for page in pages() for link in broken(page, page.read_text())] == []


def test_a_broken_link_is_found() -> None:
    page = ROOT / "README.md"
    text = (
        "[a](docs/none.md) [b](#none) [c](docs/state.md#none) [d](docs/state.md) [e](https://a.b)"
    )
    assert broken(page, text) == [
        "README.md: docs/none.md#",
        "README.md: #none",
        "README.md: docs/state.md#none",
    ]


def test_the_readme_stays_short_and_every_page_is_linked_from_it() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.split()) <= WORDS_OF_README
    assert [
        page.name for page in ROOT.glob("docs/*.md") if f"](docs/{page.name})" not in text
    ] == []


def test_every_make_target_is_described() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    described = (ROOT / "docs/commands.md").read_text()
    assert len(targets) > 30
    assert [
        name for name in targets if not re.search(rf"make (-s )?{name}(?![\w-])", described)
    ] == []


def test_the_tests_that_a_page_names_are_there() -> None:
    named = re.findall(r"`((?:\w+/)+test_\w+\.py)`", (ROOT / "docs/testing.md").read_text())
    assert len(named) > 5
    assert [name for name in named if not (ROOT / "tests" / name).is_file()] == []
