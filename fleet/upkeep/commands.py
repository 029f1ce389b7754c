"""The commands that a maintainer runs beside ``pulumi up``."""

import argparse
import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from fleet.checkout import strict_yaml
from fleet.checkout.planning import own_key, owner_of
from fleet.checkout.split_stacks import stacks_of
from fleet.checkout.stack_config import config_file, declaration_of_file
from fleet.command import Commands
from fleet.console import TroubleError, say, show
from fleet.declaration.logins import variables
from fleet.declaration.problems import Problems
from fleet.evidence.trusted_root import read_authorities
from fleet.local import engine
from fleet.local.paths import Checkout, checkout
from fleet.plan.plan import Plan, keys_of
from fleet.registry.client import Client
from fleet.registry.reference import Repository, TagReference
from fleet.sbom.reader import SbomReader
from fleet.upkeep import adopt, images, removers, restore, restored_evidence, split, verify
from fleet.upkeep import trusted as signers
from fleet.upkeep.connection import asked, opened
from fleet.upkeep.entering import entered, furnish, planned
from fleet.upkeep.prune import prune
from fleet.upkeep.records import declared_mirrors
from fleet.upkeep.state import read_state


def add_to(commands: Commands) -> None:
    """Add the commands of this room."""
    one = commands.add("restore", entered(_restore))
    one.add_argument("--tag", required=True, help="the tag, such as py3.8-LATEST")
    one.add_argument(
        "--image",
        default="",
        help="the image, where several had the tag; at a mirror, or where nothing declares the "
        "image any more, the whole repository (host/namespace/name)",
    )
    five = commands.add("verify", entered(_verify))
    five.add_argument("--tag", default="", help="only this tag, such as py3.13-slim-0.34.0")
    five.add_argument("--image", default="", help="only the tags of this image")
    five.add_argument("--mirrors", action="store_true", help="also the tags at mirrors")
    two = commands.add("adopt", entered(_adopt))
    two.add_argument("--apply", action="store_true", help="also run the import")
    # A write that was on its way is done, and the ledger holds what went.
    three = commands.add("prune", entered(_prune))
    three.add_argument(
        "--apply", action="store_true", help="delete what was superseded long enough ago"
    )
    three.add_argument("--image", default="", help="only this image, declared or not")
    three.add_argument(
        "--keep-days", type=_days, metavar="DAYS",
        help="how long is enough; fleet:retention-days if not given",
    )  # fmt: skip
    three.add_argument(
        "--max-share", type=_share, default=prune.MAX_SHARE, metavar="SHARE",
        help="delete nothing in a repository of which more than this share (0 to 1) of the known "
        f"digests is due; {prune.MAX_SHARE} if not given",
    )  # fmt: skip
    four = commands.add("split", _split)
    four.add_argument("--apply", action="store_true", help="also move the state to the new stacks")
    six = commands.add("sbom", entered(_sbom))
    six.add_argument("--tag", required=True, help="a declared tag, such as py3.13-slim-LATEST")
    six.add_argument("--platform", default="", help="only this platform, such as linux/amd64")
    six.add_argument("--image", default="", help="the image, where several have the tag")


def _restore(here: Checkout, chosen: argparse.Namespace) -> int:
    state = read_state(here, chosen.stack, os.environ)
    declaration = declaration_of_file(config_file(here.root, chosen.stack))
    places = restore.candidates(
        state, declaration.registry, [image.name for image in declaration.images], chosen.image
    )
    owner = owner_of(chosen.stack, declaration)
    mirrors = {**declared_mirrors(declaration, places), **state.mirrors}

    async def run(registry: Client) -> None:
        found = await restore.read_records(registry, places, owner, mirrors)
        for reason in found.unread.values():
            say(f"warning: {reason}")
        entry = restore.choose(state, chosen.tag, chosen.image, found)
        show(str(await restore.restore(registry, entry)))
        keys = keys_of(declaration, own_key(here.root))
        trusted = signers.trusted(declaration, keys, read_authorities(os.environ))
        named = entry.digest in state.signed
        show(await restored_evidence.describe(registry, entry, owner, trusted, named=named))
        show(restore.predict_next_update(state, entry))

    asked(variables(declaration.logins), run)
    return 0


def _adopt(here: Checkout, chosen: argparse.Namespace) -> int:
    plan = planned(here, chosen.stack)
    adopted = asked(plan.logins, lambda registry: adopt.look(registry, plan))
    here.make_state()
    path = here.state / f"adopt.{chosen.stack}.json"
    path.write_text(json.dumps(adopted.document, indent=2) + "\n", encoding="utf-8")
    show(adopt.report(adopted))
    command = ["pulumi", "import", "--stack", chosen.stack, "--file", str(path), *adopt.FLAGS]
    if not adopted.adopted or not chosen.apply:
        show(f"Written to {path}; make adopt APPLY=1 runs: {' '.join(command)}")
        return 0
    engine.select(here, Path("pulumi"), chosen.stack, os.environ)
    return engine.run(here, command, os.environ)


