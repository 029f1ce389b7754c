"""What PyPI says of a package: which of its releases were yanked."""

from typing import Any

import httpx

INDEX = "https://pypi.org/pypi"
_LARGEST = 64 * 1024 * 1024  # the largest real answer seen is a tenth of this
_DEADLINE_SECONDS = 30.0


class PackageIndexError(Exception):
    """PyPI could not be asked, or its answer makes no sense."""


def yanked(package: str, client: httpx.Client) -> tuple[str, ...]:
    """Return the versions of ``package`` of which every file was yanked (PEP 592), sorted.

    :raises PackageIndexError: when PyPI is down, or its answer malformed or huge.
    """
    try:
        answer = client.get(f"{INDEX}/{package}/json", timeout=_DEADLINE_SECONDS)
        answer.raise_for_status()
        if len(answer.content) > _LARGEST:
            raise PackageIndexError(f"PyPI's answer for {package} has {len(answer.content)} bytes")
        return yanked_in(answer.json())
    except (httpx.HTTPError, ValueError) as error:
        raise PackageIndexError(f"PyPI can't be asked about {package}: {error}") from None


def yanked_in(answer: Any) -> tuple[str, ...]:
    """Return the yanked versions in PyPI's JSON ``answer``.

    :raises ValueError: when it has no releases.
    """
    releases = answer.get("releases") if isinstance(answer, dict) else None
    if not isinstance(releases, dict) or not releases:
        raise ValueError("the answer names no releases")
    return tuple(
        sorted(
            version
            for version, files in releases.items()
            if files and all(isinstance(f, dict) and f.get("yanked") is True for f in files)
        )
    )
