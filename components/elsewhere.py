"""What other stacks of the same fleet export: digests to build on, and rows for pages."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pulumi

from fleet.build import PlatformBuild
from fleet.plan import Plan
from fleet.stacks import FleetStack


class Verified(NamedTuple):
    """A build that passed: what it was made from, and its digest, empty where it failed.

    Another stack builds on it only if that is what the declaration asks for now.
    """

    identity: str
    digest: pulumi.Output[str]

    @property
    def exported(self) -> pulumi.Output[dict[str, Any]]:
        """What a stack's output ``builds`` says of it."""
        return self.digest.apply(lambda digest: {"digest": digest, "identity": self.identity})


class Elsewhere:
    """The other stacks of a fleet, each referred to once."""

    def __init__(self) -> None:
        self._known: dict[str, pulumi.StackReference] = {}

    def verified(self, plan: Plan) -> dict[str, pulumi.Output[str]]:
        """Return, by build name, the verified digests that ``plan`` builds on and others export.

        One that the other stack has not built as it is declared now has an empty digest, of which
        an error tells: what is built on it fails, and nothing else. In a preview it is as one that
        the same run would build.
        """
        found: dict[str, pulumi.Output[str]] = {}
        for image, stack in plan.stacks.items():
            wanted = {b.name: b.identity for b in _below(plan) if _image(b) == image}
            if wanted:
                exported = self._reference(stack).get_output("builds")
                digests = exported.apply(_picked(wanted, stack))
                found |= {name: digests.apply(_digest(name)) for name in wanted}
        return found

    def published(
        self, stacks: Iterable[FleetStack], *, but: str
    ) -> dict[str, pulumi.Output[dict[str, Any]]]:
        """Return, by image, the rows ``tags`` and ``pointers`` of all ``stacks`` ``but`` one."""
        found: dict[str, pulumi.Output[dict[str, Any]]] = {}
        for stack in stacks:
            if stack.name != but and stack.images:
                reference = self._reference(stack.name)
                rows: pulumi.Output[dict[str, Any]] = pulumi.Output.all(
                    tags=reference.get_output("tags"), pointers=reference.get_output("pointers")
                )
                found |= dict.fromkeys(stack.images, rows)
        return found

    def _reference(self, stack: str) -> pulumi.StackReference:
        name = _qualified(stack)
        if name not in self._known:
            self._known[name] = pulumi.StackReference(name)
        return self._known[name]


def _below(plan: Plan) -> list[PlatformBuild]:
    builds = (build for image in plan.images for tag in image.tags for build in tag.builds)
    return list({build.below.name: build.below for build in builds if build.below}.values())


def _image(build: PlatformBuild) -> str:
    return build.name.partition("/build:")[0]


def _picked(wanted: Mapping[str, str], stack: str) -> Any:
    """Return what gets the digests of ``wanted``, identities by name, from an output ``builds``."""

    def digests(exported: Mapping[str, Any] | None) -> dict[str, str]:
        found = {name: _of(exported or {}, name, identity) for name, identity in wanted.items()}
        lacking = [name for name, digest in found.items() if not digest]
        if lacking:
            _tell_lacking(stack, lacking)
        return found

    return digests


def _of(exported: Mapping[str, Any], name: str, identity: str) -> str:
    entry = exported.get(name)
    if not isinstance(entry, Mapping) or entry.get("identity") != identity:
        return ""
    return str(entry.get("digest") or "")


def _tell_lacking(stack: str, names: list[str]) -> None:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    if pulumi.runtime.is_dry_run():
        pulumi.log.info(f"stack {stack} goes first: it is to build {names[0]}{more}")
    else:
        pulumi.log.error(
            f"stack {stack} has no verified {names[0]}{more} as declared now: run "
            f"`make up STACK={stack}`, then this one again"
        )


def _digest(name: str) -> Any:
    return lambda digests: digests[name]


def _qualified(stack: str) -> str:
    """Return the name by which every backend knows a stack of this project."""
    if "/" in stack:
        return stack
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
