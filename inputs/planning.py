"""The plan of a checkout's declaration, with all that lies beside it."""

from pathlib import Path

from fleet.declaration import Declaration
from fleet.plan import Plan, make_plan
from inputs.gather import gather
from inputs.stack import PROJECT


def plan_of(root: Path, stack: str, declaration: Declaration) -> Plan:
    """Return the plan of ``declaration``, which ``stack`` of the checkout ``root`` holds.

    :raises DeclarationError: with every problem of the lock, the assets or the plan.
    """
    owner = f"{PROJECT}/{declaration.fleet_of(stack)}"
    return make_plan(declaration, gather(root, stack, declaration), owner=owner)
