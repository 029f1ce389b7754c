"""The commands that show the fleet, and change nothing."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fleet.checkout.lock_file import lock_file
from fleet.checkout.page_texts import read_sources
from fleet.checkout.planning import plan_of
from fleet.checkout.split_stacks import stacks_of
from fleet.checkout.stack_config import config_file, declaration_of_file
from fleet.command import Commands, Run
from fleet.console import TroubleError, say, show
from fleet.declaration.model import Declaration
from fleet.declaration.pins import expired
from fleet.declaration.stack_share import widened
from fleet.local.paths import Checkout, checkout
from fleet.overview.graph import document
from fleet.overview.predict import foresight
from fleet.overview.report import report, unlocked
from fleet.overview.state_export import read_known
from fleet.pages.published import published
from fleet.pages.readme import page_path, pages


def add_to(commands: Commands) -> None:
    """Add the commands of this room."""
    commands.add("plan", "Print the plan beside the state, as tables", _looking(_plan))
    image = commands.add(
        "graph", "Print which image is built on which, as Mermaid", _looking(_graph)
    )
    image.add_argument("--output", type=Path, help="a Markdown file to write instead")
    docs = commands.add("docs", "Write the pages of the images, as Markdown", _looking(_docs))
    docs.add_argument("--image", default="", help="print the page of this image instead")
    docs.add_argument("--output", type=Path, help="a folder, by default .fleet/docs-STACK")


_Look = Callable[[Checkout, Declaration, argparse.Namespace], None]


def _looking(look: _Look) -> Run:
    def run(chosen: argparse.Namespace) -> int:
        here = checkout(chosen.root)
        declaration = declaration_of_file(config_file(here.root, chosen.stack))
        if not declaration.images and look is not _docs:
            whole = declaration.fleet_of(chosen.stack)
            say(f"{chosen.stack} manages the repository and no image; STACK={whole} shows them all")
        else:
            look(here, declaration, chosen)
        return 0

    return run


def _plan(here: Checkout, declaration: Declaration, chosen: argparse.Namespace) -> None:
    lock = lock_file(here.root, chosen.stack, declaration)
    if not lock.exists():
        name = lock.relative_to(here.root).as_posix()
        command = f"make lock STACK={declaration.fleet_of(chosen.stack)}"
        show(unlocked(declaration, name, command))
        return
    plan = plan_of(here.root, chosen.stack, declaration)
    stacks = stacks_of(here.root, chosen.stack)
    known = read_known(here, chosen.stack, declaration, stacks)
    show(report(declaration, foresight(plan, known), known.lacking))
    for problem in expired(declaration.images, datetime.now(UTC).date().isoformat()):
        say(f"warning: {problem}")


def _graph(_here: Checkout, declaration: Declaration, chosen: argparse.Namespace) -> None:
    text = document(declaration, chosen.stack)
    if not chosen.output:
        show(text.removesuffix("\n"))
        return
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    chosen.output.write_text(text, encoding="utf-8")
    show(str(chosen.output))


def _docs(here: Checkout, declaration: Declaration, chosen: argparse.Namespace) -> None:
    # Pages lead to each other, so they are those of the whole fleet.
    fleet, whole = declaration.fleet_of(chosen.stack), widened(declaration)
    plan = plan_of(here.root, fleet, whole)
    known = read_known(here, fleet, whole, stacks_of(here.root, fleet))
    live = None if known.lacking and not known.tags else published(known.outputs)
    made = pages(whole, plan, live, read_sources(here.root, whole))
    if known.lacking:
        say(f"{known.lacking}: digests and sizes are not known")
    if chosen.image:
        page = made.get(page_path(chosen.image))
        if page is None:
            raise TroubleError(f"no image {chosen.image} is declared. Name one that is")
        show(page.removesuffix("\n"))
        return
    if not chosen.output:
        here.make_state()
    folder = chosen.output or here.state / f"docs-{chosen.stack}"
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in made.items():
        written = folder / Path(path).name
        written.write_text(text, encoding="utf-8")
        show(str(written))
