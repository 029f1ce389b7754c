"""Configuration in, declaration out, or every problem at once with its path and remedy."""

from collections.abc import Mapping
from typing import Any, cast

from fleet import names, versions
from fleet.declaration import STALE_DEFAULTS, Declaration, Image, OnConflict, StalePolicy
from fleet.names import PointerKind
from fleet.problems import Problems
from fleet.reader import Fault, Reader, Rule, one_of, pattern

STACK_KEYS = (
    "registry", "builders", "defaults", "images", "protected", "on-conflict", "max-removals",
    "retention-days",
)  # fmt: skip
IMAGE_KEYS = (
    "title", "maintainer", "source", "licenses", "package", "extras", "requires", "pure",
    "pythons", "versions", "bases", "platforms", "pointers",
)  # fmt: skip

_DISTRIBUTION = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"  # PyPA names, without the extras
_EXTRAS = r"\[[A-Za-z0-9._-]+(?:,[A-Za-z0-9._-]+)*\]"
# What ends up in labels, Dockerfile arguments and pages: no quote, backslash, $, ` or control
# character, so that no later reader can take it for anything but text.
_PLAIN = pattern(
    r"[^\x00-\x1f\x7f\"'\\$`{}<>\[\]|]{1,200}",
    "has a character that is not allowed in declared text",
    "Leave out quotes, brackets, braces, $, `, | and line breaks, and stay within 200 characters",
)
_URL = pattern(
    r"https://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._~/-]*)?", "is no plain https URL", "Write https://…"
)
_PACKAGE = pattern(_DISTRIBUTION, "is no distribution name", "Write it as on PyPI: uvicorn")
_EXTRA = pattern(r"[A-Za-z0-9][A-Za-z0-9._-]*", "is no extra", "Write it as on PyPI: standard")
_REQUIRE = pattern(
    _DISTRIBUTION + f"(?:{_EXTRAS})?",
    "is no distribution name",
    "Write it as on PyPI, without a version (the lock holds that): gunicorn or gunicorn[gevent]",
)
_LICENSE = pattern(
    r"[A-Za-z0-9.+() -]{1,100}", "is no SPDX expression", "Write it as MIT or Apache-2.0"
)
_PYTHON = pattern(
    versions.PYTHON.pattern, "is no Python feature release", 'Write it in two parts: "3.13"'
)
_REPOSITORY = pattern(
    names.REPOSITORY.pattern,
    "is no repository name",
    "Use lower-case letters and digits, parted by . _ or -",
)
_BUILDER = pattern(
    r"[A-Za-z0-9][A-Za-z0-9_.-]*", "is no builder name", "Use a name that `docker buildx ls` shows"
)
_HIGHEST_PORT = 65535
_REGISTRY = pattern(
    names.REGISTRY.pattern,
    "is no registry and namespace",
    "Write host[:port]/namespace in lower case: ghcr.io/multi-py",
)
_POLICY = pattern(
    "remove|keep|remove after [1-9][0-9]{0,3} days",
    "is no known policy for stale pointers",
    "Write remove, keep, or remove after 90 days",
)
_BASE = one_of(names.BASES, "base")
_PLATFORM = one_of(names.PLATFORMS, "platform")


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
    registry = reader.text("registry", _registry)
    builders = _builders(reader)
    images = _images(reader)
    _note_missing_builders(images, builders, problems)
    conflicts = reader.inner("on-conflict")
    conflicts.only(("versions", "pointers"))
    conflict = one_of(("take-over", "refuse"), "answer to a conflict")
    declaration = Declaration(
        registry=registry,
        builders=builders,
        images=images,
        protected=reader.flag("protected", fallback=False),
        version_conflict=cast("OnConflict", conflicts.text("versions", conflict, "refuse")),
        pointer_conflict=cast("OnConflict", conflicts.text("pointers", conflict, "take-over")),
        max_removals=reader.share("max-removals", 0.5),
        retention_days=reader.days("retention-days", 30),
    )
    problems.raise_if_any(source)
    return declaration


