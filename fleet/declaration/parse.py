"""Configuration in, declaration out, or every problem at once with its path and remedy."""

from collections.abc import Mapping
from typing import Any, cast

from fleet.declaration import tags as names
from fleet.declaration import validators
from fleet.declaration.base_graph import note_faults
from fleet.declaration.builder_nodes import nodes
from fleet.declaration.config_reader import Reader, one_of
from fleet.declaration.github import GitHub, parse_github
from fleet.declaration.logins import is_embedded, parse_logins
from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import EVERYWHERE, PYPI, Declaration, Image, OnConflict
from fleet.declaration.parse_image import GONE_IMAGE_KEYS, IMAGE_KEYS, parse_image
from fleet.declaration.problems import Problems
from fleet.declaration.version_consistency import note_two_versions

STACK_KEYS = (
    "registry", "builders", "builder-nodes", "defaults", "images", "schedules", "secrets",
    "variables", "github", "protected", "on-conflict", "on-destroy", "max-removals",
    "retention-days", "index", "cooldown-days", "whole-check", "logins",
)  # fmt: skip
SCHEDULES = ("drift", "versions")
"""The jobs that run by the clock."""

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
    builders = _builders(reader)
    images = _images(reader)
    _note_missing_builders(images, builders, problems)
    _note_long_builders(images, builders, problems)
    note_faults(images, problems)
    if not problems.found:
        for image in images:
            note_two_versions(image, {i.name: i for i in images}, None, problems)
    conflicts = reader.inner("on-conflict")
    conflicts.only(("versions", "pointers"))
    parting = reader.inner("on-destroy")
    parting.only(("pointers",))
    github = parse_github(reader)
    declaration = Declaration(
        registry=registry,
        builders=builders,
        nodes=nodes(reader, builders),
        logins=parse_logins(reader, registry),
        images=images,
        share=None,
        schedules=_schedules(reader),
        secrets=reader.texts("secrets", validators.SECRET, ()),
        variables=_variables(reader),
        github=github,
        protected=reader.flag("protected", fallback=False),
        version_conflict=cast(
            "OnConflict", conflicts.text("versions", validators.CONFLICT, "refuse")
        ),
        pointer_conflict=cast(
            "OnConflict", conflicts.text("pointers", validators.CONFLICT, "take-over")
        ),
        pointers_stay=parting.text("pointers", validators.PARTING, "remove") == "keep",
        max_removals=reader.share("max-removals", 0.5),
        retention_days=reader.whole("retention-days", 30),
        index=reader.text("index", validators.INDEX, PYPI),
        cooldown_days=_cooldown(reader, github),
        whole_check=_whole_check(reader),
    )
    _note_idle_secrets(declaration, problems)
    _note_open_secrets(declaration, problems)
    problems.raise_if_any(source)
    return declaration


def _cooldown(reader: Reader, github: GitHub | None) -> int:
    """Return the days that a release waits: some always, where nobody looks at what comes in."""
    if "cooldown-days" in reader.values:
        return reader.whole("cooldown-days", _COOLDOWN)
    return _COOLDOWN if github and github.versions == "merge" else 0


def _whole_check(reader: Reader) -> str:
    if "whole-check" not in reader.values:
        return ""
    return reader.text("whole-check", one_of(_WHOLE, "platform"))


def _note_idle_secrets(declaration: Declaration, problems: Problems) -> None:
    if declaration.github is not None:
        return
    what = "are for a repository on GitHub, and none is declared"
    for key, declared in (("secrets", declaration.secrets), ("variables", declaration.variables)):
        if any(declared):
            problems.add(f"fleet:{key}", what, "Declare fleet:github, or take them out")


def _note_open_secrets(declaration: Declaration, problems: Problems) -> None:
    """Note secrets of a registry on this machine, whose stack has the empty passphrase."""
    local = is_embedded(declaration.host)
    if declaration.secrets and declaration.github is not None and local:
        problems.add("fleet:secrets", READABLE_BY_ALL, READABLE_BY_ALL_REMEDY)


def _builders(reader: Reader) -> dict[str, str]:
    inner = Reader(
        path=reader.at("builders"), values=reader.mapping("builders"), problems=reader.problems
    )
    inner.only(names.PLATFORMS)
    known = [platform for platform in inner.values if platform in names.PLATFORMS]
    return {platform: inner.text(platform, validators.BUILDER) for platform in known}


def _schedules(reader: Reader) -> dict[str, str]:
    inner = reader.inner("schedules")
    inner.only(SCHEDULES)
    return {job: inner.text(job, validators.cron_line) for job in SCHEDULES if job in inner.values}


def _variables(reader: Reader) -> dict[str, str]:
    inner = reader.inner("variables")
    for name in inner.values:
        fault = validators.SECRET(str(name))
        if fault:
            what = fault.what.replace("secret", "variable")
            reader.problems.add(inner.at(str(name)), what, fault.remedy)
    return {str(name): inner.text(str(name), validators.VARIABLE) for name in inner.values}


def _images(reader: Reader) -> tuple[Image, ...]:
    defaults = reader.mapping("defaults", {})
    common = Reader(path=reader.at("defaults"), values=defaults, problems=reader.problems)
    common.only(IMAGE_KEYS, GONE_IMAGE_KEYS)
    entries = reader.mapping("images")
    images = []
    for name, entry in entries.items():
        path = f"{reader.at('images')}.{name}"
        fault = validators.REPOSITORY(str(name))
        if fault:
            reader.problems.add(path, fault.what, fault.remedy)
        if not isinstance(entry, Mapping):
            reader.problems.add(path, "is not a mapping", "Write the image's keys below its name")
            continue
        Reader(path=path, values=entry, problems=reader.problems).only(IMAGE_KEYS, GONE_IMAGE_KEYS)
        inherited = {key: common.at(str(key)) for key in defaults if key not in entry}
        merged = Reader(
            path=path,
            values={**defaults, **entry},
            problems=reader.problems,
            inherited=inherited,
        )
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


def _note_long_builders(
    images: tuple[Image, ...], builders: Mapping[str, str], problems: Problems
) -> None:
    """Note builders with names too long for the tag of a build, where a tag has one for each."""
    found: dict[str, names.Tag] = {}
    for image in images:
        own = {builders[p] for p in image.platforms if builders.get(p)}
        tags = [tag for each in matrix_entries(image) if names.is_tag_length(tag := each.tag)]
        for builder in own if len(own) > 1 and tags else ():
            tag = names.build_tag(max(tags, key=len), builder)
            found[builder] = max(tag, found.get(builder, tag), key=len)
    for builder, tag in sorted(found.items()):
        if not names.is_tag_length(tag):
            platform = next(p for p, name in builders.items() if name == builder)
            what = f"builds get the tag {tag}, of over 128 characters"
            remedy = "Name a builder with a shorter name, or one for all platforms"
            problems.add(f"fleet:builders.{platform}", what, remedy)
