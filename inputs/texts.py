"""The texts that images have of their own on their pages."""

from collections.abc import Iterable
from pathlib import Path


def read_texts(root: Path, images: Iterable[str]) -> dict[str, str]:
    """Return the text of every ``assets/<image>/docs/*.md`` of ``images``, by its path in ``root``.

    An image need not have any.
    """
    found = (path for image in images for path in (root / "assets" / image / "docs").glob("*.md"))
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in sorted(found)}
