"""Words that table and graph have in common."""

from collections.abc import Sequence

from fleet.declaration.model import Declaration, Image


def counted(count: int, what: str) -> str:
    """Return ``1 tag``, ``2 tags``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def short(platforms: Sequence[str]) -> str:
    """Return platforms as a person calls them: ``amd64, arm/v7``."""
    return ", ".join(platform.removeprefix("linux/") for platform in platforms)


def below(image: Image, declaration: Declaration) -> str:
    """Return what ``image`` is built on, and the stack that has it where that is another."""
    if not image.builds_on:
        return "official Python images"
    stacks = declaration.share.stacks if declaration.share else {}
    elsewhere = stacks.get(image.builds_on)
    return f"{image.builds_on} of stack {elsewhere}" if elsewhere else image.builds_on


def contents(image: Image) -> str:
    """Return what is installed: the package, and what comes along."""
    along = f" with {', '.join(image.requires)}" if image.requires else ""
    return f"{image.requirement}{along}"
