"""What others think of the rendered files: no finding, in any way through the templates."""

from pathlib import Path

import pytest

from fleet.checkout.pinned import ACTIONS
from fleet.local.paths import checkout
from fleet.local.toolchain import gobuild
from tests.fleet.github.render.linters import actionlint, lay, schemas, zizmor
from tests.fleet.pages.examples import TEMPLATES, rendered, variants
from tests.go_modules import ACTIONLINT

NAMES = tuple(variants())
UP = ".github/workflows/up.yml"


def broken(old: str, new: str) -> dict[str, str]:
    """The files with one fault in the workflow up."""
    files = rendered()
    assert old in files[UP]
    return {**files, UP: files[UP].replace(old, new)}


@pytest.mark.parametrize("persona", ["pedantic", "auditor"])
@pytest.mark.parametrize("name", NAMES)
def test_zizmor_finds_nothing(tmp_path: Path, name: str, persona: str) -> None:
    judged = zizmor(lay(tmp_path, variants()[name]), persona)
    assert judged.code == 0, judged.printed
    assert "No findings to report" in judged.printed


def test_zizmor_finds_nothing_in_the_list_of_actions_either(tmp_path: Path) -> None:
    judged = zizmor(lay(tmp_path, {f"templates/{ACTIONS}": TEMPLATES[ACTIONS]}))
    assert judged.code == 0, judged.printed


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("persist-credentials: false", "fetch-tags: true", "artipacked"),
        ("permissions: {}", "permissions: write-all", "excessive-permissions"),
        (" # to compare the registry with the declaration", "", "undocumented-permissions"),
        (
            "run: make preview",
            'run: make preview STACK="${{ github.actor }}"',
            "template-injection",
        ),
    ],
)
def test_zizmor_would_find_a_fault(tmp_path: Path, old: str, new: str, finding: str) -> None:
    judged = zizmor(lay(tmp_path, broken(old, new)))
    assert judged.code != 0
    assert finding in judged.printed


@pytest.mark.parametrize("name", NAMES)
def test_the_schemas_allow_them(tmp_path: Path, name: str) -> None:
    for judged in schemas(lay(tmp_path, variants()[name])):
        assert judged.code == 0, judged.printed


def test_the_schemas_would_not_allow_a_misspelt_key(tmp_path: Path) -> None:
    root = lay(tmp_path, broken("runs-on:", "run-on:"))
    dependabot = root / ".github/dependabot.yml"
    dependabot.write_text(dependabot.read_text().replace("interval: weekly", "interval: yearlyish"))
    assert [judged.code for judged in schemas(root)] == [1, 1]


@pytest.fixture(scope="session")
def program() -> Path:
    """The real actionlint, built once from its Go module."""
    here = checkout()
    gobuild.ensure(here, [ACTIONLINT])
    return gobuild.place(here, ACTIONLINT) / "actionlint"


@pytest.mark.integration
@pytest.mark.parametrize("name", NAMES)
def test_actionlint_finds_nothing(tmp_path: Path, program: Path, name: str) -> None:
    judged = actionlint(program, lay(tmp_path, variants()[name]))
    assert (judged.code, judged.printed) == (0, "")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("make up\n", "make up $UNQUOTED\n", "SC2086"),
        ("github.repository ==", "github.nothing ==", "nothing"),
        ("steps.app.outputs.token", "steps.nobody.outputs.token", "nobody"),
    ],
)
def test_actionlint_would_find_a_fault(
    tmp_path: Path, program: Path, old: str, new: str, finding: str
) -> None:
    judged = actionlint(program, lay(tmp_path, broken(old, new)))
    assert judged.code == 1
    assert finding in judged.printed
