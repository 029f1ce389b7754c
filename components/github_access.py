"""Configuration and environment that a stack with a repository on GitHub needs."""

import shutil
from collections.abc import Mapping

import pulumi

from fleet.declaration.github import GitHub
from fleet.declaration.model import Declaration
from fleet.declaration.problems import Problems
from fleet.http import secret
from fleet.http.errors import HttpError

_NAMESPACE = "secrets"
_APP = ("GITHUB_APP_ID", "GITHUB_APP_INSTALLATION_ID", "GITHUB_APP_PEM_FILE")
_ELSEWHERE = ("GITHUB_OWNER", "GITHUB_ORGANIZATION")


def require_access(
    declaration: Declaration, stack: str, environment: Mapping[str, str]
) -> dict[str, pulumi.Output[str]]:
    """Return the value of each declared Actions secret, from ``secrets:NAME`` of ``stack``.

    There is none without a declared repository. The plugin takes its token from ``environment``.

    :raises DeclarationError: with every value that is missing or was set in plain text, and all
        that would keep the plugin from the declared repository.
    """
    if declaration.github is None:
        return {}
    problems = Problems()
    found = _secrets(declaration.secrets, stack, problems)
    _note_environment(declaration.github, environment, problems)
    problems.raise_if_any(f"Pulumi.{stack}.yaml")
    return found


def _secrets(
    names: tuple[str, ...], stack: str, problems: Problems
) -> dict[str, pulumi.Output[str]]:
    config = pulumi.Config(_NAMESPACE)
    found = {}
    for name in names:
        key = f"{_NAMESPACE}:{name}"
        command = f"pulumi config set --secret --stack {stack} {key}"
        value = config.get_secret(name)
        if value is None:
            what = "is declared in fleet:secrets and has no value"
            problems.add(key, what, f"Give it: {command}")
        elif not pulumi.runtime.is_config_secret(key):
            what = "is in plain text in the stack's file, and so in its history"
            problems.add(key, what, f"Have a new one issued, and give it: {command}")
        else:
            found[name] = value
    return found


def _note_environment(declared: GitHub, environment: Mapping[str, str], problems: Problems) -> None:
    for name in _ELSEWHERE:
        # The plugin prefers these to its inputs, and would write to a repository of another owner.
        value = environment.get(name, "")
        if value and value.lower() != declared.owner.lower():
            what = f"is {declared.repository}, but {name} in the environment says {value}"
            problems.add("fleet:github.repository", what, f"Unset {name}")
    if not _has_token(environment):
        what = f"is {declared.repository}, and there is no token for it"
        remedy = f"Set GITHUB_TOKEN, or {', '.join(_APP)}, or log in with gh"
        problems.add("fleet:github.repository", what, remedy)
    try:
        secret.token(environment.get("GITHUB_TOKEN", ""), "GITHUB_TOKEN")
    except HttpError as error:
        # The plugin's own error would show the token.
        what = f"is {declared.repository}, and its token can't be sent"
        problems.add("fleet:github.repository", what, str(error))


def _has_token(environment: Mapping[str, str]) -> bool:
    if environment.get("GITHUB_TOKEN") or all(environment.get(name) for name in _APP):
        return True
    search = environment.get("PATH")
    return shutil.which(environment.get("GH_PATH") or "gh", path=search) is not None
