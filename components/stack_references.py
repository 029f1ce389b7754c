"""Exports of the fleet's other stacks: digests to build on, and rows for pages."""

from collections.abc import Iterable, Mapping
from functools import partial
from operator import itemgetter
from typing import Any, Final

import pulumi

from fleet.declaration.split import FleetStack
from fleet.plan.plan import Plan

_READ: Final = "pulumi:pulumi:readStackOutputs"
"""The engine's own function, which every stack reference of its SDKs once was."""


def exported(identity: str, digest: pulumi.Output[str]) -> pulumi.Output[dict[str, Any]]:
    """Return the entry of a build in a stack's output ``builds``; a failed one has no digest.

    Another stack builds on it only if its identity is what the declaration asks for now.
    """
    return digest.apply(lambda known: {"digest": known, "identity": identity})


class Elsewhere:
    """The other stacks of a fleet, each read once."""

    def __init__(self) -> None:
        self._known: dict[str, pulumi.Output[dict[str, Any]]] = {}

    def verified(self, plan: Plan) -> dict[str, pulumi.Output[str]]:
        """Return, by build name, the verified digests that ``plan`` builds on and others export.

        One that the other stack has not built as it is declared now is an error and has no digest,
        so that what is built on it fails. In a preview it is as one that this run would build.
        """
        builds = (build for image in plan.images for tag in image.tags for build in tag.builds)
        below = {build.below.name: build.below.identity for build in builds if build.below}
        found: dict[str, pulumi.Output[str]] = {}
        for image, stack in plan.stacks.items():
            wanted = {n: own for n, own in below.items() if n.startswith(f"{image}/build:")}
            if wanted:
                digests = self._outputs(stack).apply(partial(_digests, wanted, stack))
                found |= {name: digests.apply(itemgetter(name)) for name in wanted}
        return found

    def published(
        self, stacks: Iterable[FleetStack], *, but: str
    ) -> dict[str, pulumi.Output[dict[str, Any]]]:
        """Return, by image, the outputs of all ``stacks`` ``but`` one: its rows are among them."""
        found: dict[str, pulumi.Output[dict[str, Any]]] = {}
        for stack in stacks:
            if stack.name != but and stack.images:
                found |= dict.fromkeys(stack.images, self._outputs(stack.name))
        return found

    def _outputs(self, stack: str) -> pulumi.Output[dict[str, Any]]:
        """Return the outputs of ``stack``, with no reference to it in the state.

        The engine refreshes the state first: a reference to a stack that is gone would then fail
        every update.
        """
        name = _qualified(stack)
        if name not in self._known:
            asked = pulumi.runtime.invoke_output(_READ, {"name": name})
            self._known[name] = asked.apply(lambda answer: answer["outputs"])
        return self._known[name]


def _digests(wanted: Mapping[str, str], stack: str, outputs: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests of ``wanted``, identities by name, that ``outputs`` of ``stack`` hold."""
    builds = outputs.get("builds")
    found = {name: _of(builds or {}, name, identity) for name, identity in wanted.items()}
    missing = [name for name, digest in found.items() if not digest]
    if missing and pulumi.runtime.is_dry_run():
        pulumi.log.info(_to_come(stack, missing, builds))
    elif missing:
        pulumi.log.error(
            f"stack {stack} has no verified {_some(missing)} as declared now: run "
            f"`make up STACK={stack}`, then this one again"
        )
    return found


def _of(builds: Mapping[str, Any], name: str, identity: str) -> str:
    entry = builds.get(name)
    if not isinstance(entry, Mapping) or entry.get("identity") != identity:
        return ""
    return str(entry.get("digest") or "")


def _to_come(stack: str, names: list[str], builds: Mapping[str, Any] | None) -> str:
    if builds is None:
        return (
            f"stack {stack} has not been up as a stack of its own: what is built on its images is "
            f"shown as to be built; after `make up STACK={stack}`, only what changed is"
        )
    return f"stack {stack} goes first: it is to build {_some(names)}"


def _some(names: list[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def _qualified(stack: str) -> str:
    """Return the name by which every backend knows a stack of this project."""
    if "/" in stack:
        return stack
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
