"""The commands that show the fleet, and change nothing."""

import argparse
import asyncio
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from fleet.catalog.build import Left, catalog_of
from fleet.catalog.site import site
from fleet.checkout.lock_file import lock_file, not_written
from fleet.checkout.page_texts import read_sources, read_templates
from fleet.checkout.planning import plan_of
from fleet.checkout.split_stacks import stacks_of
from fleet.checkout.stack_config import config_file, declaration_of_file
from fleet.command import Commands, Run
from fleet.console import TroubleError, say, show
from fleet.declaration.model import Declaration
from fleet.declaration.pins import ended
from fleet.declaration.stack_share import widened
from fleet.http.errors import ReadableError
from fleet.local import environment
from fleet.local.paths import Checkout, checkout
from fleet.local.requirements import needs_of
from fleet.overview.graph import document
from fleet.overview.report import report
from fleet.overview.state_export import Known, read_known
from fleet.pages.readme import page_path, pages
from fleet.plan.plan import Plan
from fleet.registry.client import Client
from fleet.registry.history import Move
from fleet.registry.login import find_logins
from fleet.registry.reference import Repository
from fleet.registry.transport import Transport
from fleet.registry.undo_log import history


def add_to(commands: Commands) -> None:
    """Add the commands of this room."""
    commands.add("plan", _looking(_plan))
    commands.add("graph", _looking(_graph))
    docs = commands.add("docs", _looking(_docs))
    docs.add_argument("--image", default="", help="print the page of this image; write none")
    _add_output(docs, ".fleet/docs-STACK")
    catalog = commands.add("catalog", _looking(_catalog))
    _add_output(catalog, ".fleet/catalog-STACK")


def _add_output(command: argparse.ArgumentParser, usual: str) -> None:
    text = f"where to write; {usual} if not given"
    command.add_argument("--output", type=Path, metavar="FOLDER", help=text)


_Look = Callable[[Checkout, Declaration, argparse.Namespace], None]


def _looking(look: _Look) -> Run:
    def run(chosen: argparse.Namespace) -> int:
        here = checkout(chosen.root)
        declaration = declaration_of_file(config_file(here.root, chosen.stack))
        if not declaration.images and look not in (_docs, _catalog):
            whole = declaration.fleet_of(chosen.stack)
            say(f"{chosen.stack} manages the repository and no image; STACK={whole} shows them all")
        else:
            look(here, declaration, chosen)
        return 0

    return run


def _plan(here: Checkout, declaration: Declaration, chosen: argparse.Namespace) -> None:
    lock = lock_file(here.root, chosen.stack, declaration)
    if not lock.exists():
        what, remedy = not_written(chosen.stack, declaration)
        name = lock.relative_to(here.root).as_posix()
        show(report(declaration, None, f"{name} {what}.\n{remedy}."))
        return
    show(report(declaration, plan_of(here.root, chosen.stack, declaration)))
    for problem in ended(declaration, datetime.now(UTC).date().isoformat()):
        say(f"warning: {problem}")


def _graph(_here: Checkout, declaration: Declaration, chosen: argparse.Namespace) -> None:
    show(document(declaration, chosen.stack).removesuffix("\n"))


def _docs(here: Checkout, declaration: Declaration, chosen: argparse.Namespace) -> None:
    whole, plan, known = _whole(here, declaration, chosen.stack)
    made = pages(whole, plan, known.rows, read_sources(here.root, whole))
    if known.lacking:
        say(f"digests and sizes are not known: {known.lacking}")
    if chosen.image:
        page = made.get(page_path(chosen.image))
        if page is None:
            raise TroubleError(f"no image {chosen.image} is declared.\nName one that is")
        show(page.removesuffix("\n"))
        return
    _write(here, chosen, "docs", {Path(path).name: text for path, text in made.items()})


def _catalog(here: Checkout, declaration: Declaration, chosen: argparse.Namespace) -> None:
    _, plan, known = _whole(here, declaration, chosen.stack)
    # Clients take logins and trust from this process's environment.
    needs = needs_of(plan.declaration, declaration.fleet_of(chosen.stack))
    os.environ.update(environment.complete(here, needs))
    left = Left(
        rows=known.rows,
        evidence=known.evidence,
        moves={} if known.rows is None else asyncio.run(_moves(plan)),
    )
    if known.lacking:
        say(f"digests and states are not known: {known.lacking}")
    _write(here, chosen, "catalog", site(catalog_of(plan, left), read_templates(here.root)))


async def _moves(plan: Plan) -> dict[str, tuple[Move, ...]]:
    """Return the history of each repository; what can't be read is said, and left out."""
    logins, found = find_logins(plan.logins, os.environ), {}
    async with Transport(environment=os.environ, logins=logins) as transport:
        registry = Client(transport)
        for image in plan.images:
            place = Repository.parse(image.repository)
            try:
                found[image.repository] = await history(registry, place, plan.owner)
            except ReadableError as error:
                say(f"what moved in {place} is not known: {error}")
    return found


def _whole(here: Checkout, declaration: Declaration, stack: str) -> tuple[Declaration, Plan, Known]:
    """Return the whole fleet's declaration, plan and state: its pages lead to each other."""
    fleet, whole = declaration.fleet_of(stack), widened(declaration)
    plan = plan_of(here.root, fleet, whole)
    return whole, plan, read_known(here, fleet, whole, stacks_of(here.root, fleet))


def _write(here: Checkout, chosen: argparse.Namespace, what: str, texts: Mapping[str, str]) -> None:
    """Write ``texts`` by file name to the chosen folder, and print where each is."""
    if not chosen.output:
        here.make_state()
    folder = chosen.output or here.state / f"{what}-{chosen.stack}"
    folder.mkdir(parents=True, exist_ok=True)
    endings = {Path(name).suffix for name in texts}
    if left := sorted({f.name for f in folder.iterdir() if f.suffix in endings} - texts.keys()):
        say(
            f"{folder} also has {', '.join(left)}, not written now. Remove what is of images that "
            "are not declared any more"
        )
    for name, text in texts.items():
        written = folder / name
        written.write_text(text, encoding="utf-8")
        show(str(written))
