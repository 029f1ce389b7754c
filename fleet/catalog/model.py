"""What a fleet publishes, as plain data: ``catalog.json`` is this, and the pages render it."""

from dataclasses import dataclass
from typing import Literal

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
class Tag:
    """A version tag; what is not published has no ``digest``, and a ``size`` of 0.

    ``size`` is in bytes, of all platforms, compressed. ``verified`` says how many platforms passed.
    ``evidence`` are the kinds of statements that are signed of this digest. ``pointers`` are the
    tags that name the same digest by declaration. ``since`` is the instant (UTC) since which it
    names its digest, empty if unknown.
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
    pointers: tuple[str, ...]
    since: str


@dataclass(frozen=True, kw_only=True)
class PointerTag:
    """A tag that names the digest of the version tag ``target``; ``since`` as for a tag."""

    tag: str
    state: State
    target: str
    digest: str
    since: str


@dataclass(frozen=True, kw_only=True)
class Move:
    """A tag that came to name another digest, ``at`` an instant (RFC 3339, UTC).

    ``before`` and ``after`` are empty where there was no tag. ``why`` is in words, ``commit`` that
    of the checkout, ``by`` the address of a workflow's run or ``by hand``; empty if unknown.
    """

    at: str
    tag: str
    before: str
    after: str
    why: str
    commit: str = ""
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class ImageEntry:
    """One image with all of its declared tags, and its ``moves``, newest first."""

    name: str
    title: str
    repository: str
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
    ``keys`` are the one to sign with first.
    """

    registry: str
    url: str
    updated: str
    keys: tuple[Key, ...]
    images: tuple[ImageEntry, ...]
