"""The files of a fleet's repository on GitHub: its workflows, and Dependabot's."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from fleet.checkout.pinned import ACTIONS, IMAGES, pinned
from fleet.declaration.builder_nodes import KEY_OPTIONS
from fleet.declaration.github import GitHub
from fleet.declaration.model import Declaration
from fleet.declaration.split import FleetStack
from fleet.github.render.logins import (
    GHCR,
    all_logins,
    reading_logins,
    registry_logins,
    values_of,
)
from fleet.github.render.up_jobs import builders_of, up_jobs
from fleet.local.toolchain import lacking, published
from fleet.sigstore.workflow import ATTESTING_TOKEN
from fleet.templating import Verbatim, environment
from providers.ociregistry.evidence.signer import KEY as SIGNING_KEY

PYTHON: Final = "3.11"
"""What the workflows run on: the oldest that the project supports, and is tested with."""

_WORKFLOWS = ".github/workflows"
# It deletes versions of packages; what only reads has no use for it.
_REMOVING = "FLEET_GITHUB_TOKEN"
_TAKEN = re.compile(r"\$\{\{ (secrets|vars)\.(\w+) \}\}")
_CAPITALS = re.compile("[^A-Za-z0-9]")
_DOCKER_CONFIG = "${{ runner.temp }}/docker"
_NODE_KEYS = "${{ runner.temp }}/nodes"
# Started by hand, or by `drift: repair`: something is amiss, so every platform is asked for.
_VERIFY_CHILDREN = "${{ github.event_name == 'workflow_dispatch' && 'all' || '' }}"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Time limits in minutes; at ``engine``, the engine is interrupted and ends in order."""

    build: int = 45  # of a platform; components/tag_build.py hands it to the engine
    job: int = 45  # of a job that builds nothing, for each stack that it looks at
    gate: int = 5  # of a job that does nothing; its wait for reviewers does not count
    up: int = 355  # of many builds: nearly all that GitHub gives a job of its runners, 360
    engine: str = "340m"  # leaves a quarter of an hour for the other steps


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

OTHER_ENVIRONMENTS: Final = ("preview", "removals", "versions", "bases")
"""The environments beside the declared one, by the end of their names.

`preview` is that of the previews of pull requests: the declared one admits the declared branch
alone, and what a pull request's code is trusted with should be able to read and no more. The
reviewers of `removals` authorise removals; it holds no secret. `versions` is that of the job that
proposes releases, with an App of its own: the other one may push to the declared branch past its
rules. `bases` is that of the job that asks for new bases, where it has a login for it.
"""

PAGES_ENVIRONMENT: Final = "github-pages"
"""The environment of what publishes a site; GitHub makes it along with the site."""


def environment_for(github: GitHub, job: str) -> str:
    """Return the name of one of the other environments."""
    return f"{github.environment}-{job}"


def app_permissions() -> dict[str, str]:
    """Return what the App of the declared environment needs, as GitHub's API names it."""
    whole = {**_READING, **_WRITING}
    return {name.replace("-", "_"): level for name, level in whole.items()}


def files(
    declaration: Declaration,
    stack: str,
    templates: Mapping[str, str],
    stacks: Sequence[FleetStack] = (),
) -> dict[str, str]:
    """Return the text of each file by its path in the repository; none if GitHub is not declared.

    ``declaration`` is that of the whole fleet, which ``stack`` holds. ``stacks`` are those that it
    was split into, in their turn: then ``up`` has a job for each, which waits for those below it.
    ``templates`` is what `read_templates` returns. The workflows ``drift``
    and ``versions`` are there where their schedule is declared.

    :raises DeclarationError: when an action or an image is not pinned.
    """
    github = declaration.github
    if github is None:
        return {}
    found = environment(templates)
    common = {
        **_common(declaration, github, stack),
        "actions": {name: Verbatim(pin) for name, pin in pinned(templates, ACTIONS).items()},
        "images": pinned(templates, IMAGES),
        "go": _go(templates, github),
        "reading": _permissions(_READING),
        "settings": _settings(declaration, reading=True),
        # One job looks at all stacks in turn.
        "looking": min(LIMITS.job * max(len(stacks), 1), LIMITS.up),
    }
    up = {
        "node_secrets": node_secrets(declaration),
        "writing": _permissions(_WRITING),
        "group": f"fleet-{stack}",
        "jobs": up_jobs(declaration, github, stacks, _settings(declaration, reading=False)),
    }
    values: dict[str, dict[str, Any]] = {"preview": {}, "up": up}
    for job, line in declaration.schedules.items():
        proposing = _permissions(_PROPOSING)
        values[job] = {"cron": line, "group": f"fleet-{stack}-{job}", "proposing": proposing}
    texts = {
        f"{_WORKFLOWS}/{job}.yml": found.get_template(f"workflows/{job}.yml.jinja").render(
            common | own
        )
        for job, own in values.items()
    }
    texts[".github/dependabot.yml"] = found.get_template("dependabot.yml.jinja").render(common)
    return {path: f"{text.strip()}\n" for path, text in texts.items()}


