"""The stacks of a fleet that was split: what each manages, and in which order they go."""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from fleet.declaration.model import Declaration
from fleet.declaration.problems import DeclarationError, Problem, Problems
from fleet.declaration.schema import matches
from fleet.declaration.stack_share import ShareConfig


@dataclass(frozen=True, kw_only=True)
class FleetStack:
    """One stack of a split fleet.

    ``images`` are those that it manages, ``after`` the stacks whose images these are built on.
    With ``github`` it looks after the repository on GitHub, whose pages tell what all the others
    published: it goes last.
    """

    name: str
    images: tuple[str, ...]
    after: tuple[str, ...]
    github: bool


def in_turn(whole: Declaration, shares: Mapping[str, ShareConfig]) -> tuple[FleetStack, ...]:
    """Return the stacks with ``shares`` of ``whole``, by name, each after those that it needs.

    :raises DeclarationError: when they are not the whole fleet, each image and the repository once;
        when one names a wrong stack below it, or there is no order.
    """
    if not shares:
        return ()
    name = next(iter(shares.values())).whole
    source = f"the stacks that {name} is split into"
    problems = Problems()
    for stack in shares:
        if not matches(stack, "stack"):
            remedy = "Rename its file: Pulumi.prod-web.yaml is that of the stack prod-web"
            problems.add(f"Pulumi.{stack}.yaml", f"{stack!r} is not a stack name", remedy)
    split = f"Run `make split STACK={name}`"
    for image in whole.by_name:
        own = [stack for stack, share in shares.items() if image in share.only]
        _note_holders(f"fleet:images.{image}", own, split, "its name in fleet:only", problems)
    if whole.github:
        own = [stack for stack, share in shares.items() if share.github]
        _note_holders("fleet:github", own, split, "fleet:with-github: true", problems)
    holders = {image: stack for stack, share in shares.items() for image in share.only}
    for stack, share in shares.items():
        _note_below(stack, share, holders, problems)
    problems.raise_if_any(source)
    return _ordered(_stacks(whole, shares, holders), source)


def _note_holders(path: str, own: list[str], split: str, key: str, problems: Problems) -> None:
    """Note what none of the stacks has, and what several have; ``key`` says in a file who does."""
    if not own:
        problems.add(path, "is declared, and no stack has it", f"{split}, or write {key} into one")
    elif len(own) > 1:
        what = f"is in {' and in '.join(own)}, which would write the same names"
        problems.add(path, what, f"Leave {key} in one")


def _note_below(
    stack: str, share: ShareConfig, holders: Mapping[str, str], problems: Problems
) -> None:
    """Note each image of which ``share`` says that another stack has it than the one that does."""
    for image, named in share.below.items():
        holder = holders.get(image, "")
        if holder and named.rpartition("/")[2] != holder:
            path = f"Pulumi.{stack}.yaml, fleet:below.{image}"
            problems.add(path, f"names {named}, and {holder} has it", "Correct it")


def _stacks(
    whole: Declaration, shares: Mapping[str, ShareConfig], holders: Mapping[str, str]
) -> dict[str, FleetStack]:
    """Return the stacks by name, in the order in which their first images are declared."""
    order = dict.fromkeys(holders[image] for image in whole.by_name)
    found = {}
    for stack in (*order, *sorted(shares.keys() - order)):
        images = tuple(image for image in whole.by_name if image in shares[stack].only)
        parents = (holders.get(whole.by_name[image].builds_on, stack) for image in images)
        found[stack] = FleetStack(
            name=stack,
            images=images,
            after=tuple(dict.fromkeys(parent for parent in parents if parent != stack)),
            github=shares[stack].github and whole.github is not None,
        )
    return found


def _ordered(found: Mapping[str, FleetStack], source: str) -> tuple[FleetStack, ...]:
    graph = {
        name: [other for other in found if other != name] if stack.github else list(stack.after)
        for name, stack in found.items()
    }
    try:
        return tuple(found[name] for name in TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = [str(name) for name in error.args[1]]
        problem = Problem(
            path=f"Pulumi.{circle[0]}.yaml",
            what=f"is a circular dependency: {' before '.join(circle)}",
            remedy="Have images that are built on each other's stacks in one of them, and the "
            "repository on GitHub in a stack that no other is built on",
        )
        raise DeclarationError([problem], source) from None
