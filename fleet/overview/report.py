"""All that ``make plan`` prints: each image with its tables, what left, and the sum."""

import re
from collections.abc import Iterator

from fleet.declaration.model import Declaration, Image
from fleet.declaration.tags import pointer_pattern
from fleet.overview.notes import Notes, wrapped
from fleet.overview.predict import Foresight, ImageForesight, Undeclared
from fleet.overview.table import Look, tables
from fleet.overview.words import below, contents, counted, short
from fleet.plan.plan import ImagePlan
from providers.ociregistry.report import counts

_LEGEND = (
    "= unchanged; re-point, the name moves without a build; - no such tag; [n] see below the table"
)
_ELSEWHERE = (
    "What somebody changed in the registry since the last refresh, and stale pointers that no "
    "state knows, are known only there: make preview asks it."
)
_LEFT = "No longer declared; stay in the registry, no longer managed: "
_STALE = "No longer declared, policy {policy}: "
_ORPHANED = "No longer declared, removed with their image's declaration: "


def report(declaration: Declaration, found: Foresight, lacking: str, look: Look) -> str:
    """Return the whole text; ``lacking`` says why there is no state to compare with, if so."""
    images = len(found.images)
    versions = sum(len(image.versions) for image in found.images)
    title = f"{declaration.registry}: {counted(images, 'image')}, {counted(versions, 'tag')}"
    head = [*wrapped(title, look.width), *wrapped(_LEGEND, look.width)]
    if lacking:
        head += wrapped(f"No state to compare with, so everything is new: {lacking}.", look.width)
    blocks = ["\n".join(head)]
    for image in found.images:
        blocks += _image(declaration.by_name[image.plan.name], declaration, image, look)
    for repository, undeclared in found.gone.items():
        lines = [repository, *_undeclared(undeclared, {}, look.width)]
        blocks.append("\n".join(lines))
    blocks.append("\n".join([*wrapped(_ELSEWHERE, look.width), *_sum(found, look.width)]))
    return "\n\n".join(blocks)


def _image(
    image: Image, declaration: Declaration, found: ImageForesight, look: Look
) -> Iterator[str]:
    yield heading(image, declaration, look)
    notes = Notes()
    yield from tables(image, found, look, notes)
    for lines in (
        notes.lines(look.width),
        _undeclared(found.undeclared, _policies(found.plan), look.width),
    ):
        text = "\n".join(lines)
        if text:
            yield text


def heading(image: Image, declaration: Declaration, look: Look) -> str:
    """Return what an image is built on, holds and runs on, in lines of the look's width."""
    platforms = f"{counted(len(image.platforms), 'platform')}: {short(image.platforms)}"
    return "\n".join(
        [
            *wrapped(f"{image.name}, built on {below(image, declaration)}", look.width),
            *wrapped(f"  {contents(image)}, for {platforms}", look.width),
        ]
    )


def _policies(image: ImagePlan) -> dict[str, str]:
    """Return what becomes of a stale pointer, by the pattern that its kind's tags match."""
    return {pointer_pattern(kind): str(policy) for kind, policy in image.policy.items()}


def _undeclared(found: Undeclared, policies: dict[str, str], width: int) -> Iterator[str]:
    """Yield lines on names that only the state knows; without policies, their image left too."""
    groups: dict[str, list[str]] = {_LEFT: list(found.versions)} if found.versions else {}
    for tag in found.pointers:
        fitting = (policy for form, policy in policies.items() if re.fullmatch(form, tag))
        policy = next(fitting, "keep")
        text = _STALE.format(policy=policy) if policies else _ORPHANED
        groups.setdefault(text, []).append(tag)
    for text, tags in groups.items():
        yield from wrapped(f"{text}{', '.join(tags)}", width)


def _sum(found: Foresight, width: int) -> list[str]:
    count = counts(entry for image in found.images for entry in image.entries)
    return wrapped(
        f"{count['build']} build, {count['re-point']} re-point, {count['unchanged']} unchanged",
        width,
    )