def _builders(reader: Reader) -> dict[str, str]:
    inner = Reader(
        path=reader.at("builders"), values=reader.mapping("builders"), problems=reader.problems
    )
    inner.only(names.PLATFORMS)
    known = [platform for platform in inner.values if platform in names.PLATFORMS]
    return {platform: inner.text(platform, _BUILDER) for platform in known}


def _images(reader: Reader) -> tuple[Image, ...]:
    defaults = reader.mapping("defaults", {})
    Reader(path=reader.at("defaults"), values=defaults, problems=reader.problems).only(IMAGE_KEYS)
    entries = reader.mapping("images")
    images = []
    for name, entry in entries.items():
        path = f"{reader.at('images')}.{name}"
        _apply(_REPOSITORY, str(name), path, reader.problems)
        if not isinstance(entry, Mapping):
            reader.problems.add(path, "is not a mapping", "Write the image's keys below its name")
            continue
        Reader(path=path, values=entry, problems=reader.problems).only(IMAGE_KEYS)
        merged = Reader(path=path, values={**defaults, **entry}, problems=reader.problems)
        images.append(_image(str(name), merged))
    return tuple(images)


def _image(name: str, reader: Reader) -> Image:
    image = Image(
        name=name,
        title=reader.text("title", _PLAIN, name),
        maintainer=reader.text("maintainer", _PLAIN),
        source=reader.text("source", _URL),
        licenses=reader.text("licenses", _LICENSE, "MIT"),
        package=reader.text("package", _PACKAGE),
        extras=reader.texts("extras", _EXTRA, ()),
        requires=reader.texts("requires", _REQUIRE, ()),
        pure=reader.flag("pure", fallback=False),
        pythons=reader.texts("pythons", _PYTHON),
        versions=reader.texts("versions", _version),
        bases=reader.texts("bases", _BASE),
        platforms=reader.texts("platforms", _PLATFORM),
        pointers=_pointers(reader),
    )
    _note_collisions(image, reader)
    if "alpine" in image.bases and not image.pure:
        reader.problems.add(
            reader.at("bases"),
            "distributions that are compiled for glibc do not run on alpine",
            "Declare pure: true where all of them are pure Python, else leave alpine out",
        )
    return image


def _registry(text: str) -> Fault | None:
    fault = _REGISTRY(text)
    port = text.partition("/")[0].partition(":")[2]
    if fault is None and port and not 1 <= int(port) <= _HIGHEST_PORT:
        return Fault(f"{text!r} has no port that can be", "Use one from 1 to 65535")
    return fault


def _version(text: str) -> Fault | None:
    if versions.parse(text) is None:
        return Fault(
            f"{text!r} is no canonical PEP 440 version that can stand in a tag",
            "Write it as PyPI normalises it, without epoch or local part: 0.34.0",
        )
    if not names.is_tag_length(f"py3.99-alpine-{text}"):
        return Fault(f"{text!r} makes a tag of over 128 characters", "Declare a shorter version")
    return None


def _pointers(reader: Reader) -> dict[PointerKind, StalePolicy]:
    inner = Reader(
        path=reader.at("pointers"),
        values=reader.mapping(
            "pointers", {str(kind): policy for kind, policy in STALE_DEFAULTS.items()}
        ),
        problems=reader.problems,
    )
    inner.only(names.POINTER_KINDS)
    return {
        kind: StalePolicy(inner.text(kind, _POLICY))
        for kind in names.POINTER_KINDS
        if kind in inner.values
    }


def _note_collisions(image: Image, reader: Reader) -> None:
    """Note version tags in the form of a declared pointer: they could be removed as one."""
    for index, version in enumerate(image.versions):
        ends = names.lines(version) if version else {}
        for kind in image.pointers:
            if version and ends.get(kind) == version:
                reader.problems.add(
                    f"{reader.at('versions')}[{index}]",
                    f"the tag of version {version!r} collides with the {kind} pointer {version!r}",
                    f"Leave the version out, or {kind} out of {reader.at('pointers')}",
                )


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


def _apply(rule: Rule, text: str, path: str, problems: Problems) -> None:
    fault = rule(text)
    if fault:
        problems.add(path, fault.what, fault.remedy)
