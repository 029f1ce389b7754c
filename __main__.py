"""The program: configuration and inputs in, plan, components out."""

from pathlib import Path

import pulumi
from pulumi.runtime.config import get_config_env

from components.fleet import declare
from fleet.plan import make_plan
from fleet.problems import DeclarationError
from inputs.gather import gather
from inputs.stack import declaration_of_engine


def main() -> None:
    """Make the registry equal to the stack's declaration."""
    stack, root = pulumi.get_stack(), Path(__file__).parent
    try:
        declaration = declaration_of_engine(get_config_env(), stack, root)
        inputs = gather(root, stack, declaration)
        owner = f"{pulumi.get_project()}/{declaration.fleet_of(stack)}"
        plan = make_plan(declaration, inputs, owner=owner)
    except DeclarationError as error:
        raise pulumi.RunError(str(error)) from None
    for name, value in declare(plan).items():
        pulumi.export(name, value)


main()
