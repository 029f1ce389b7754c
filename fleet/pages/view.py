"""What a page says of one image, computed from its declaration, its plan and what was published."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fleet.declaration import tags as names
from fleet.declaration import versions
from fleet.declaration.distributions import normalised
from fleet.declaration.model import Declaration, Image
from fleet.declaration.tags import PointerKind
from fleet.lock.model import pinned_versions
from fleet.pages.published import Published
from fleet.plan.plan import ImagePlan, VersionTag
from fleet.plan.platform_build import TagBuild
from fleet.plan.pointers import Pointer
from fleet.units import in_units

_OFFICIAL = "docker.io/library/"


@dataclass(frozen=True, kw_only=True)
class TagRow:
    """A row of the tags' table; ``digest`` and ``size`` are empty where nothing was published."""

    tag: str
    digest: str
    platforms: tuple[str, ...]
    size: str


@dataclass(frozen=True, kw_only=True)
class PointerRow:
    """A version tag, and the pointers that name it."""

    target: str
    pointers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PythonRow:
    """A Python, its versions of the package from the newest, and what comes along with the newest.

    ``along`` are ``name version`` of what the declaration names, not all that is in the image.
    """

    python: str
    versions: tuple[str, ...]
    along: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A base: what it starts from, and ``example``, the tag of it that the page's examples use.

    They are of ``python``, the newest that the base has.
    """

    base: str
    python: str
    starts_from: str
    example: str


@dataclass(frozen=True, kw_only=True)
class ImageView:
    """All that a page of ``declared`` shows. What was not published is not among ``tags``.

    ``releases`` and ``drift`` are the cron lines by which these are looked for, or empty where no
    schedule is declared.
    """

    declared: Image
    repository: str
    tags: tuple[TagRow, ...]
    pointers: tuple[PointerRow, ...]
    pythons: tuple[PythonRow, ...]
    variants: tuple[Variant, ...]
    policy: Mapping[PointerKind, str]
    releases: str
    drift: str

    @property
    def versions(self) -> list[str]:
        """The declared versions of the package, from the newest."""
        return versions.newest_first(self.declared.versions)


def image_view(
    image: Image, plan: ImagePlan, declaration: Declaration, published: Published | None
) -> ImageView:
    """Return what a page says of ``image``; ``published`` is ``None`` where that is not known."""
    tags = _newest_first(plan.tags)
    shown = [tag for tag in tags if _is_there(tag.tag, plan, published)]
    pointers = tuple(p for p in plan.pointers if _is_there(p.tag, plan, published))
    return ImageView(
        declared=image,
        repository=plan.repository,
        tags=tuple(_tag_row(tag, plan, published) for tag in shown),
        pointers=tuple(_pointer_rows(shown, pointers)),
        pythons=tuple(_python_rows(tags, image, declaration)),
        variants=tuple(_variants(shown, pointers)),
        policy={kind: str(policy) for kind, policy in image.pointers.items()},
        releases=declaration.schedules.get("versions", ""),
        drift=declaration.schedules.get("drift", ""),
    )


def _is_there(tag: str, plan: ImagePlan, published: Published | None) -> bool:
    return published is None or published.has(f"{plan.repository}:{tag}")


def _newest_first(tags: tuple[VersionTag, ...]) -> list[VersionTag]:
    """Return ``tags`` by Python and version, bases as they are declared."""
    bases = list(dict.fromkeys(tag.base for tag in tags))
    pythons = versions.newest_first({tag.python for tag in tags})
    numbers = versions.newest_first({tag.version for tag in tags})
    return sorted(
        tags,
        key=lambda t: (pythons.index(t.python), bases.index(t.base), numbers.index(t.version)),
    )


def _tag_row(tag: VersionTag, plan: ImagePlan, published: Published | None) -> TagRow:
    found = published.tags[f"{plan.repository}:{tag.tag}"] if published else None
    return TagRow(
        tag=tag.tag,
        digest=found.digest if found else "",
        platforms=found.platforms if found else tag.platforms,
        size=in_units(found.size) if found else "",
    )


def _pointer_rows(tags: list[VersionTag], pointers: tuple[Pointer, ...]) -> Iterator[PointerRow]:
    for tag in tags:
        naming = tuple(str(pointer.tag) for pointer in pointers if pointer.target == tag.tag)
        if naming:
            yield PointerRow(target=tag.tag, pointers=naming)


def _python_rows(
    tags: list[VersionTag], image: Image, declaration: Declaration
) -> Iterator[PythonRow]:
    below = declaration.by_name.get(image.builds_on)
    named = (*((below.package,) if below else ()), *image.requires)
    for python in dict.fromkeys(tag.python for tag in tags):
        mine = [tag for tag in tags if tag.python == python]
        numbers = versions.newest_first({tag.version for tag in mine})
        newest = next(tag for tag in mine if tag.version == numbers[0])
        first = next(iter(newest.builds[0].contents.values()))
        held = pinned_versions(first.everything)
        along = ((normalised(name), held.get(normalised(name))) for name in named)
        yield PythonRow(
            python=python,
            versions=tuple(numbers),
            along=tuple(f"{name} {version}" for name, version in along if version),
        )


def _variants(tags: list[VersionTag], pointers: tuple[Pointer, ...]) -> Iterator[Variant]:
    """Yield each base of ``tags``, newest first as they are; a pointer is the better example."""
    for base in (base for base in names.BASES if any(tag.base == base for tag in tags)):
        newest = next(tag for tag in tags if tag.base == base)
        latest = names.tag(newest.python, base, "LATEST")
        yield Variant(
            base=base,
            python=newest.python,
            starts_from=_lowest(newest.builds[0]).arguments["BASE_NAME"].removeprefix(_OFFICIAL),
            example=latest if any(p.tag == latest for p in pointers) else newest.tag,
        )


def _lowest(build: TagBuild) -> TagBuild:
    return _lowest(build.below) if build.below else build
