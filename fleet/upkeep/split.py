"""A fleet that has outgrown one stack: a stack per image, one declaration.

The state of the old stack goes to the new ones without a build or a write to a registry.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fleet.checkout.stack_config import config_file
from fleet.console import TroubleError, say, tail_of
from fleet.declaration.model import Declaration
from fleet.declaration.split import FleetStack
from fleet.local import engine
from fleet.local.child_environment import run as run_quietly
from fleet.local.paths import Checkout
from fleet.reports.steps import BUILD, IMAGE_TAG
from fleet.upkeep.state import POINTERS

_HEADER = """\
# yaml-language-server: $schema=fleet/declaration/schema.json

# A part of the fleet that Pulumi.{whole}.yaml declares; all there is to say is there.
"""
_FLEET = "fleet:"
_SECRETS = "secrets:"


def stack_files(
    declaration: Declaration, stack: str, written: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Return the text of each share's stack file by its name: ``Pulumi.<stack>-<image>.yaml``.

    Where a repository on GitHub is declared, a share without images looks after it. ``written`` is
    what stands in the file of ``stack``: how its secrets are encrypted goes into each share, so
    that what is encrypted can be read there; values of other namespaces as well, and those of
    ``secrets:`` into the share that gives them to GitHub.
    """
    around = dict(written or {})
    config = around.pop("config", None) or {}
    beside = {key: value for key, value in config.items() if not key.startswith(_FLEET)}
    public = {key: value for key, value in beside.items() if not key.startswith(_SECRETS)}
    shares: dict[str, dict[str, Any]] = {}
    for image in declaration.images:
        own: dict[str, Any] = {"fleet:only": [image.name]}
        if image.builds_on:
            own["fleet:below"] = {image.builds_on: f"{stack}-{image.builds_on}"}
        shares[f"{stack}-{image.name}"] = own | public
    if declaration.github:
        shares[github_stack(declaration, stack)] = {"fleet:with-github": True, **beside}
    texts = {}
    for name, share in shares.items():
        values = {**around, "config": {"fleet:part-of": stack, **share}}
        text = yaml.safe_dump(values, sort_keys=False, width=1000)
        texts[f"Pulumi.{name}.yaml"] = _HEADER.format(whole=stack) + text
    return texts


def github_stack(declaration: Declaration, stack: str) -> str:
    """Return the name of the share that looks after GitHub, which is not an image's."""
    name = "github"
    while name in declaration.by_name:
        name += "-part"
    return f"{stack}-{name}"


@dataclass(frozen=True, kw_only=True)
class Move:
    """The move to other stacks: URNs of what is nobody's child; the engine moves children with it.

    ``renamed_to`` is the stack that gets the rest, and with it the old stack's history: that one is
    renamed, so that nothing is left under the old name.
    """

    urns: Mapping[str, tuple[str, ...]]
    renamed_to: str


def move_of(resources: Sequence[Mapping[str, Any]], stacks: Sequence[FleetStack]) -> Move:
    """Return what becomes of ``resources``, an exported state, among ``stacks``, in their turn.

    The last one gets the old stack by a new name. What is of no declared image stays with it, and
    goes at its next up as it would have gone at one of the whole.
    """
    renamed_to = stacks[-1].name
    holders = {image: stack.name for stack in stacks for image in stack.images}
    found: dict[str, list[str]] = {stack.name: [] for stack in stacks if stack.name != renamed_to}
    for resource in resources:
        holder = holders.get(_image_of(resource), renamed_to)
        if holder != renamed_to:
            found[holder].append(str(resource["urn"]))
    return Move(urns={name: tuple(urns) for name, urns in found.items()}, renamed_to=renamed_to)


def hand_over(
    here: Checkout, stack: str, stacks: Sequence[FleetStack], env: Mapping[str, str]
) -> None:
    """Move what the state of ``stack`` holds to ``stacks``, and rename what is left.

    Broken off, it goes on where it was when it is run again. A copy of the state is kept before.

    :raises TroubleError: when the engine refuses a step; what was moved before stays so.
    """
    exported = engine.exported(here, Path("pulumi"), stack, env)
    if exported is None:
        say(f"there is no state of {stack}: nothing to move")
        return
    kept = here.state / f"split.{stack}.json"
    if not kept.exists():
        here.make_state()
        kept.write_text(exported, encoding="utf-8")
        say(f"kept a copy of the state of {stack}: {kept}")
    resources = json.loads(exported).get("deployment", {}).get("resources") or []
    move = move_of(resources, stacks)
    for name, urns in move.urns.items():
        engine.select(here, Path("pulumi"), name, env)
        if urns:
            _run(here, env, "state", "move", "--yes", "--source", stack, "--dest", name, *urns)
        say(f"{name}: {len(urns)} resources moved to it, with their children")
    _rename(here, stack, move.renamed_to, env)
    say(f"{move.renamed_to}: has what is left of {stack}, which is not a stack any more")


def _image_of(resource: Mapping[str, Any]) -> str:
    """Return the image that a resource is of, where it is nobody's child."""
    urn, kind = str(resource["urn"]), resource["type"]
    name = urn.rpartition("::")[2]
    if kind == IMAGE_TAG:
        return name.partition(":")[0]
    if kind == BUILD and f"::{BUILD}::" in urn:  # no tag's: wheels
        return name.partition("/wheels:")[0]
    return name if kind == POINTERS else ""


def _rename(here: Checkout, stack: str, renamed_to: str, env: Mapping[str, str]) -> None:
    """Rename ``stack``; the engine moves its file as well, which is the whole fleet's."""
    files = [config_file(here.root, name) for name in (stack, renamed_to)]
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    if engine.exported(here, Path("pulumi"), renamed_to, env) is not None:
        # Made by a look at it; the engine refuses where it holds anything.
        _run(here, env, "stack", "rm", renamed_to, "--yes", "--preserve-config")
    try:
        _run(here, env, "stack", "rename", renamed_to, "--stack", stack)
    finally:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")


def _run(here: Checkout, env: Mapping[str, str], *arguments: str) -> None:
    argv = ["pulumi", *arguments, "--non-interactive"]
    done = run_quietly(argv, cwd=here.root, env=env)
    if done.returncode:
        text = f"pulumi {arguments[0]} {arguments[1]} was refused:\n{tail_of(done.stderr)}"
        raise TroubleError(text)
