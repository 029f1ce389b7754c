"""Registries that a fleet can't be kept in, known by their host before anything is built."""

import re
from dataclasses import dataclass
from typing import Final

from fleet.declaration.config_reader import Fault


@dataclass(frozen=True, kw_only=True)
class _Limit:
    pattern: str
    what: str
    remedy: str = (
        "Use a registry that makes repositories of any depth on push: ghcr.io/<owner>, or one of "
        "your own (host[:port]/namespace)"
    )


_LIMITS: Final = (
    _Limit(
        pattern=r"(?:(?:index\.|registry-1\.)?docker\.io|registry\.hub\.docker\.com)(?::443)?/.*",
        what="is on Docker Hub, whose repositories have two levels (org/image); a fleet keeps the "
        "builds of each image in a repository below it (<image>/build)",
    ),
    _Limit(
        pattern=r"(?:[0-9]+\.dkr[.-]ecr(?:-fips)?\.[a-z0-9.-]+|public\.ecr\.aws)/.*",
        what="is on Amazon ECR, which makes no repository on push; a fleet's repositories follow "
        "from what is declared",
    ),
    _Limit(
        pattern=r"[a-z0-9-]+-docker\.pkg\.dev/[^/]+",
        what="names a project of Artifact Registry, and no repository in it",
        remedy="Make a repository there, and write LOCATION-docker.pkg.dev/project/repository",
    ),
)


def fault(registry: str) -> Fault | None:
    """Tell why a fleet can't be kept in ``host[:port]/namespace``, None where nothing is known."""
    found = (limit for limit in _LIMITS if re.fullmatch(limit.pattern, registry))
    return next((Fault(f"{registry!r} {limit.what}", limit.remedy) for limit in found), None)
