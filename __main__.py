"""The program: configuration and inputs in, plan, components out."""

import os
from pathlib import Path

import pulumi
from pulumi.runtime.config import get_config_env

from components.fleet import declare
from components.github_access import require_access
from components.repository import Repository, RepositoryArgs
from fleet.plan import make_plan
from fleet.problems import DeclarationError
from inputs.gather import gather
from inputs.stack import declaration_of_engine
from inputs.templates import read_templates
from render.github import files


def main() -> None:
    """Make the registry, and the fleet's repository, equal to the stack's declaration."""
    stack, root = pulumi.get_stack(), Path(__file__).parent
    try:
        declaration = declaration_of_engine(get_config_env(), stack, root)
        secrets = require_access(declaration, stack, os.environ)
        owner = f"{pulumi.get_project()}/{declaration.fleet_of(stack)}"
        plan = make_plan(declaration, gather(root, stack, declaration), owner=owner)
        generated = files(declaration, stack, read_templates(root))
    except DeclarationError as error:
        raise pulumi.RunError(str(error)) from None
    for name, value in declare(plan).items():
        pulumi.export(name, value)
    if declaration.github:
        args = RepositoryArgs(
            github=declaration.github, files=generated, secrets=secrets, variables={}
        )
        Repository(declaration.github.repository, args)


main()
