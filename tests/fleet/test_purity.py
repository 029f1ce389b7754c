"""The core stays pure: it may import nothing that reads, writes, or knows Pulumi."""

import ast
from pathlib import Path

import fleet

ALLOWED = {
    "collections", "csv", "dataclasses", "fleet", "functools", "graphlib", "hashlib", "io", "json",
    "packaging", "re", "types", "typing", "urllib.parse",
}  # fmt: skip


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {_room(alias.name) for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add(_room(node.module or ""))
    return names


def _room(module: str) -> str:
    # The other parts of urllib reach out.
    return module if module == "urllib.parse" else module.partition(".")[0]


def test_fleet_imports_only_what_is_pure() -> None:
    files = sorted(Path(fleet.__file__).parent.glob("*.py"))
    assert len(files) > 8
    assert {f.name: sorted(imported(f) - ALLOWED) for f in files if imported(f) - ALLOWED} == {}
    assert [f.name for f in files if "fleet.http" in f.read_text()] == []


def test_fleet_opens_no_file() -> None:
    for path in Path(fleet.__file__).parent.glob("*.py"):
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"open", "print", "input", "__import__", "exec", "eval"}, path.name


def test_the_room_of_http_knows_nothing_of_a_fleet() -> None:
    files = sorted((Path(fleet.__file__).parent / "http").glob("*.py"))
    assert len(files) > 8
    rooms = {p.name for p in Path(fleet.__file__).parent.parent.iterdir() if p.is_dir()}
    for path in files:
        lines = [line for line in path.read_text().splitlines() if line.startswith("from fleet")]
        assert [line for line in lines if not line.startswith("from fleet.http.")] == [], path.name
        assert not (imported(path) - {"fleet"}) & rooms, path.name
