"""Configuration in, declaration out, or every problem at once with its path and remedy."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fleet.declaration.advisories import parse_advisories
from fleet.declaration.base_graph import note_faults
from fleet.declaration.builder_nodes import parse_nodes
from fleet.declaration.github import parse_github
from fleet.declaration.logins import parse_logins
from fleet.declaration.mirrors import parse_mirrors
from fleet.declaration.model import PYPI, Declaration, Image
from fleet.declaration.parse_image import parse_image
from fleet.declaration.pins import note_pins_below
from fleet.declaration.problems import Problems
from fleet.declaration.schema import STACK, sound
from fleet.declaration.signing import parse_signing
from fleet.declaration.tags import is_embedded

READABLE_BY_ALL = (
    "would be readable by all: the registry is on this machine, so that the stack's passphrase is "
    "empty, and its file is committed"
)
READABLE_BY_ALL_REMEDY = "Take it out, and give it to a stack whose registry is elsewhere"

_COOLDOWN: Final = 7
"""Days in which most malicious releases were found and taken down."""


def parse(
    config: Mapping[str, Any], source: str = "", found: Problems | None = None
) -> Declaration:
    """Return the declaration in ``config``, a stack's values with their ``fleet:`` cut off.

    :raises DeclarationError: with every problem, after those ``found`` before; ``source`` names
        the file in it.
    """
    problems = found or Problems()
    values = sound(config, STACK, "fleet:", problems)
    registry, base_registry = values.get("registry", ""), values.get("base-registry", "")
    mirrors = parse_mirrors(values.get("mirrors", ()), registry, problems)
    builders = values.get("builders", {})
    images = tuple(_images(values, config, problems))
    if problems.is_sound("fleet:builders"):
        _note_missing_builders(images, builders, problems)
    note_faults(images, problems)
    if not problems.found:
        note_pins_below({image.name: image for image in images}, problems)
    conflicts = values.get("on-conflict", {})
    github = parse_github(values.get("github"), problems)
    # Where nobody looks at what comes in, releases always wait.
    cooldown = _COOLDOWN if github and github.versions == "merge" else 0
    declaration = Declaration(
        registry=registry,
        mirrors=mirrors,
        base_registry=base_registry,
        builders=builders,
        nodes=parse_nodes(values.get("builder-nodes", {}), builders, problems),
        logins=parse_logins(
            values.get("logins", {}), registry, base_registry, [m.host for m in mirrors], problems
        ),
        signing=parse_signing(
            values.get("signing"), github, problems, local=is_embedded(registry.partition("/")[0])
        ),
        images=images,
        share=None,
        schedules=values.get("schedules", {}),
        secrets=values.get("secrets", ()),
        variables=values.get("variables", {}),
        github=github,
        protected=values.get("protected", False),
        version_conflict=conflicts.get("versions", "refuse"),
        pointer_conflict=conflicts.get("pointers", "take-over"),
        pointers_stay=values.get("on-destroy", {}).get("pointers") == "keep",
        max_removals=values.get("max-removals", 0.5),
        retention_days=values.get("retention-days", 30),
        index=values.get("index", PYPI),
        cooldown_days=values.get("cooldown-days", cooldown),
        advisories=parse_advisories(values.get("advisories")),
        whole_check=values.get("whole-check", ""),
    )
    _note_useless_secrets(declaration, problems)
    problems.raise_if_any(source)
    return declaration


def _images(
    values: Mapping[str, Any], config: Mapping[str, Any], problems: Problems
) -> Iterator[Image]:
    """Yield each image with what is sound of its own and of the common ``values``."""
    common = values.get("defaults", {})
    shared = config["defaults"] if "defaults" in values else {}
    for name, own in values.get("images", {}).items():
        written = next(entry for key, entry in config["images"].items() if str(key) == name)
        places = {str(key): f"fleet:defaults.{key}" for key in shared}
        places |= {str(key): f"fleet:images.{name}.{key}" for key in written}
        inherited = {key: held for key, held in common.items() if key not in written}
        yield parse_image(name, inherited | own, places, problems)


def _note_useless_secrets(declaration: Declaration, problems: Problems) -> None:
    """Note secrets for no repository, and those that the empty passphrase would hide."""
    if declaration.github and declaration.secrets and declaration.is_local:
        problems.add("fleet:secrets", READABLE_BY_ALL, READABLE_BY_ALL_REMEDY)
    what = "are for a repository on GitHub, and none is declared"
    for key, declared in (("secrets", declaration.secrets), ("variables", declaration.variables)):
        if declared and not declaration.github:
            problems.add(f"fleet:{key}", what, "Declare fleet:github, or take them out")


def _note_missing_builders(
    images: tuple[Image, ...], builders: Mapping[str, str], problems: Problems
) -> None:
    wanted = {platform for image in images for platform in image.platforms if platform}
    for platform in sorted(wanted - builders.keys()):
        problems.add(
            f"fleet:builders.{platform}",
            f"no builder is declared for {platform}, which images ask for",
            "Name a buildx builder for it",
        )
