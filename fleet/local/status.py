"""The end of a run: what the registry holds now, as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from fleet.reports.table import DIGEST_SHOWN, columns
from fleet.units import in_units

_HEADINGS = ("tag", "digest", "platforms", "size", "verified")
_POINTER_HEADINGS = ("pointer", "digest", "names")
_MIRROR_HEADINGS = ("mirror", "tags")


def render(outputs: Mapping[str, Any]) -> str:
    """Return the stack's outputs ``tags`` and ``pointers`` as text.

    Tags are objects with ``tag``, ``digest``, ``platforms`` (a list), ``size`` (bytes of all
    platforms) and ``verified``, pointers with ``tag``, ``digest`` and ``target``; what is absent
    shows as a dash. Where there are ``mirrors``, each has ``mirror``, and how many tags are
    ``declared`` and ``there`` (``failed`` where it failed). A stack may have been brought up and
    declare none, as that of a split fleet's repository.
    """
    parts = []
    for title, headings, row in (
        ("tags", _HEADINGS, _tag_row),
        ("pointers", _POINTER_HEADINGS, _pointer_row),
    ):
        for repository, entries in _by_repository(outputs.get(title) or []).items():
            heading = f"{title} of {repository}" if repository else title
            parts.append(f"{heading} ({len(entries)})\n{columns([headings, *map(row, entries)])}")
    if mirrors := outputs.get("mirrors"):
        cells = columns([_MIRROR_HEADINGS, *map(_mirror_row, mirrors)])
        parts.append(f"mirrors ({len(mirrors)})\n{cells}")
    none = "this stack has no tags" if "tags" in outputs else "no tags yet: run make up"
    return "\n\n".join(parts) or none


def _by_repository(entries: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the entries by their tag's repository: said once, it leaves the table narrow."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        repository, _, name = str(entry.get("tag") or "-").rpartition(":")
        found.setdefault(repository, []).append({**entry, "tag": name})
    return found


def _tag_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    count = entry.get("size")
    return (
        _or_dash(entry.get("tag")),
        _digest(entry),
        _or_dash(", ".join(str(p).removeprefix("linux/") for p in entry.get("platforms") or ())),
        "-" if count is None else in_units(int(count)),
        _or_dash(entry.get("verified")),
    )


def _pointer_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return _or_dash(entry.get("tag")), _digest(entry), _or_dash(entry.get("target"))


def _mirror_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    there = str(entry.get("there"))
    count = f"{there}/{int(entry['declared'])}" if there.isdigit() else there
    return _or_dash(entry.get("mirror")), count


def _digest(entry: Mapping[str, Any]) -> str:
    return _or_dash(entry.get("digest"))[:DIGEST_SHOWN]


def _or_dash(value: Any) -> str:
    return str(value or "-")
