"""What a fleet publishes, as plain data: ``catalog.json`` is this, and the pages render it."""

from dataclasses import dataclass
from typing import Literal

from fleet.declaration.signing import Keyless
from fleet.registry.history import Move

State = Literal["published", "failed", "planned", "unknown"]
"""What the last run left of a tag.

It is ``published`` with a digest, or it ``failed``; what was declared since is ``planned``; where
no state is at hand, all is ``unknown``.
"""


@dataclass(frozen=True, kw_only=True)
class PythonLife:
    """A feature release of CPython: maintained ``until`` a day (``YYYY-MM-DD``), empty if unknown.

    ``state`` is ``maintained``, ``ending``, ``ended`` or ``unknown``, as of when it was locked.
    """

    python: str
    until: str
    state: str


@dataclass(frozen=True, kw_only=True)
class BaseImage:
    """The official image at the bottom of a tag; ``created`` is its day, empty if unknown."""

    name: str
    digest: str
    created: str


@dataclass(frozen=True, kw_only=True)
class AdvisoryEntry:
    """An advisory on a ``package`` of a tag, as locked; ``fixed`` is empty if no fix is known."""

    id: str
    package: str
    severity: str
    fixed: str


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A version tag; what is not published has no ``digest``, and a ``size`` of 0.

    ``size`` is in bytes, of all platforms, compressed. ``verified`` says how many platforms passed.
    ``evidence`` are the kinds of statements that are signed of this digest. ``pointers`` are the
    tags that name the same digest by declaration. ``advisories`` are those that can be fixed first,
    None where nobody was asked. ``since`` is the instant (UTC) since which it
    names its digest, empty if unknown. ``pinned`` is the reason and the end of a pin, or empty: of
    a pinned digest, ``base`` and ``advisories`` are not known.
    """

    tag: str
    state: State
    digest: str
    platforms: tuple[str, ...]
    size: int
    python: str
    variant: str
    version: str
    base: BaseImage
    verified: str
    evidence: tuple[str, ...]
    advisories: tuple[AdvisoryEntry, ...] | None
    pointers: tuple[str, ...]
    since: str
    pinned: str


@dataclass(frozen=True, kw_only=True)
class PointerTag:
    """A tag that names the digest of ``target``, a version tag; ``since``, ``pinned`` as there."""

    tag: str
    state: State
    target: str
    digest: str
    since: str
    pinned: str


@dataclass(frozen=True, kw_only=True)
class ImageEntry:
    """One image with all of its declared tags, and its ``moves``, newest first.

    ``mirrors`` are repositories that have the same tags.
    """

    name: str
    title: str
    repository: str
    mirrors: tuple[str, ...]
    source: str
    package: str
    builds_on: str
    pythons: tuple[PythonLife, ...]
    tags: tuple[Tag, ...]
    pointers: tuple[PointerTag, ...]
    moves: tuple[Move, ...]


@dataclass(frozen=True, kw_only=True)
class Key:
    """A public key that evidence is signed by: a short ``hint``, and its text in ``pem``."""

    hint: str
    pem: str


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All of a fleet.

    ``url`` is where the site is published, with a slash at its end, or empty. ``updated`` is the
    newest instant (UTC) that anything in it is of: of a move, or else of a commit that is built.
    ``keys`` are the one to sign with first; ``keyless`` is who signs without one.
    """

    registry: str
    url: str
    updated: str
    keys: tuple[Key, ...]
    keyless: Keyless | None
    images: tuple[ImageEntry, ...]
