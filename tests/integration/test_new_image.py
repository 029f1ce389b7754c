"""docs/new-image.md, followed to the letter, and the pages of what is then there."""

import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from tests.fleet.pages.readmes import tags_in
from tests.integration.guide import Command, Written, missing, steps
from tests.integration.registry_view import RegistryView
from tests.integration.workshop import BUILD_LIMIT_SECONDS, IMAGE, ROOT, Workshop

NEW = "python-hypercorn"
GUIDE = ROOT / "docs" / "new-image.md"


@pytest.fixture(scope="module")
def followed(workshop: Workshop) -> Iterator[dict[str, str]]:
    """Return what each command of the guide printed that is not as shown, from nothing on."""
    shutil.rmtree(workshop.root / "assets" / NEW, ignore_errors=True)
    workshop.declare()
    workshop.up()
    surprises: dict[str, str] = {}
    for step in steps(GUIDE.read_text()):
        if isinstance(step, Written):
            write(workshop, step)
        elif isinstance(step, Command):
            surprises |= surprise(workshop, step)
    yield surprises
    workshop.declare()
    workshop.up()


def write(workshop: Workshop, step: Written) -> None:
    path = workshop.root / step.path
    if path.suffix != ".yaml":
        path.write_text(step.text)
        return
    declared = yaml.safe_load(path.read_text())
    declared["config"]["fleet:images"] |= yaml.safe_load(step.text)
    path.write_text(yaml.safe_dump(declared, sort_keys=False))


def surprise(workshop: Workshop, command: Command) -> dict[str, str]:
    """Run a command; return what it printed if that lacks a line of the guide."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.line],
        cwd=workshop.root, text=True, check=False, timeout=BUILD_LIMIT_SECONDS,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, f"{command.line}: {done.returncode}\n{done.stdout}"
    lacking = missing(command, done.stdout)
    return {command.line: f"shown: {lacking}\nprinted:\n{done.stdout}"} if lacking else {}


def page_of(workshop: Workshop, image: str) -> str:
    return workshop.make("-s", "docs", f"IMAGE={image}").printed


def test_every_command_prints_what_the_guide_shows(followed: dict[str, str]) -> None:
    assert followed == {}


def test_the_new_image_is_there_verified_and_named(
    workshop: Workshop, followed: dict[str, str]
) -> None:
    view = workshop.view(NEW)
    live = view.tags()
    assert set(live) == {
        "py3.13-slim-0.18.0", "py3.13-slim-0.18", "py3.13-slim-LATEST",
    }  # fmt: skip
    assert len(set(live.values())) == 1
    rows = {row["tag"].partition("/")[2]: row for row in workshop.output("tags")}
    assert rows[f"multi-py/{NEW}:py3.13-slim-0.18.0"]["verified"] == "1/1: amd64 whole"
    view.close()


@pytest.mark.parametrize("image", [IMAGE, NEW])
def test_every_tag_that_a_page_names_can_be_pulled_whole(
    workshop: Workshop, followed: dict[str, str], image: str
) -> None:
    page, view = page_of(workshop, image), workshop.view(image)
    named = tags_in(page)
    assert f"{view.reference}:py3.13-slim-LATEST" in page
    digests = {tag: view.digest(tag) for tag in named}
    assert None not in digests.values(), digests
    pull_once(view, digests)
    shown = dict(re.findall(r"^\| `(py\S+)` \| `(sha256:\S+)` \|", page, re.MULTILINE))
    assert shown
    assert {tag: digests[tag] for tag in shown} == shown, "the digests are those of the registry"
    assert shown.keys() < named, "pointers are named too"
    view.close()


def pull_once(view: RegistryView, digests: dict[str, str | None]) -> None:
    """Pull each digest whole, all platforms of it, by one of its tags."""
    for tag in {digest: tag for tag, digest in digests.items()}.values():
        assert view.pull(tag)


def test_an_unchanged_run_changes_no_page(workshop: Workshop, followed: dict[str, str]) -> None:
    before = page_of(workshop, IMAGE), page_of(workshop, NEW)
    assert workshop.up().done == ()
    assert (page_of(workshop, IMAGE), page_of(workshop, NEW)) == before
