"""Configuration in, declaration out, or every problem at once with its path and remedy."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast, get_args

from fleet.declaration import tags as names
from fleet.declaration import validators
from fleet.declaration.base_graph import note_faults
from fleet.declaration.builder_nodes import nodes
from fleet.declaration.config_reader import Reader, one_of
from fleet.declaration.github import parse_github
from fleet.declaration.logins import parse_logins
from fleet.declaration.model import EVERYWHERE, PYPI, Declaration, Image, OnConflict
from fleet.declaration.parse_image import IMAGE_KEYS, REMOVED_IMAGE_KEYS, parse_image
from fleet.declaration.problems import Problems
from fleet.declaration.signing import parse_signing
from fleet.declaration.version_consistency import note_two_versions

STACK_KEYS = (
    "registry", "builders", "builder-nodes", "defaults", "images", "schedules", "secrets",
    "variables", "github", "protected", "on-conflict", "on-destroy", "max-removals",
    "retention-days", "index", "cooldown-days", "whole-check", "logins", "base-registry",
    "signing",
)  # fmt: skip
SCHEDULES = ("drift", "versions")
"""The jobs that run by the clock."""

_CONFLICT = one_of(get_args(OnConflict), "answer to a conflict")
_WHOLE = (*names.PLATFORMS, EVERYWHERE)

READABLE_BY_ALL = (
    "would be readable by all: the registry is on this machine, so that the stack's passphrase is "
    "empty, and its file is committed"
)
READABLE_BY_ALL_REMEDY = "Take it out, and give it to a stack whose registry is elsewhere"

_COOLDOWN = 7
"""Days in which most malicious releases were found and taken down."""


def parse(
    config: Mapping[str, Any], source: str = "", found: Problems | None = None
) -> Declaration:
    """Return the declaration in ``config``, a stack's values with their ``fleet:`` cut off.

    :raises DeclarationError: with every problem, after those ``found`` before; ``source`` names
        the file in it.
    """
    problems = found or Problems()
    reader = Reader(path="fleet:", values=config, problems=problems)
    reader.only(STACK_KEYS)
    registry = reader.text("registry", validators.registry)
    base_registry = reader.optional("base-registry", validators.base_registry)
    builders = _builders(reader)
    images = _images(reader)
    _note_missing_builders(images, builders, problems)
    note_faults(images, problems)
    if not problems.found:
        for image in images:
            note_two_versions(image, {i.name: i for i in images}, None, problems)
    conflicts = reader.inner("on-conflict")
    conflicts.only(("versions", "pointers"))
    parting = reader.inner("on-destroy")
    parting.only(("pointers",))
    github = parse_github(reader)
    # Where nobody looks at what comes in, releases always wait.
    cooldown = _COOLDOWN if github and github.versions == "merge" else 0
    declaration = Declaration(
        registry=registry,
        base_registry=base_registry,
        builders=builders,
        nodes=nodes(reader, builders),
        logins=parse_logins(reader, registry, base_registry),
        signing=parse_signing(reader),
        images=images,
        share=None,
        schedules=_schedules(reader),
        secrets=reader.texts("secrets", validators.SECRET, ()),
        variables=_variables(reader),
        github=github,
        protected=reader.flag("protected", fallback=False),
        version_conflict=_conflict(conflicts, "versions", "refuse"),
        pointer_conflict=_conflict(conflicts, "pointers", "take-over"),
        pointers_stay=parting.text("pointers", validators.PARTING, "remove") == "keep",
        max_removals=reader.share("max-removals", 0.5),
        retention_days=reader.whole("retention-days", 30),
        index=reader.text("index", validators.INDEX, PYPI),
        cooldown_days=reader.whole("cooldown-days", cooldown),
        whole_check=reader.optional("whole-check", one_of(_WHOLE, "platform")),
    )
    _note_useless_secrets(declaration, problems)
    problems.raise_if_any(source)
    return declaration


def _conflict(reader: Reader, key: str, fallback: OnConflict) -> OnConflict:
    return cast("OnConflict", reader.text(key, _CONFLICT, fallback))


def _note_useless_secrets(declaration: Declaration, problems: Problems) -> None:
    """Note secrets for no repository, and those that the empty passphrase would hide."""
    if declaration.github and declaration.secrets and declaration.is_local:
        problems.add("fleet:secrets", READABLE_BY_ALL, READABLE_BY_ALL_REMEDY)
    what = "are for a repository on GitHub, and none is declared"
    for key, declared in (("secrets", declaration.secrets), ("variables", declaration.variables)):
        if any(declared) and not declaration.github:
            problems.add(f"fleet:{key}", what, "Declare fleet:github, or take them out")


def _builders(reader: Reader) -> dict[str, str]:
    inner = replace(reader.inner("builders"), values=reader.mapping("builders"))
    inner.only(names.PLATFORMS)
    known = [platform for platform in inner.values if platform in names.PLATFORMS]
    return {platform: inner.text(platform, validators.BUILDER) for platform in known}


def _schedules(reader: Reader) -> dict[str, str]:
    inner = reader.inner("schedules")
    inner.only(SCHEDULES)
    return {job: inner.text(job, validators.cron_line) for job in SCHEDULES if job in inner.values}


def _variables(reader: Reader) -> dict[str, str]:
    inner = reader.inner("variables")
    for name in map(str, inner.values):
        if fault := validators.SECRET(name):
            inner.note(name, fault.what.replace("secret", "variable"), fault.remedy)
    return {str(name): inner.text(str(name), validators.VARIABLE) for name in inner.values}


def _images(reader: Reader) -> tuple[Image, ...]:
    common = reader.inner("defaults")
    common.only(IMAGE_KEYS, REMOVED_IMAGE_KEYS)
    entries = reader.mapping("images")
    inner = replace(reader, path=reader.at("images"))
    images = []
    for name, entry in entries.items():
        if fault := validators.REPOSITORY(str(name)):
            inner.note(str(name), *fault)
        if not isinstance(entry, Mapping):
            inner.note(str(name), "is not a mapping", "Write the image's keys below its name")
            continue
        own = Reader(path=inner.at(str(name)), values=entry, problems=reader.problems)
        own.only(IMAGE_KEYS, REMOVED_IMAGE_KEYS)
        inherited = {key: common.at(str(key)) for key in common.values if key not in entry}
        values = {**common.values, **entry}
        merged = replace(own, values=values, inherited=inherited, elsewhere=common.path)
        images.append(parse_image(str(name), merged))
    return tuple(images)


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
