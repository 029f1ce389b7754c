"""Versions of packages and Pythons, ordered as PEP 440 orders them."""

from collections.abc import Iterable

from packaging.version import InvalidVersion, Version


def parse(text: str) -> Version | None:
    """Return the version that ``text`` spells canonically, or ``None``.

    Canonical means that PEP 440 normalisation leaves it as it is, so that one version has one tag.
    Epochs and local versions are refused: ``!`` and ``+`` can't stand in a tag (OCI distribution
    specification, "Pulling manifests").
    """
    try:
        version = Version(text)
    except InvalidVersion:
        return None
    return None if str(version) != text or version.epoch or version.local else version


def is_final(version: Version) -> bool:
    """Tell whether a pointer may name ``version``: pre- and development releases may not."""
    return not version.is_prerelease and not version.is_devrelease


def eligible(declared: Iterable[str], yanked: Iterable[str]) -> list[str]:
    """Return the versions that a pointer may name: final ones, not yanked."""
    withdrawn = frozenset(yanked)
    left = (version for version in declared if version not in withdrawn)
    return [version for version in left if (form := parse(version)) and is_final(form)]


def highest(versions: Iterable[str]) -> str:
    """Return the highest of non-empty ``versions`` by PEP 440, never by spelling."""
    return max(versions, key=Version)


def newest_first(versions: Iterable[str]) -> list[str]:
    """Return ``versions`` from the highest to the lowest."""
    return sorted(versions, key=Version, reverse=True)
