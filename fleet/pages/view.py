"""What a page shows of one image, by its declaration, its plan and what was published."""

from collections.abc import Iterator, Mapping
from typing import Any

from fleet.declaration import tags as names
from fleet.declaration import versions
from fleet.declaration.distributions import normalised
from fleet.declaration.model import Declaration, Image
from fleet.lock.model import Lifetime, pinned_versions
from fleet.lock.official_bases import short
from fleet.plan.plan import ImagePlan, VersionTag
from fleet.plan.pointers import Pointer
from fleet.units import in_units

Rows = Mapping[str, Mapping[str, Any]]
"""The row of each version tag and pointer by full reference, as a run left it.

It has a ``digest``, empty where its resource failed; that of a version tag also ``platforms`` and
``size``, in bytes of all platforms.
"""


def rows(outputs: Mapping[str, Any]) -> Rows:
    """Return those of a stack's ``outputs`` ``tags`` and ``pointers`` (:mod:`components.fleet`)."""
    found = (row for kind in ("tags", "pointers") for row in outputs.get(kind) or ())
    return {str(row["tag"]): row for row in found}


def image_view(
    image: Image,
    plan: ImagePlan,
    declaration: Declaration,
    published: Rows | None,
    lives: Mapping[str, Lifetime],
) -> dict[str, Any]:
    """Return what the templates of ``image`` show; ``published`` is None where that is not known.

    What was not published is not among ``tags`` and ``pointers``. ``conditions`` are those on
    what comes along, by distribution. ``releases`` and ``drift`` are the cron lines by which these
    are looked for, or empty where no schedule is declared. ``lives`` are lifetimes by Python.
    """

    def is_there(tag: str) -> bool:
        ref = f"{plan.repository}:{tag}"
        return published is None or (ref in published and bool(published[ref]["digest"]))

    tags = _newest_first(plan.tags)
    shown = [tag for tag in tags if is_there(tag.tag)]
    pointers = [pointer for pointer in plan.pointers if is_there(pointer.tag)]
    return {
        "declared": image,
        "repository": plan.repository,
        "mirrors": [mirror.repository for mirror in plan.mirrors],
        "versions": versions.newest_first(image.versions),
        "tags": [_tag_row(tag, plan, published) for tag in shown],
        "pointers": list(_pointer_rows(shown, pointers)),
        "pythons": list(_python_rows(tags, image, declaration, lives)),
        "conditions": _conditions(image),
        "variants": list(_variants(shown, pointers)),
        "policy": {kind: str(policy) for kind, policy in image.pointers.items()},
        "releases": declaration.schedules.get("versions", ""),
        "drift": declaration.schedules.get("drift", ""),
    }


def _newest_first(tags: tuple[VersionTag, ...]) -> list[VersionTag]:
    """Return ``tags`` by Python and version, bases as they are declared."""
    bases = list(dict.fromkeys(tag.base for tag in tags))
    pythons = versions.newest_first({tag.python for tag in tags})
    numbers = versions.newest_first({tag.version for tag in tags})
    return sorted(
        tags,
        key=lambda t: (pythons.index(t.python), bases.index(t.base), numbers.index(t.version)),
    )


def _tag_row(tag: VersionTag, plan: ImagePlan, published: Rows | None) -> dict[str, Any]:
    if published is None:
        return {"tag": tag.tag, "digest": "", "platforms": tag.platforms, "size": ""}
    row = published[f"{plan.repository}:{tag.tag}"]
    return {**row, "tag": tag.tag, "size": in_units(int(row["size"]))}


def _pointer_rows(tags: list[VersionTag], pointers: list[Pointer]) -> Iterator[dict[str, Any]]:
    """Yield each version tag that pointers name, with these."""
    for tag in tags:
        naming = [str(pointer.tag) for pointer in pointers if pointer.target == tag.tag]
        if naming:
            yield {"target": tag.tag, "pointers": naming}


def _conditions(image: Image) -> dict[str, str]:
    """Return what is required with a condition, as it is declared, by normalised names."""
    pairs = zip(image.required.items(), image.requires, strict=True)
    return {name: text for (name, condition), text in pairs if condition}


def _python_rows(
    tags: list[VersionTag], image: Image, declaration: Declaration, lives: Mapping[str, Lifetime]
) -> Iterator[dict[str, Any]]:
    """Yield each Python, its versions of the package, and what comes along with the newest.

    With it, until when it is maintained, as far as that is known. What comes along is
    ``name version`` of what the declaration names, not all that is in the image.
    """
    below = declaration.by_name.get(image.builds_on)
    named = (*((normalised(below.package),) if below else ()), *image.required)
    for python in dict.fromkeys(tag.python for tag in tags):
        mine = [tag for tag in tags if tag.python == python]
        numbers = versions.newest_first({tag.version for tag in mine})
        newest = next(tag for tag in mine if tag.version == numbers[0])
        held = pinned_versions(next(iter(newest.builds[0].contents.values())).everything)
        along = [f"{name} {held[name]}" for name in named if name in held]
        yield {"python": python, "versions": numbers, "along": along, "life": lives.get(python)}


def _variants(tags: list[VersionTag], pointers: list[Pointer]) -> Iterator[dict[str, Any]]:
    """Yield each base of ``tags``, newest first as they are, with a tag for the page's examples.

    Both are of the newest Python that the base has; a pointer is the better example.
    """
    for base in (base for base in names.BASES if any(tag.base == base for tag in tags)):
        newest = next(tag for tag in tags if tag.base == base)
        latest = names.tag(newest.python, base, "LATEST")
        official = newest.builds[0].lowest.arguments["BASE_NAME"]
        yield {
            "base": base,
            "python": newest.python,
            "starts_from": short(official),
            "example": latest if any(p.tag == latest for p in pointers) else newest.tag,
        }
