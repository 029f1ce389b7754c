"""Words that table and graph have in common."""

from collections.abc import Sequence

from fleet.declaration.model import Image


def counted(count: int, what: str) -> str:
    """Return ``1 tag``, ``2 tags``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def short(platforms: Sequence[str]) -> str:
    """Return platforms as a person calls them: ``amd64, arm/v7``."""
    return ", ".join(platform.removeprefix("linux/") for platform in platforms)


def contents(image: Image) -> str:
    """Return what is installed: the package, and what comes along."""
    along = f" with {', '.join(image.requires)}" if image.requires else ""
    return f"{image.requirement}{along}"
