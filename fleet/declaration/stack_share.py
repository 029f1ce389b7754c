"""A stack's share of a fleet: which images, and where the images below them are."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from fleet.declaration.model import Declaration, StackShare
from fleet.declaration.problems import Problems
from fleet.declaration.schema import SHARE, sound


class ShareConfig(NamedTuple):
    """A share as configured: the stack with the declaration, own images, stacks of others by image.

    One share, which need not have images, looks after the GitHub repository.
    """

    whole: str
    only: tuple[str, ...]
    below: Mapping[str, str]
    github: bool


def is_share(config: Mapping[str, Any]) -> bool:
    """Tell whether ``config``, a stack's values without ``fleet:``, refers to another stack's."""
    return "part-of" in config


def parse_share(
    config: Mapping[str, Any], source: str, found: Problems | None = None
) -> ShareConfig:
    """Return what the configuration of a share says.

    :raises DeclarationError: with every problem; what all shares have in common is not for one.
    """
    problems = found or Problems()
    values = sound(config, SHARE, "fleet:", problems)
    github = values.get("with-github", False)
    if not github and not config.get("only") and problems.is_sound("fleet:only"):
        what = "is empty" if "only" in config else "is missing"
        problems.add("fleet:only", what, "Name at least one image")
    problems.raise_if_any(source)
    return ShareConfig(
        whole=values["part-of"],
        only=values.get("only", ()),
        below=values.get("below", {}),
        github=github,
    )


def narrowed(whole: Declaration, share: ShareConfig, source: str) -> Declaration:
    """Return ``whole`` with the images of ``share`` alone.

    :raises DeclarationError: when an image is not declared there, or it is not said which stack
        has the image that another is built on.
    """
    problems = Problems()
    known = whole.by_name
    for index, name in enumerate(share.only):
        if name not in known:
            what = f"{share.whole} declares no {name}"
            problems.add(f"fleet:only[{index}]", what, f"Name some of {', '.join(known)}")
    own = tuple(image for image in whole.images if image.name in share.only)
    for image in own:
        needed = image.builds_on
        if needed and needed not in share.only and needed not in share.below:
            what = f"is missing, and {image.name} is built on it"
            remedy = f"Write the name of the stack that has {needed}"
            problems.add(f"fleet:below.{needed}", what, remedy)
    problems.raise_if_any(source)
    return replace(
        whole,
        images=own,
        share=StackShare(whole=share.whole, fleet=whole.images, stacks=share.below),
        github=whole.github if share.github else None,
    )


def widened(declaration: Declaration) -> Declaration:
    """Return ``declaration`` with the images of the whole fleet, where it is that of a share."""
    if declaration.share is None:
        return declaration
    return replace(declaration, images=declaration.share.fleet, share=None)
