"""All checks in order, each with its remedy; nothing is written anywhere."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from fleet.checkout.page_texts import read_templates
from fleet.checkout.split_stacks import stacks_of
from fleet.declaration.builder_nodes import EMBEDDED
from fleet.declaration.github import GitHub
from fleet.declaration.model import Declaration
from fleet.github.api import Api
from fleet.github.doctor import app, packages, repository
from fleet.github.doctor.checkout import look_at_lock, look_at_state, look_at_toolchain
from fleet.github.doctor.finding import Finding, fail, note
from fleet.github.render import workflows


def examine(
    root: Path,
    stack: str,
    declaration: Declaration,
    environment: Mapping[str, str],
    open_api: Callable[[str], Api],
) -> Iterator[Finding]:
    """Yield the findings; ``open_api`` opens GitHub's API for a token.

    :raises TroubleError: when GitHub can't be reached, or refuses to tell.
    """
    if declaration.is_local:
        yield fail(
            f"stack {stack}: its registry is on this machine alone",
            "Nothing is to be given for it; choose another: make doctor STACK=prod",
        )
        return
    yield look_at_lock(root, stack, declaration)
    # Of a fleet that was split, one part has the secrets, for it looks after GitHub.
    stacks = stacks_of(root, stack)
    keeper = next((share.name for share in stacks if share.github), stack)
    yield from look_at_state(root, keeper, declaration, environment)
    if declaration.github is None:
        yield fail(
            f"Pulumi.{stack}.yaml: fleet:github is not declared",
            "Declare the repository there: fleet:github: {repository: owner/name}",
        )
        return
    yield from _runner(declaration, declaration.github)
    yield look_at_toolchain(root, declaration.github)
    files = workflows.files(declaration, stack, read_templates(root), stacks)
    yield from _on_github(declaration, declaration.github, files, environment, open_api)


def _runner(declaration: Declaration, github: GitHub) -> Iterator[Finding]:
    if EMBEDDED in declaration.builders.values():
        yield note(
            f"builder {EMBEDDED}: it needs root or Docker, which a job on {github.runner} may lack",
            "Name another under fleet:builders, such as hosted: the workflows make it where "
            "emulation is declared",
        )
    for job in ("drift", "versions"):
        if job not in declaration.schedules:
            yield note(
                f"schedule {job}: not declared, so there is no such workflow",
                f'Declare it if it is wanted: fleet:schedules: {{{job}: "17 4 * * *"}}',
            )


def _on_github(
    declaration: Declaration,
    github: GitHub,
    files: Mapping[str, str],
    environment: Mapping[str, str],
    open_api: Callable[[str], Api],
) -> Iterator[Finding]:
    token = environment.get("GITHUB_TOKEN", "")
    if not token:
        yield fail(
            "token: GITHUB_TOKEN is not set",
            "Export one of an administrator of the repository, with the scopes repo and workflow",
        )
        return
    found, number = app.look(open_api, github.repository, environment)
    yield found
    with open_api(token) as api:
        yield from repository.look(api, declaration, files, github, number)
        if declaration.host == "ghcr.io":
            yield from packages.look(api, github, declaration)
