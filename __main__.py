"""The program: configuration and inputs in, plan, components out."""

import os
from pathlib import Path

import pulumi
from pulumi.runtime.config import get_config_env

from components.entrypoint import run
from components.fleet import declare
from components.github_access import require_access
from components.image_pages import image_pages
from components.stack_references import Elsewhere
from fleet.checkout.git import head
from fleet.checkout.page_texts import read_sources
from fleet.checkout.planning import plan_of, whole_of
from fleet.checkout.split_stacks import refuse_split
from fleet.checkout.stack_config import declaration_of_engine
from fleet.declaration.problems import DeclarationError
from fleet.github.render.generated import known_files
from fleet.pages.readme import stack_readme


@run
def main() -> None:
    """Make the registry, and the fleet's repository, equal to the stack's declaration."""
    stack, root = pulumi.get_stack(), Path(__file__).parent
    try:
        refuse_split(root, stack)
        declaration = declaration_of_engine(get_config_env(), stack, root)
        secrets = require_access(declaration, stack, os.environ)
        whole = whole_of(root, stack, declaration, plan := plan_of(root, stack, declaration))
        commit = head(root)
        files = known_files(whole, sources := read_sources(root, declaration))
        readme = stack_readme(declaration, plan, stack, sources)
    except DeclarationError as error:
        raise pulumi.RunError(str(error)) from None
    fleet = declare(plan, elsewhere := Elsewhere(), commit)
    for name, value in fleet.outputs.items():
        pulumi.export(name, value)
    pulumi.export("readme", readme)
    if declaration.github:
        # Its SDK takes a tenth of a second and 10 MiB, which a stack without one need not pay.
        from components.github_repository import Repository, RepositoryArgs  # noqa: PLC0415

        known = {**elsewhere.published(whole.stacks, but=stack), **fleet.known}
        pages = image_pages(whole, known, sources)
        args = RepositoryArgs(
            github=declaration.github,
            files={**files, **pages},
            secrets=secrets,
            variables=declaration.variables,
        )
        Repository(declaration.github.repository, args)
