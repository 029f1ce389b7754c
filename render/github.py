"""The files of a fleet's repository on GitHub: its workflows, and Dependabot's."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fleet.declaration import Declaration
from fleet.github import GitHub
from fleet.stacks import FleetStack
from render.actions import pinned
from render.templating import Verbatim, environment

PYTHON: Final = "3.11"
"""What the workflows run on: the oldest that the project supports, and is tested with."""

_WORKFLOWS = ".github/workflows"
# It deletes versions of packages; what only reads has no use for it.
_REMOVING = "FLEET_GITHUB_TOKEN"
_CERTIFICATES = ("cacert", "cert", "key")  # buildx's names of a remote driver's options
_CAPITALS = re.compile("[^A-Za-z0-9]")
_EMBEDDED = ("fleet", "default")  # started by the program, or brought by the Docker engine
_GHCR = "ghcr.io"
_EMULATED = {
    "linux/amd64": "amd64",
    "linux/arm64": "arm64",
    "linux/arm/v7": "arm",
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Time limits in minutes.

    ``build`` is that of one platform's build, which ``components/platform_image.py`` hands to the
    engine. ``job`` is that of a job that builds nothing, for each stack that it looks at. A run of
    ``up`` has many builds and so nearly all that GitHub gives a job of its own runners, 360. Its
    preview has ``look``; at ``engine`` it is interrupted, so that the engine ends in order and
    gives its lock back. The two leave a quarter of an hour of the job for all its other steps.
    """

    build: int = 45
    job: int = 45
    up: int = 355
    look: int = 30
    engine: str = "310m"


LIMITS: Final = Limits()

_READING = {"actions": "read", "administration": "read", "contents": "read", "environments": "read"}
# Workflow files are contents that take a permission of their own.
_WRITING = {
    "actions": "read",
    "administration": "write",
    "contents": "write",
    "environments": "write",
    "workflows": "write",
}
_PROPOSING = {"contents": "write", "pull-requests": "write"}


def preview_environment(github: GitHub) -> str:
    """Return the environment of the previews of pull requests.

    It is one of its own: the other admits the declared branch alone, and what a pull request's code
    is trusted with should be able to read and no more.
    """
    return f"{github.environment}-preview"


def app_permissions() -> dict[str, str]:
    """Return what the GitHub App of the workflows needs, as GitHub's API names it."""
    whole = {**_READING, **_PROPOSING, **_WRITING}
    return {name.replace("-", "_"): level for name, level in whole.items()}


