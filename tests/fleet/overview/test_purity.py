"""Tables and drawing are made of data; two modules alone read and write."""

import ast
from pathlib import Path

import overview

READING = {"io", "os", "pathlib", "pulumi", "shutil", "subprocess", "sys", "tempfile"}
AT_THE_EDGE = {"__main__.py", "reading.py"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def test_only_the_edge_imports_what_reads_or_writes() -> None:
    modules = {path.name: path for path in Path(overview.__file__).parent.glob("*.py")}
    found = {name for name, path in modules.items() if imported(path) & READING}
    assert found == AT_THE_EDGE
