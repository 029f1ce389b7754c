"""The catalog in a real browser: read, filtered and walked through, in each dress."""

import json
import os
from pathlib import Path
from typing import Final

import pytest

from fleet.catalog.build import catalog_of
from fleet.catalog.site import site
from tests.browser.chromium import Chromium
from tests.fleet.catalog.examples import FAILED, TEMPLATES, VERSION, catalog, files, left, plan_of
from tests.fleet.catalog.test_site import hostile

MANY: Final = 2500
PAGES: Final = ("index.html", "web.html")
LOOKS: Final = [
    ("light", 1280, 1.0),
    ("dark", 1280, 1.0),
    ("light", 360, 2.0),
    ("dark", 360, 2.0),
    # 1280 px at 200 %: half as many CSS pixels, each twice as large.
    ("light", 640, 2.0),
]
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
SHOWN: Final = "[...document.querySelectorAll('table.filtered tbody tr')].filter(r => !r.hidden)"


def laid(folder: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with tags of each kind but one that is not known."""
    return laid(tmp_path_factory.mktemp("site"), files(catalog(FAILED)))


@pytest.fixture(autouse=True)
def _plain(browser: Chromium) -> None:
    browser.show_as(scheme="light", width=1280)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_the_page_fits_its_window(
    browser: Chromium, axe: str, folder: Path, page: str, look: tuple[str, int, float]
) -> None:
    scheme, width, scale = look
    browser.show_as(scheme=scheme, width=width, scale=scale)
    browser.open(folder / page)
    browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    if shots := os.environ.get("FLEET_SCREENSHOTS"):
        browser.screenshot(Path(shots) / f"{page}-{scheme}-{width}.png")
    browser.evaluate(axe)
    options = json.dumps({"runOnly": list(RULES), "resultTypes": ["violations"]})
    found = browser.evaluate(f"axe.run(document, {options})")
    violations = [
        f"{each['id']}: {node['html'][:200]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
    assert violations == []
    assert len(found["passes"]) > 20, "it looked"
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.logged == []


def test_axe_would_find_a_fault(browser: Chromium, axe: str, folder: Path) -> None:
    browser.open(folder / "web.html")
    browser.evaluate("document.querySelector('.published').style.color = '#999'")
    browser.evaluate(axe)
    found = browser.evaluate("axe.run(document, {runOnly: ['color-contrast']})")
    assert [each["id"] for each in found["violations"]] == ["color-contrast"]


def test_rows_are_filtered_by_words_and_their_number_is_said(
    browser: Chromium, folder: Path
) -> None:
    def filtered(words: str) -> tuple[int, str]:
        browser.evaluate(
            f"document.getElementById('filter').value = {json.dumps(words)};"
            "document.getElementById('filter').dispatchEvent(new Event('input'))"
        )
        return (
            browser.evaluate(f"{SHOWN}.length"),
            browser.evaluate("document.getElementById('count').textContent"),
        )

    browser.open(folder / "web.html")
    assert browser.evaluate("document.querySelector('form').hidden") is False
    assert filtered("py3.11 PUBLISHED") == (1, "1 of 4 tags shown")
    assert browser.evaluate(f"{SHOWN}[0].id") == VERSION
    assert filtered("no such tag") == (0, "0 of 4 tags shown")
    assert filtered(" ") == (4, "4 of 4 tags shown")


def test_without_a_script_every_row_is_there_and_nothing_that_needs_one(
    browser: Chromium, folder: Path
) -> None:
    with browser.without_scripts():
        browser.open(folder / "web.html")
        assert browser.evaluate(f"{SHOWN}.length") == 4
        assert browser.evaluate("document.querySelector('form').checkVisibility()") is False


def test_all_that_can_be_used_is_reached_by_the_tab_key_and_used_by_enter(
    browser: Chromium, folder: Path
) -> None:
    browser.open(folder / "web.html")
    what = (
        "document.activeElement.getAttribute('aria-labelledby') || document.activeElement.id || "
        "document.activeElement.textContent.trim()"
    )
    seen = []
    for _ in range(40):
        browser.press("Tab", 9)
        seen.append(browser.evaluate(what))
    assert seen[0] == "Skip to the content"
    wanted = {"pythons-caption", "pointers-caption", "filter", "tags-caption", "moves-caption"}
    assert wanted <= {*seen}
    summary = f"Lines for {VERSION}"
    assert summary in seen
    browser.evaluate(f"document.querySelector('[id=\"{VERSION}\"] summary').focus()")
    browser.press("Enter", 13, "\r")
    assert browser.evaluate(f"document.querySelector('[id=\"{VERSION}\"] details').open") is True


def test_an_anchor_marks_its_row(browser: Chromium, folder: Path) -> None:
    browser.open(folder / "web.html", f"#{VERSION}")
    assert browser.evaluate("document.querySelector('tr:target').id") == VERSION


def test_hostile_text_runs_nothing(browser: Chromium, tmp_path: Path) -> None:
    where = laid(tmp_path, files(hostile()))
    for page in PAGES:
        browser.open(where / page)
        assert browser.evaluate("document.scripts.length") == 1
        assert browser.logged == []
    # The policy holds too, should a template ever let something through.
    text = (where / "web.html").read_text()
    (where / "web.html").write_text(text.replace("</main>", "<script>hit = 1</script></main>"))
    browser.open(where / "web.html")
    assert browser.evaluate("typeof hit") == "undefined"
    assert any("Content Security Policy" in each for each in browser.logged)


def test_five_thousand_rows_are_shown_and_filtered(browser: Chromium, tmp_path: Path) -> None:
    plan = plan_of(tuple(f"0.{number}.0" for number in range(1, MANY + 1)))
    made = site(catalog_of(plan, left(plan)), TEMPLATES)
    where = laid(tmp_path, made)
    browser.open(where / "web.html")
    browser.evaluate(
        "document.getElementById('filter').value = 'py3.11 0.1234.0';"
        "document.getElementById('filter').dispatchEvent(new Event('input'))"
    )
    said = browser.evaluate("document.getElementById('count').textContent")
    assert said == f"1 of {2 * MANY} tags shown"
    sizes = {name: len(made[name]) for name in ("index.html", "web.html")}
    assert sizes["web.html"] < 10_000_000, sizes
