"""The small Pulumi program of these tests: one repository, from a JSON file.

Copied as `__main__.py` into a project of its own; `declared.json` beside it holds a `Declared`.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import pulumi
from pulumi.runtime import register_stack_transformation

from components.github_access import require_access
from components.github_repository import Repository, RepositoryArgs
from fleet.declaration.github import GitHub
from fleet.declaration.problems import DeclarationError
from tests.fleet.examples import declaration

_WAIT_MS = 1


def _without_waiting(
    args: pulumi.ResourceTransformationArgs,
) -> pulumi.ResourceTransformationResult | None:
    """Have the plugin not wait a second after each write: this GitHub has no limit of them."""
    if args.type_ != "pulumi:providers:github":
        return None
    props = {**args.props, "writeDelayMs": str(_WAIT_MS)}
    return pulumi.ResourceTransformationResult(props, args.opts)


register_stack_transformation(_without_waiting)
declared = json.loads(Path("declared.json").read_text())
if declared["github"]:
    settings = GitHub(**declared["github"])
    whole = replace(declaration(), github=settings, secrets=tuple(declared["secrets"]))
    try:
        secrets = require_access(whole, pulumi.get_stack(), os.environ)
    except DeclarationError as error:
        raise pulumi.RunError(str(error)) from None
    Repository(
        settings.repository,
        RepositoryArgs(
            github=settings,
            files=declared["files"],
            secrets=secrets,
            variables=declared["variables"],
        ),
    )
