"""The templates of generated files."""

from pathlib import Path


def read_templates(root: Path) -> dict[str, str]:
    """Return the text of every file of ``templates/`` in ``root``, by its path below it."""
    folder = root / "templates"
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}
