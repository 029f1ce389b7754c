"""Stack files for a fleet that has outgrown one stack: a stack an image, one declaration."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from fleet.declaration.model import Declaration, Image

_HEADER = """\
# yaml-language-server: $schema=docs/declaration.schema.json

# A part of the fleet that Pulumi.{whole}.yaml declares; all there is to say is there.
"""
_FLEET = "fleet:"
_SECRETS = "secrets:"


def stack_files(
    declaration: Declaration, stack: str, written: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Return the text of each share's stack file by its name: ``Pulumi.<stack>-<image>.yaml``.

    Where a repository on GitHub is declared, a share without images looks after it. ``written`` is
    what stands in the file of ``stack``: how its secrets are encrypted goes into each share, so
    that what is encrypted can be read there; values of other namespaces as well, and those of
    ``secrets:`` into the share that gives them to GitHub.
    """
    beside = written or {}
    files = {}
    for image in declaration.images:
        lines = [f"  fleet:only: [{image.name}]\n", *_below(image, stack)]
        files[f"Pulumi.{stack}-{image.name}.yaml"] = _text(stack, lines, beside, secrets=False)
    if declaration.github:
        lines = ["  fleet:with-github: true\n"]
        name = github_stack(declaration, stack)
        files[f"Pulumi.{name}.yaml"] = _text(stack, lines, beside, secrets=True)
    return files


def github_stack(declaration: Declaration, stack: str) -> str:
    """Return the name of the share that looks after GitHub, which is no image's."""
    name = "github"
    while name in declaration.by_name:
        name += "-part"
    return f"{stack}-{name}"


def _below(image: Image, stack: str) -> list[str]:
    if not image.builds_on:
        return []
    return ["  fleet:below:\n", f"    {image.builds_on}: {stack}-{image.builds_on}\n"]


def _text(stack: str, lines: list[str], written: Mapping[str, Any], *, secrets: bool) -> str:
    around = {key: value for key, value in written.items() if key != "config"}
    values = dict(_others(written.get("config") or {}, secrets=secrets))
    return "".join(
        [
            _HEADER.format(whole=stack),
            _yaml(around),
            "config:\n",
            f"  fleet:part-of: {stack}\n",
            *lines,
            *(f"  {line}\n" for line in _yaml(values).splitlines()),
        ]
    )


def _others(config: Mapping[str, Any], *, secrets: bool) -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if not key.startswith(_FLEET) and (secrets or not key.startswith(_SECRETS)):
            yield key, value


def _yaml(values: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(values), sort_keys=False, width=1000) if values else ""
