"""All checks in order, each with its remedy; nothing is written anywhere."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from fleet.checkout.lock_file import is_local
from fleet.checkout.split_stacks import stacks_of
from fleet.declaration.github import GitHub
from fleet.declaration.model import Declaration
from fleet.declaration.node_validators import EMBEDDED
from fleet.github.api import Api
from fleet.github.doctor import app, lock, packages, repository, state, toolchain
from fleet.github.doctor.finding import Finding, fail, note

TOKENS = """\
What each token may do, and where it is:
  GITHUB_TOKEN, yours       the first up, from here; in no workflow
  the App, in up            writes files, workflows, environments and their secrets
  the App, in preview       reads them: give that environment an App of its own that can no more
  another App, in versions  writes one branch and its pull request: let no ruleset pass this one
  github.token, in up       pushes images, deletes the names that its first job listed
  github.token, elsewhere   writes the one comment, the one issue
  none                      in check, resolve and approve: these have no secret, but for a login
                            with `read: true` in fleet:logins, which resolve has
  the passphrase            opens every secret in the state: whoever has both has all of them"""


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
    if is_local(declaration):
        yield fail(
            f"stack {stack}: its registry is on this machine alone",
            "Nothing is to be given for it; choose another: make doctor STACK=prod",
        )
        return
    yield from lock.look(root, stack, declaration)
    # Of a fleet that was split, one part has the secrets, for it looks after GitHub.
    keeper = next((share.name for share in stacks_of(root, stack) if share.github), stack)
    yield from state.look(root, keeper, declaration, environment)
    if declaration.github is None:
        yield fail(
            f"Pulumi.{stack}.yaml: fleet:github is not declared",
            "Declare the repository there: fleet:github: {repository: owner/name}",
        )
        return
    yield from _runner(declaration, declaration.github)
    yield from toolchain.look(root, declaration.github)
    yield from _on_github(declaration, declaration.github, environment, open_api)


def _runner(declaration: Declaration, github: GitHub) -> Iterator[Finding]:
    if EMBEDDED in declaration.builders.values():
        yield note(
            f"builder {EMBEDDED}: it runs as root, which a job on {github.runner} may not be",
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
    known = app.App(client=environment.get(app.CLIENT, ""))
    yield from app.look(open_api, github.repository, environment, known)
    with open_api(token) as api:
        yield from repository.look(api, github, declaration, known)
        if declaration.host == "ghcr.io":
            yield from packages.look(api, github, declaration)
