"""The end of a run: what the registry holds now, as a table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fleet.units import in_units

_HEADINGS = ("tag", "digest", "platforms", "size", "verified")
_POINTER_HEADINGS = ("pointer", "digest", "names")
_DIGEST_SHOWN = len("sha256:") + 12


def render(outputs: Mapping[str, Any]) -> str:
    """Return the stack's outputs ``tags`` and ``pointers`` as text.

    Tags are objects with ``tag``, ``digest``, ``platforms`` (a list), ``size`` (bytes of all
    platforms) and ``verified``, pointers with ``tag``, ``digest`` and ``target``; what is absent
    shows as a dash. A stack may have been brought up and declare none, as that of a split fleet's
    repository.
    """
    parts = []
    for title, draw in (("tags", table), ("pointers", pointer_table)):
        for repository, entries in _by_repository(outputs.get(title) or []).items():
            heading = f"{title} of {repository}" if repository else title
            parts.append(f"{heading} ({len(entries)})\n{draw(entries)}")
    none = "this stack has no tags" if "tags" in outputs else "no tags yet: run make up"
    return "\n\n".join(parts) or none


def _by_repository(entries: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the entries by their tag's repository: said once, it leaves the table narrow."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        repository, _, name = str(entry.get("tag") or "-").rpartition(":")
        found.setdefault(repository, []).append({**entry, "tag": name})
    return found


def table(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return one line a tag below a line of headings, in columns."""
    return columns([_HEADINGS, *(_row(entry) for entry in entries)])


def pointer_table(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return one line a pointer below a line of headings, in columns."""
    return columns([_POINTER_HEADINGS, *(_pointer_row(entry) for entry in entries)])


def columns(rows: Sequence[Sequence[str]], paint: Callable[[str], str] = str) -> str:
    """Return one line a row, each column as wide as its widest cell.

    ``paint`` may put a cell into what a terminal shows no width of, such as a colour.
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            paint(cell) + " " * (width - len(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    count = entry.get("size")
    return (
        str(entry.get("tag") or "-"),
        str(entry.get("digest") or "-")[:_DIGEST_SHOWN],
        ", ".join(_platform(p) for p in entry.get("platforms") or ()) or "-",
        "-" if count is None else in_units(int(count)),
        _verified(entry.get("verified")),
    )


def _pointer_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    digest = str(entry.get("digest") or "-")[:_DIGEST_SHOWN]
    return (str(entry.get("tag") or "-"), digest, str(entry.get("target") or "-"))


def _platform(value: Any) -> str:
    name = value.get("platform", "-") if isinstance(value, Mapping) else str(value)
    return str(name).removeprefix("linux/")


def _verified(value: Any) -> str:
    return str(value) if isinstance(value, str) else {True: "yes", False: "no"}.get(value, "-")