def jobs_in(files: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Return the jobs of all workflows in ``files``."""
    workflows = (text for path, text in files.items() if path.startswith(_WORKFLOWS))
    return [job for text in workflows for job in yaml.safe_load(text)["jobs"].values()]


def given(
    declaration: Declaration, files: Mapping[str, str], environment: str
) -> tuple[list[str], list[str]]:
    """Return the names of the secrets and of the variables that a person gives ``environment``.

    They are those that its jobs in ``files`` take. The declared environment is given what is
    declared by the stack.
    """
    jobs = [job for job in jobs_in(files) if job.get("environment") == environment]
    taken = dict.fromkeys(_TAKEN.findall(json.dumps(jobs)))
    github = declaration.github
    own = github is not None and environment == github.environment
    declared = {*declaration.secrets, *declaration.variables} if own else set()
    secrets, variables = (
        [name for kind, name in taken if kind == each and name not in declared]
        for each in ("secrets", "vars")
    )
    return secrets, variables


def _common(declaration: Declaration, github: GitHub, stack: str) -> dict[str, Any]:
    return {
        "github": github,
        **{f"{job}_environment": environment_for(github, job) for job in OTHER_ENVIRONMENTS},
        "pages_environment": PAGES_ENVIRONMENT,
        "only_here": f"github.repository == '{github.repository}'",
        "builders": builders_of(declaration, github, declaration.by_name),
        "asks_backends": github.emulation and any(i.from_source for i in declaration.images),
        "stack": stack,
        "python": PYTHON,
        "limits": LIMITS,
        "ghcr": declaration.host == GHCR,
        "keyless": declaration.signing.keyless is not None,
        "logins": registry_logins(declaration),
        "building_logins": all_logins(declaration),
        "reading_logins": reading_logins(declaration),
        "reading_login": values_of(reading_logins(declaration)),
        "docker_config": _DOCKER_CONFIG,
        "node_keys": _NODE_KEYS,
        "verify_children": _VERIFY_CHILDREN,
    }


def _go(templates: Mapping[str, str], github: GitHub) -> str:
    """Return the Go that jobs with the engine need to build it; '' where all is downloaded."""
    known = published.parse(templates[str(published.RECORDED)])
    return lacking.WANTED if published.missing(known, github.architecture) else ""


def node_secrets(declaration: Declaration) -> dict[str, dict[str, str]]:
    """Return, by described node with certificates, the secret that holds each: ``cacert`` etc.

    A person gives them to the declared environment; the job ``up`` writes them to a folder of its
    own. A preview builds nothing and gets none: with them, one is root on the node.
    """
    return {
        name: {
            option: f"FLEET_NODE_{_CAPITALS.sub('_', name).upper()}_{option.upper()}"
            for option in KEY_OPTIONS
        }
        for name, node in declaration.nodes.items()
        if all(option in node.options for option in KEY_OPTIONS)
    }


def _settings(declaration: Declaration, *, reading: bool) -> dict[str, str]:
    """Return the environment of what calls the engine; with ``reading``, of what changes nothing.

    What is declared wins: a fleet may have a token of its own for its packages.
    """
    signing = (SIGNING_KEY,) if declaration.signing.keys else ()
    names = (*declaration.secrets, *signing, "PULUMI_CONFIG_PASSPHRASE")
    secrets = {name: f"${{{{ secrets.{name} }}}}" for name in names}
    logins = all_logins(declaration)
    # The App's token for the repository, and the job's own for the packages that it wrote.
    own = {
        "DOCKER_CONFIG": _DOCKER_CONFIG,
        "GITHUB_TOKEN": "${{ steps.app.outputs.token }}",
        "PULUMI_BACKEND_URL": "${{ vars.PULUMI_BACKEND_URL }}",
    }
    if declaration.host == GHCR:
        own[_REMOVING] = "${{ github.token }}"
    if reading:
        logins = registry_logins(declaration)
        building = values_of(all_logins(declaration)).keys() - values_of(logins).keys()
        kept = {*secrets} - {_REMOVING, SIGNING_KEY} - building
        secrets = {name: value for name, value in secrets.items() if name in kept}
    else:
        own |= {"FLEET_NODE_KEYS": _NODE_KEYS} if node_secrets(declaration) else {}
        own |= {ATTESTING_TOKEN: "${{ github.token }}"} if declaration.signing.keyless else {}
    return {**own, **values_of(logins), **secrets}


def _permissions(needed: Mapping[str, str]) -> dict[str, str]:
    return {f"permission-{name}": level for name, level in needed.items()}