def _verify(here: Checkout, chosen: argparse.Namespace) -> int:
    plan = planned(here, chosen.stack)
    if not plan.signed:
        raise TroubleError(
            f"stack {chosen.stack} declares no signers, so nothing of it is signed.\n"
            "Declare fleet:signing (docs/evidence.md)"
        )
    tags = verify.wanted(plan, chosen.tag, chosen.image, mirrors=chosen.mirrors)
    trusted = signers.trusted(plan.declaration, plan.keys, read_authorities(os.environ))
    found = asked(
        plan.logins, lambda registry: verify.verify_tags(registry, tags, plan.owner, trusted)
    )
    show(verify.report(found))
    if trusted.identity:
        say(signers.NOT_CHECKED)
    if not any(each.problems for each in found):
        return 0
    say(
        f"FLEET_VERIFY_CHILDREN=all make up STACK={chosen.stack} finds what is missing or altered, "
        "and signs it again"
    )
    return 1


def _prune(here: Checkout, chosen: argparse.Namespace) -> int:
    plan = planned(here, chosen.stack)
    days = plan.declaration.retention_days if chosen.keep_days is None else chosen.keep_days
    return asyncio.run(_pruned(here, chosen, plan, days))


async def _pruned(here: Checkout, chosen: argparse.Namespace, plan: Plan, days: int) -> int:
    failed = False
    async with opened(plan.logins) as connection:
        for image in _images(here, chosen, plan):
            versions = connection.versions_of(image.public.host)
            pruner = prune.Pruner(
                registry=connection.registry,
                versions=versions,
                owner=plan.owner,
                state=lambda: read_state(here, chosen.stack, os.environ),
                now=lambda: datetime.now(UTC).isoformat(timespec="seconds"),
                days=days,
                max_share=chosen.max_share,
            )
            found = await pruner.look(image)
            swept = await pruner.apply(found) if chosen.apply else None
            show(prune.report(found, days, swept))
            # Where anything is in doubt, who keeps what is not known either.
            forgotten = (
                ()
                if found.doubts
                else await removers.forget(
                    connection.registry, image, plan.owner, pruner.state, apply=chosen.apply
                )
            )
            for line in forgotten:
                show(line)
            if swept and swept.gone:
                show(versions.advice)
            failed = failed or bool(found.doubts or (swept and swept.kept))
    return 1 if failed else 0


def _images(here: Checkout, chosen: argparse.Namespace, plan: Plan) -> tuple[images.Image, ...]:
    """Return the images to sweep; of one that nothing declares, no build tag is planned.

    :raises TroubleError: for a share of a fleet, when the image is not its own.
    """
    declared = {image.name: images.image_of(image) for image in plan.images}
    if not chosen.image:
        return tuple(declared.values())
    if chosen.image in declared:
        return (declared[chosen.image],)
    declaration = declaration_of_file(config_file(here.root, chosen.stack))
    if declaration.share:
        # What another stack's state holds would look superseded here.
        raise TroubleError(
            f"{chosen.image} is not an image of {chosen.stack}, whose state alone is read.\nRun "
            f"`make prune` for the part of {declaration.share.whole} that declares it. If no part "
            "does, and no part's state has it any more, delete it at the registry"
        )
    public = Repository.parse(f"{declaration.registry}/{chosen.image}")
    return (images.Image(public=public, planned=frozenset()),)


def _sbom(here: Checkout, chosen: argparse.Namespace) -> int:
    plan = planned(here, chosen.stack)
    image = images.declaring(plan, chosen.tag, chosen.image)
    reference = TagReference.parse(f"{image.repository}:{chosen.tag}")
    found = asked(plan.logins, lambda registry: bills(registry, reference, chosen.platform))
    for _, bill in sorted(found.items()):
        show(bill.decode())
    return 0


async def bills(registry: Client, reference: TagReference, platform: str = "") -> dict[str, bytes]:
    """Return the bill of materials of each platform of a tag, or of one platform.

    :raises TroubleError: if the tag names nothing.
    :raises RegistryError: if the registry fails, or the image can't be read.
    """
    digest = await registry.head(reference.repository, reference.tag)
    if digest is None:
        raise TroubleError(
            f"{reference} is declared and not in the registry, so nothing is known of what it "
            "consists of.\nRun `make up`, which builds it"
        )
    return await SbomReader(registry).sboms(reference.repository, digest, platform)


def _split(chosen: argparse.Namespace) -> int:
    here = checkout(chosen.root)
    path = config_file(here.root, chosen.stack)
    declaration = declaration_of_file(path)
    if declaration.share:
        raise TroubleError(f"{chosen.stack} is a part of {declaration.share.whole} already")
    written = strict_yaml.load(path, Problems())
    for name, text in split.stack_files(declaration, chosen.stack, written).items():
        _write(here.root / name, text)
    stacks = stacks_of(here.root, chosen.stack)
    if not chosen.apply:
        say(f"make split STACK={chosen.stack} APPLY=1 hands the state of {chosen.stack} to them")
        return 0
    furnish(here, chosen.stack)
    split.hand_over(here, chosen.stack, stacks, os.environ)
    return 0


def _write(path: Path, text: str) -> None:
    """Write a stack file, unless there is one."""
    known = path.exists()
    if not known:
        path.write_text(text, encoding="utf-8")
    say(f"{path.name}: {'there already, left as it is' if known else 'written'}")


def _days(text: str) -> int:
    days = int(text)
    if days < 0:
        raise argparse.ArgumentTypeError("write a number of days, 0 or more")
    return days


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("write a share from 0 to 1")
    return share
