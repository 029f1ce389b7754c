"""Texts that files are generated from: templates, and what images say of their own."""

from collections.abc import Iterable
from pathlib import Path

from fleet.declaration.model import Declaration

# Which of Pulumi's archives are recorded: a job that needs another one builds it, with Go.
_RECORDED = "toolchain/published.sha256"


def read_sources(root: Path, declaration: Declaration) -> dict[str, str]:
    """Return templates by their path below ``templates/``, and the images' own texts by theirs."""
    return read_templates(root) | read_texts(root, declaration.by_name)


def read_templates(root: Path) -> dict[str, str]:
    """Return the text of every file of ``templates/`` in ``root``, by its path below it.

    The checksums of Pulumi's archives come along, by their path in ``root``.
    """
    folder = root / "templates"
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    found = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in paths}
    recorded = root / _RECORDED
    return {**found, _RECORDED: recorded.read_text("utf-8") if recorded.exists() else ""}


def read_texts(root: Path, images: Iterable[str]) -> dict[str, str]:
    """Return the text of every ``assets/<image>/docs/*.md`` of ``images``, by its path in ``root``.

    An image need not have any.
    """
    found = (path for image in images for path in (root / "assets" / image / "docs").glob("*.md"))
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in sorted(found)}
