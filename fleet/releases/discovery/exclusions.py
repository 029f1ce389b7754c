"""Exclusions that follow from which Pythons a release installs on."""

import re
from dataclasses import replace

from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import Exclusion, Image
from fleet.releases.discovery.change import Change
from fleet.releases.discovery.selection import Listed
from fleet.releases.pypi.index import OBSTACLE, obstacle


def excluded(image: Image, listed: Listed) -> tuple[tuple[Exclusion, ...], list[Change]]:
    """Return the exclusions of ``image``, whose matrix is new and exclusions are not.

    One is added for each Python that a version can't be had on. Those of that form are discovery's
    own, and go with their reason; of the others only those that exclude nothing any more, which no
    declaration may hold.
    """
    wanted = [
        Exclusion(python=python, base="", version=version, because=because)
        for python in image.pythons
        for version in image.versions
        if version in listed and (because := obstacle(listed[version], python))
    ]
    whole = matrix_entries(replace(image, exclude=()))
    kept = tuple(
        entry
        for entry in image.exclude
        if any(entry.covers(each.python, each.base, each.version) for each in whole)
        and (not _own(entry) or entry.version not in listed or entry in wanted)
    )
    # By itself, or by hand base by base.
    added = tuple(
        entry
        for entry in wanted
        if not all(
            any(k.covers(entry.python, base, entry.version) for k in kept) for base in image.bases
        )
    )
    gone = [entry for entry in image.exclude if entry not in kept]
    back = "is no longer left out"
    return (*kept, *added), [
        *(Change(image.name, _tags_of(e), "is left out", e.because) for e in added),
        *(Change(image.name, _tags_of(e), back, _why_gone(e, image)) for e in gone),
    ]


def _own(entry: Exclusion) -> bool:
    named = entry.python and entry.version and not entry.base
    return bool(named) and re.fullmatch(OBSTACLE, entry.because) is not None


def _why_gone(entry: Exclusion, image: Image) -> str:
    if entry.python and entry.python not in image.pythons:
        return "the Python left"
    if entry.version and entry.version not in image.versions:
        return "the version left"
    return "the release says otherwise" if _own(entry) else "nothing of it is declared"


def _tags_of(entry: Exclusion) -> str:
    parts = (entry.version, entry.python and f"on Python {entry.python}", entry.base)
    return " ".join(filter(None, parts))
