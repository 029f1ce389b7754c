"""A whole fleet, whichever of its stacks is at work: what workflows and pages are made of."""

from dataclasses import dataclass

from fleet.declaration.model import Declaration
from fleet.declaration.split import FleetStack
from fleet.plan.plan import Plan


@dataclass(frozen=True, kw_only=True)
class WholeFleet:
    """All images of a fleet, and its stacks in their turn, where it was split.

    ``name`` is the stack that holds the declaration.
    """

    name: str
    declaration: Declaration
    plan: Plan
    stacks: tuple[FleetStack, ...]
