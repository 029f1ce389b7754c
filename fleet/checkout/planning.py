"""The plan of a checkout's declaration, with all that lies beside it."""

from pathlib import Path

from fleet.checkout.project import gather
from fleet.checkout.split_stacks import stacks_of
from fleet.checkout.stack_config import PROJECT
from fleet.declaration.model import Declaration
from fleet.declaration.stack_share import widened
from fleet.plan.plan import Plan, make_plan
from fleet.plan.whole_fleet import WholeFleet


def plan_of(root: Path, stack: str, declaration: Declaration) -> Plan:
    """Return the plan of ``declaration``, which ``stack`` of the checkout ``root`` holds.

    :raises DeclarationError: with every problem of the lock, the assets or the plan.
    """
    owner = owner_of(stack, declaration)
    return make_plan(declaration, gather(root, stack, declaration), owner=owner)


def owner_of(stack: str, declaration: Declaration) -> str:
    """Return ``<pulumi project>/<stack>``; of a part, it is the whole's."""
    return f"{PROJECT}/{declaration.fleet_of(stack)}"


def whole_of(root: Path, stack: str, declaration: Declaration, plan: Plan) -> WholeFleet:
    """Return the fleet that ``stack`` is of, or a part of; ``plan`` is that of ``declaration``.

    :raises DeclarationError: as :func:`plan_of` and :func:`fleet.checkout.split_stacks.stacks_of`.
    """
    name, whole = declaration.fleet_of(stack), widened(declaration)
    return WholeFleet(
        name=name,
        declaration=whole,
        plan=plan if whole is declaration else plan_of(root, name, whole),
        stacks=stacks_of(root, name),
    )
