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
    stack = pulumi.get_stack()
    try:
        declaration = declaration_of_engine(get_config_env(), stack)
        inputs = gather(Path(__file__).parent, stack, declaration)
        plan = make_plan(declaration, inputs, owner=f"{pulumi.get_project()}/{stack}")
    except DeclarationError as error:
        raise pulumi.RunError(str(error)) from None
    for name, value in declare(plan).items():
        pulumi.export(name, value)


main()
