"""The catalog of a plan, with what the last run left of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from fleet.catalog.model import (
    AdvisoryEntry,
    BaseImage,
    Catalog,
    ImageEntry,
    Key,
    PointerTag,
    PythonLife,
    State,
    Tag,
)
from fleet.declaration import versions
from fleet.declaration.github import GitHub
from fleet.declaration.grouping import grouped
from fleet.declaration.model import Pin
from fleet.evidence.keys import PublicKey
from fleet.lock.model import pinned_versions
from fleet.lock.official_bases import short
from fleet.plan.plan import ImagePlan, Plan, VersionTag
from fleet.plan.pointers import Pointer
from fleet.registry.history import Move


@dataclass(frozen=True, kw_only=True)
class Left:
    """The results of runs: ``rows`` are the stack's outputs by reference, None without a state.

    A row has ``digest``, empty where its resource failed; that of a version tag also ``platforms``,
    ``size`` and ``verified``. ``evidence`` has by reference a digest and the kinds of statements
    that are signed of it. ``moves`` are by repository, oldest first.
    """

    rows: Mapping[str, Mapping[str, Any]] | None = None
    evidence: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    moves: Mapping[str, tuple[Move, ...]] = field(default_factory=dict)

    def state(self, ref: str) -> State:
        """Return what became of a reference in the last run."""
        if self.rows is None:
            return "unknown"
        row = self.rows.get(ref)
        if row is None:
            return "planned"
        return "published" if row["digest"] else "failed"

    def row(self, ref: str) -> Mapping[str, Any]:
        """Return the row of a reference; there is none of what is not published."""
        return (self.rows or {}).get(ref, {}) if self.state(ref) == "published" else {}


def catalog_of(plan: Plan, left: Left) -> Catalog:
    """Return the catalog of all images of ``plan``."""
    images = tuple(_image(image, plan, left) for image in plan.images)
    github = plan.declaration.github
    return Catalog(
        registry=plan.declaration.registry,
        url=site_of(github) if github and github.pages else "",
        updated=_updated(plan, images),
        keys=tuple(map(_key, plan.keys)),
        keyless=plan.keyless,
        images=tuple(sorted(images, key=lambda image: image.name)),
    )


def site_of(github: GitHub) -> str:
    """Return the address that GitHub Pages gives the site of a repository, in lower case.

    https://docs.github.com/en/pages/getting-started-with-github-pages/what-is-github-pages
    """
    host = f"{github.owner.lower()}.github.io"
    return f"https://{host}/" if github.name.lower() == host else f"https://{host}/{github.name}/"


def _key(spki: str) -> Key:
    key = PublicKey(spki=spki)
    return Key(hint=key.hint, pem=key.pem)


def _updated(plan: Plan, images: Iterable[ImageEntry]) -> str:
    """Return the instant of the newest move, or that of the newest commit where there is none."""
    moved = max((move.at for image in images for move in image.moves), default="")
    epoch = max((image.assets.epoch for image in plan.images), default=0)
    return moved or datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _image(image: ImagePlan, plan: Plan, left: Left) -> ImageEntry:
    declared = plan.declaration.by_name[image.name]
    moves = left.moves.get(image.repository, ())
    since = {move.tag: (move.after, move.at) for move in moves}
    pythons = versions.newest_first({tag.python for tag in image.tags})
    naming = grouped((pointer.target, str(pointer.tag)) for pointer in image.pointers)
    return ImageEntry(
        name=image.name,
        title=declared.title,
        repository=image.repository,
        mirrors=tuple(mirror.repository for mirror in image.mirrors),
        source=declared.source,
        package=declared.requirement,
        builds_on=declared.builds_on,
        pythons=tuple(_life(python, plan) for python in pythons),
        tags=tuple(
            replace(_tag(tag, image, plan, left, since), pointers=tuple(naming.get(tag.tag, ())))
            for tag in _ordered(image.tags)
        ),
        pointers=tuple(_pointer(each, image, left, since) for each in image.pointers),
        moves=moves[::-1],
    )


def _ordered(tags: tuple[VersionTag, ...]) -> list[VersionTag]:
    """Return tags by Python and version, newest first, bases as they are declared."""
    bases = list(dict.fromkeys(tag.base for tag in tags))
    pythons = versions.newest_first({tag.python for tag in tags})
    numbers = versions.newest_first({tag.version for tag in tags})
    places = {version: place for place, version in enumerate(numbers)}
    return sorted(
        tags, key=lambda t: (pythons.index(t.python), places[t.version], bases.index(t.base))
    )


def _life(python: str, plan: Plan) -> PythonLife:
    known = plan.pythons.get(python)
    return PythonLife(
        python=python,
        until=known.until if known else "",
        state=known.state if known else "unknown",
    )


def _tag(
    tag: VersionTag,
    image: ImagePlan,
    plan: Plan,
    left: Left,
    since: Mapping[str, tuple[str, str]],
) -> Tag:
    ref = f"{image.repository}:{tag.tag}"
    row, state = left.row(ref), left.state(ref)
    digest = str(row.get("digest", ""))
    signed, kinds = left.evidence.get(ref, ("", ()))
    return Tag(
        tag=tag.tag,
        state=state,
        digest=digest,
        platforms=tuple(row.get("platforms", tag.platforms)),
        size=int(row.get("size", 0)),
        python=tag.python,
        variant=tag.base,
        version=tag.version,
        base=_base(tag, plan),
        verified=str(row.get("verified", "")),
        evidence=kinds if digest and signed == digest else (),
        advisories=_advisories(tag, plan),
        pointers=(),
        since=_since(tag.tag, digest, since),
        pinned=_pinned(tag.pin),
    )


def _pinned(pin: Pin | None) -> str:
    return f"{pin.because}, until {pin.until}" if pin else ""


def _advisories(tag: VersionTag, plan: Plan) -> tuple[AdvisoryEntry, ...] | None:
    """Return what the lock holds against the distributions and the base of a tag."""
    known = plan.advisories
    if known is None or tag.pin:
        return None
    held = (pins for build in tag.builds for pins in build.contents.values())
    pins = {pair for each in held for pair in pinned_versions(each.everything).items()}
    base = known.bases.get(f"{tag.python}-{tag.base}")
    packages = {*(f"PyPI {name}=={version}" for name, version in pins)}
    packages.update(base.packages if base else ())
    found = [
        (advisory.rank, package, advisory)
        for package in packages
        for advisory in known.found.get(package, ())
    ]
    return tuple(
        AdvisoryEntry(id=a.id, package=package, severity=a.severity, fixed=a.fixed)
        for _, package, a in sorted(found, key=lambda each: each[:2])
    )


def _base(tag: VersionTag, plan: Plan) -> BaseImage:
    if tag.pin:
        return BaseImage(name="", digest="", created="")
    arguments = tag.builds[0].lowest.arguments
    digest = arguments["BASE_DIGEST"]
    return BaseImage(
        name=short(arguments["BASE_NAME"]),
        digest=digest,
        created=plan.made_on.get(digest, ""),
    )


def _pointer(
    pointer: Pointer, image: ImagePlan, left: Left, since: Mapping[str, tuple[str, str]]
) -> PointerTag:
    ref = f"{image.repository}:{pointer.tag}"
    digest = str(left.row(ref).get("digest", ""))
    return PointerTag(
        tag=pointer.tag,
        state=left.state(ref),
        target=pointer.target,
        digest=digest,
        since=_since(pointer.tag, digest, since),
        pinned=_pinned(pointer.pin),
    )


def _since(tag: str, digest: str, since: Mapping[str, tuple[str, str]]) -> str:
    """Return when a tag was moved to ``digest``, where that is its last known move."""
    after, at = since.get(tag, ("", ""))
    return at if digest and after == digest else ""