def given(declaration: Declaration, environment: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the secrets and of the variables that a person gives an environment.

    The declared one is given its secrets and variables by the stack; that of previews, for which
    the stack has nothing, takes those that a preview needs from a person as well.
    """
    own = () if declaration.host == _GHCR else ("FLEET_REGISTRY_PASSWORD",)
    user = () if declaration.host == _GHCR else ("FLEET_REGISTRY_USERNAME",)
    secrets = ("FLEET_APP_PRIVATE_KEY", "PULUMI_CONFIG_PASSPHRASE", *own)
    variables = ("FLEET_APP_CLIENT_ID", "PULUMI_BACKEND_URL", *user)
    if declaration.github and environment == declaration.github.environment:
        files = [name for node in node_secrets(declaration).values() for name in node.values()]
        return (
            tuple(name for name in (*secrets, *files) if name not in declaration.secrets),
            tuple(name for name in variables if name not in declaration.variables),
        )
    declared = (name for name in declaration.secrets if name != _REMOVING)
    return tuple(dict.fromkeys((*secrets, *declared))), variables


def files(
    declaration: Declaration,
    stack: str,
    templates: Mapping[str, str],
    stacks: Sequence[FleetStack] = (),
) -> dict[str, str]:
    """Return the text of each file by its path in the repository; none if GitHub is not declared.

    ``declaration`` is that of the whole fleet, which ``stack`` holds. ``stacks`` are those that it
    was split into, in their turn: then ``up`` has a job for each, which waits for those below it.
    ``templates`` holds the files of ``templates/`` by their path below it. The workflows ``drift``
    and ``versions`` are there where their schedule is declared.

    :raises DeclarationError: when an action is not pinned.
    """
    github = declaration.github
    if github is None:
        return {}
    found = environment(templates)
    common = _common(declaration, github, stack) | {"actions": pinned(templates)}
    looking = {
        "settings": _settings(declaration, reading=True),
        # One job looks at all stacks in turn.
        "looking": min(LIMITS.job * max(len(stacks), 1), LIMITS.up),
    }
    values = {
        "preview": {**common, **looking, "reading": _permissions(_READING)},
        "up": {
            **common,
            "certificates": _certificates(declaration),
            "writing": _permissions(_WRITING),
            "group": f"fleet-{stack}",
            "jobs": _jobs(declaration, github, stacks),
        },
    }
    for job, line in declaration.schedules.items():
        values[job] = {**common, **looking, "cron": line, "group": f"fleet-{stack}-{job}"}
    for job, more in (("drift", {"reading": _READING}), ("versions", {"proposing": _PROPOSING})):
        if job in values:
            values[job] |= {name: _permissions(needed) for name, needed in more.items()}
    workflows = {
        f"{_WORKFLOWS}/{job}.yml": found.get_template(f"workflows/{job}.yml.jinja").render(given)
        for job, given in values.items()
    }
    dependabot = found.get_template("dependabot.yml.jinja").render(common)
    return {
        path: f"{text.strip()}\n"
        for path, text in {**workflows, ".github/dependabot.yml": dependabot}.items()
    }


@dataclass(frozen=True, kw_only=True)
class _Job:
    """A job of the workflow ``up``.

    ``stack`` is empty where the fleet has one stack alone, which the workflow names. ``needs`` are
    the jobs that it waits for. ``images`` tells whether it has any; ``github`` whether it looks
    after the repository.
    """

    key: Verbatim
    name: Verbatim
    stack: str
    needs: Sequence[str]
    condition: str
    images: bool
    github: bool
    builders: Sequence[str]
    emulated: str
    settings: Mapping[str, str]


def _jobs(declaration: Declaration, github: GitHub, stacks: Sequence[FleetStack]) -> Sequence[_Job]:
    """Return the jobs of ``up``: one a stack, or the one of a fleet that was not split."""
    if not stacks:
        images = tuple(declaration.by_name)
        only = FleetStack(name="", images=images, after=(), github=True)
        return [_job(declaration, github, only, {"": Verbatim("up")})]
    keys = {stack.name: Verbatim(f"up-{number}") for number, stack in enumerate(stacks, start=1)}
    return [_job(declaration, github, stack, keys) for stack in stacks]


def _job(
    declaration: Declaration, github: GitHub, stack: FleetStack, keys: Mapping[str, Verbatim]
) -> _Job:
    before = [name for name in keys if name != stack.name] if stack.github else stack.after
    builders, emulated = _building(declaration, github, stack.images)
    settings = _settings(declaration, reading=False)
    if not stack.github:
        del settings["GITHUB_TOKEN"]
    always = "!cancelled() && " if stack.github and before else ""
    return _Job(
        key=keys[stack.name],
        name=Verbatim(f"up {stack.name}".strip()),
        stack=stack.name,
        needs=[keys[name] for name in before],
        condition=always + _only_here(github),
        images=bool(stack.images),
        github=stack.github,
        builders=builders,
        emulated=emulated,
        settings=settings,
    )


def _common(declaration: Declaration, github: GitHub, stack: str) -> dict[str, Any]:
    builders, _ = _building(declaration, github, declaration.by_name)
    return {
        "branch": github.branch,
        "runner": github.runner,
        "environment": github.environment,
        "preview_environment": preview_environment(github),
        "only_here": _only_here(github),
        "repair": github.drift == "repair",
        "builders": builders,
        "stack": stack,
        "python": PYTHON,
        "limits": LIMITS,
        "registry": declaration.host,
        "ghcr": declaration.host == _GHCR,
        "credentials": _credentials(declaration),
        "settings": _settings(declaration, reading=False),
    }


def node_secrets(declaration: Declaration) -> dict[str, dict[str, str]]:
    """Return, by described node with certificates, the secret that holds each: ``cacert`` etc.

    A person gives them to the declared environment; the job ``up`` writes them where the node's
    options have them. A preview builds nothing and gets none: with them, one is root on the node.
    """
    return {
        name: {
            option: f"FLEET_NODE_{_CAPITALS.sub('_', name).upper()}_{option.upper()}"
            for option in _CERTIFICATES
        }
        for name, node in declaration.nodes.items()
        if all(option in node.options for option in _CERTIFICATES)
    }


def _certificates(declaration: Declaration) -> list[dict[str, Mapping[str, str]]]:
    return [
        {
            "paths": {
                f"{o.upper()}_FILE": declaration.nodes[name].options[o] for o in _CERTIFICATES
            },
            "secrets": {o.upper(): f"${{{{ secrets.{s} }}}}" for o, s in secrets.items()},
        }
        for name, secrets in node_secrets(declaration).items()
    ]


def _only_here(github: GitHub) -> str:
    return f"github.repository == '{github.repository}'"


def _building(
    declaration: Declaration, github: GitHub, images: Iterable[str]
) -> tuple[list[str], str]:
    """Return the builders that a job for ``images`` makes, and what it emulates for them."""
    if not github.emulation:
        return [], ""
    native = "linux/arm64" if github.runner.endswith("-arm") else "linux/amd64"
    declared = [declaration.by_name[name] for name in images]
    platforms = dict.fromkeys(p for image in declared for p in image.platforms)
    named = dict.fromkeys(declaration.builders[platform] for platform in platforms)
    # Nodes that are described build natively, or emulate by themselves.
    theirs = [n for n in named if n not in _EMBEDDED and n not in declaration.nodes]
    emulated = [
        _EMULATED[platform]
        for platform in platforms
        if platform != native and declaration.builders[platform] in theirs
    ]
    return theirs, ",".join(emulated)


def _settings(declaration: Declaration, *, reading: bool) -> dict[str, str]:
    """Return the environment of what calls the engine; with ``reading``, of what changes nothing.

    What is declared wins: a fleet may have a token of its own for its packages.
    """
    secrets = _secrets(declaration)
    if reading:
        secrets.pop(_REMOVING, None)
    return {**_credentials(declaration), **_tokens(declaration), **secrets}


def _credentials(declaration: Declaration) -> dict[str, str]:
    """Return whom the registry knows: on GitHub's own, the job itself."""
    if declaration.host == _GHCR:
        user, password = "${{ github.actor }}", "${{ github.token }}"
    else:
        user = "${{ vars.FLEET_REGISTRY_USERNAME }}"
        password = "${{ secrets.FLEET_REGISTRY_PASSWORD }}"  # noqa: S105 - an expression
    return {"FLEET_REGISTRY_USERNAME": user, "FLEET_REGISTRY_PASSWORD": password}


def _secrets(declaration: Declaration) -> dict[str, str]:
    names = (*declaration.secrets, "PULUMI_CONFIG_PASSPHRASE")
    backend = {"PULUMI_BACKEND_URL": "${{ vars.PULUMI_BACKEND_URL }}"}
    return backend | {name: f"${{{{ secrets.{name} }}}}" for name in names}


def _tokens(declaration: Declaration) -> dict[str, str]:
    """Return the App's token for the repository, and the job's own for the packages it wrote."""
    app = {"GITHUB_TOKEN": "${{ steps.app.outputs.token }}"}
    own = {"FLEET_GITHUB_TOKEN": "${{ github.token }}"}
    return app | own if declaration.host == _GHCR else app


def _permissions(needed: Mapping[str, str]) -> dict[str, str]:
    return {f"permission-{name}": level for name, level in needed.items()}
