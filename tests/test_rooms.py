"""The rooms of the tree: which may import which, and what the pure ones may use."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.cli.groups import ROOMS

ROOT = Path(__file__).parents[1]

_PURE = {"fleet.declaration", "fleet.lock", "fleet.plan"}
_BASE = {"fleet.console", "fleet.templating", "fleet.units"}
_READ = {*_PURE, "fleet.checkout", "fleet.http", *_BASE}

MAY_IMPORT = {
    "fleet.console": set(),
    "fleet.templating": set(),
    "fleet.units": set(),
    "fleet.command": {"fleet.console", "fleet.declaration", "fleet.http"},
    "fleet.http": set(),
    "fleet.registry": {"fleet.http"},
    "fleet.evidence": {"fleet.http"},
    "fleet.sigstore": {"fleet.evidence", "fleet.http"},
    "fleet.sbom": {"fleet.http", "fleet.registry", "fleet.units"},
    "fleet.declaration": set(),
    "fleet.lock": {"fleet.declaration"},
    "fleet.plan": {"fleet.declaration", "fleet.lock"},
    "fleet.catalog": {*_PURE, "fleet.evidence", "fleet.http", "fleet.registry", "fleet.units"},
    "fleet.pages": {*_PURE, "fleet.templating", "fleet.units"},
    "fleet.checkout": {*_PURE, "fleet.command"},
    "fleet.advisories": {*_READ, "fleet.command", "fleet.reports", "fleet.sbom"},
    "fleet.releases": {
        *_READ, "fleet.advisories", "fleet.command", "fleet.registry", "fleet.pages", "fleet.sbom",
    },
    "fleet.reports": {"fleet.console", "fleet.lock", "fleet.registry", "fleet.sbom", "providers"},
    "fleet.local": {
        *_READ, "fleet.command", "fleet.evidence", "fleet.registry", "fleet.reports", "fleet.sbom",
        "fleet.sigstore", "providers",
    },
    "fleet.github": {
        *_READ, "fleet.command", "fleet.local", "fleet.releases", "fleet.pages", "fleet.reports",
        "fleet.sbom", "fleet.sigstore", "providers",
    },
    "fleet.overview": {
        *_READ, "fleet.catalog", "fleet.command", "fleet.local", "fleet.pages", "fleet.registry",
        "fleet.reports", "providers",
    },
    "fleet.upkeep": {
        *_READ, "fleet.command", "fleet.evidence", "fleet.local", "fleet.registry",
        "fleet.releases", "fleet.reports", "fleet.sbom", "providers",
    },
    "fleet.cli": {"fleet.command", "fleet.console"},
    "fleet.__main__": {"fleet.cli"},
    "providers": {
        "fleet.evidence", "fleet.http", "fleet.registry", "fleet.sbom", "fleet.sigstore",
    },
    "components": {*_PURE, "fleet.http", "fleet.pages", "providers"},
    "__main__": {
        "components", "fleet.checkout", "fleet.declaration", "fleet.github", "fleet.pages",
    },
}  # fmt: skip
"""By room, those of this project that it may import."""

OURS = {"fleet", "components", "providers", "tests", "benchmarks"}

ALLOWED = {
    "collections", "csv", "dataclasses", "difflib", "functools", "graphlib", "hashlib", "importlib",
    "io", "itertools", "json", "packaging", "re", "shlex", "textwrap", "types", "typing",
    "urllib.parse",
}  # fmt: skip
"""What the pure rooms may import: nothing that reads, writes, or knows Pulumi.

`importlib` is for the table of rules, a file that is part of its room.
"""


def modules(room: str) -> list[Path]:
    path = ROOT.joinpath(*room.split("."))
    found = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    assert found, room
    return found


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = node.module or ""
            yield from (
                (f"{name}.{alias.name}" for alias in node.names) if name == "fleet" else [name]
            )


def room_of(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "fleet" else parts[0]


def test_every_room_is_known() -> None:
    there = {
        f"fleet.{path.stem}" for path in (ROOT / "fleet").iterdir() if path.name[:2] != "__"
    } | {"fleet.__main__", "providers", "components", "__main__"}
    assert there == MAY_IMPORT.keys()


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(room)
        for name in imported(path)
        if name.partition(".")[0] in OURS and room_of(name) not in {room, *MAY_IMPORT[room]}
    }
    assert wrong == set()


def name_of(room: str) -> str:
    """Return what the picture calls a room."""
    entries = {"__main__": "program", "fleet.__main__": "fleet"}
    return entries.get(room, room.removeprefix("fleet."))


def test_the_picture_has_each_import_that_does_not_follow_from_others() -> None:
    names = {room: {n for path in modules(room) for n in imported(path)} for room in MAY_IMPORT}
    names["fleet.cli"] |= ROOMS.keys()
    below = {room: {*map(room_of, names[room])} & MAY_IMPORT.keys() - {room} for room in names}

    def all_below(rooms: set[str]) -> set[str]:
        return rooms.union(*(all_below(below[room]) for room in rooms))

    arrows = {
        f"{name_of(room)} --> {' & '.join(sorted(map(name_of, direct)))}"
        for room, found in below.items()
        if (direct := found - all_below(set().union(*(below[each] for each in found))))
    }
    page = (ROOT / "docs" / "how-it-works.md").read_text("utf-8")
    assert {*re.findall(r"^  (.+ --> .+)$", page, re.MULTILINE)} == arrows


def test_no_two_rooms_import_each_other() -> None:
    def below(room: str, seen: frozenset[str] = frozenset()) -> set[str]:
        assert room not in seen, f"{room} imports itself by way of others"
        found = MAY_IMPORT[room]
        return found.union(*(below(each, seen | {room}) for each in found))

    for room in MAY_IMPORT:
        assert room not in below(room)


@pytest.mark.parametrize("room", sorted(_PURE))
def test_a_pure_room_reads_and_writes_nothing(room: str) -> None:
    for path in modules(room):
        names = {n if n == "urllib.parse" else n.partition(".")[0] for n in imported(path)}
        assert names <= ALLOWED | {"fleet"}, path.name
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"open", "print", "input", "__import__", "exec", "eval"}, path.name


@pytest.mark.parametrize("room", ["fleet.pages", "fleet.reports", "fleet.github.render"])
def test_a_room_of_texts_reads_and_writes_nothing(room: str) -> None:
    pure = ALLOWED | {"fleet", "providers", "jinja2", "yaml"}
    for path in modules(room):
        assert {name.partition(".")[0] for name in imported(path)} - pure <= {"urllib"}, path.name
