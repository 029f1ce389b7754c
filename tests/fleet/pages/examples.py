"""A stack that declares its repository on GitHub, and its rendered files."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fleet.checkout.page_texts import read_templates
from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.split import FleetStack, in_turn
from fleet.declaration.stack_share import ShareConfig
from fleet.github.render import workflows
from fleet.local.toolchain import published
from tests.fleet.examples import PLATFORMS, config, image

TEMPLATES = read_templates(Path(__file__).parents[3])
WITH_NODE: dict[str, Any] = {
    "builders": {**dict.fromkeys(PLATFORMS, "hosted"), PLATFORMS[1]: "arm-1"},
    "builder-nodes": {
        "arm-1": {
            "driver": "remote",
            "endpoint": "tcp://arm.example.org:1234",
            "options": {
                "cacert": "/tmp/node/ca.pem",
                "cert": "/tmp/node/client.pem",
                "key": "/tmp/node/client.key",
            },
        }
    },
}
LOGINS: dict[str, dict[str, Any]] = {
    "ghcr.io": {"username": "OUR_USER", "password": "OUR_WORD"},
    "docker.io": {"username": "PULL_USER", "password": "PULL_WORD", "read": True},
}
WORKFLOWS = ("preview", "up", "drift", "versions")


def declared(**overrides: Any) -> Declaration:
    """Everything that the templates have a part for; ``overrides`` are of the stack's keys."""
    values = {
        "registry": "ghcr.io/multi-py",
        "builders": dict.fromkeys(PLATFORMS, "hosted"),
        "schedules": {"drift": "17 4 * * *", "versions": "*/20 * * * *"},
        "secrets": ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
        "github": {"repository": "multi-py/fleet", "drift": "repair", "pages": True},
        **overrides,
    }
    return parse(config(**values))


def rendered(**overrides: Any) -> dict[str, str]:
    """The files of such a stack called prod."""
    return workflows.files(declared(**overrides), "prod", TEMPLATES)


def downloading(*platforms: str) -> dict[str, str]:
    """The files of such a stack where all that its jobs need of Pulumi is recorded for these."""
    addresses = (each for p in platforms for each in published.addresses(("linux", p)))
    lines = (f"{'0' * 64}  {published.name_of(address)}\n" for address in addresses)
    recorded = {str(published.RECORDED): "".join(lines)}
    return workflows.files(declared(), "prod", {**TEMPLATES, **recorded})


def stacks_of(declaration: Declaration) -> tuple[FleetStack, ...]:
    """A stack per image of such a fleet, and one for the repository."""
    shares = {
        f"prod-{image.name}": ShareConfig(
            whole="prod",
            only=(image.name,),
            below={image.builds_on: f"prod-{image.builds_on}"} if image.builds_on else {},
            github=False,
        )
        for image in declaration.images
    }
    last = ShareConfig(whole="prod", only=(), below={}, github=True)
    return in_turn(declaration, {**shares, "prod-github": last})


def split(**overrides: Any) -> dict[str, str]:
    """The files of a fleet of three images, two of which build on each other, in four stacks."""
    images = {
        "top": image(**{"builds-on": "base"}),
        "lone": image(platforms=["linux/amd64"]),
        "base": image(package="gunicorn"),
    }
    whole = declared(images=images, **overrides)
    return workflows.files(whole, "prod", TEMPLATES, stacks_of(whole))


@cache
def variants() -> dict[str, dict[str, str]]:
    """Files of stacks that between them take each way through the templates."""
    return {
        "all": rendered(),
        "elsewhere": rendered(registry="registry.example.com/team", secrets=[]),
        "no-emulation": rendered(
            github={"repository": "a/b", "emulation": False, "runner": "ubuntu-24.04-arm"}
        ),
        "own-runner": rendered(
            github={"repository": "a/b", "runner": "big", "check-runner": "small"}, **WITH_NODE
        ),
        "from-source": rendered(images={"web": image(**{"from-source": ["odd"]})}),
        "downloading": downloading("amd64"),
        "no-schedules": rendered(schedules={}),
        "node": rendered(**WITH_NODE),
        "logins": rendered(logins=LOGINS),
        "keyless": rendered(signing={"keyless": {}}),
        "split-keyless": split(signing={"keyless": {}}),
        "split-logins": split(logins=LOGINS),
        "split": split(),
        "split-elsewhere": split(registry="registry.example.com/team", secrets=[]),
    }


def workflow(name: str, files: dict[str, str] | None = None) -> Any:
    """A workflow as YAML; its key ``on`` is read as the truth value that YAML 1.1 sees in it."""
    return yaml.safe_load((files or rendered())[f".github/workflows/{name}.yml"])


def steps(name: str, files: dict[str, str] | None = None, job: str = "") -> list[dict[str, Any]]:
    """The steps of a workflow's job, by default that of its own name."""
    found: list[dict[str, Any]] = workflow(name, files)["jobs"][job or name]["steps"]
    return found


def runs(files: dict[str, str]) -> list[str]:
    """Return what the steps of all workflows give to a shell."""
    found = (yaml.safe_load(text) for path, text in files.items() if "/workflows/" in path)
    jobs = (job for made in found for job in made["jobs"].values())
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]
