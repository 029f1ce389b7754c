"""A page that tells what to do, taken apart: the files to write, the commands and their output."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BLOCK = re.compile(
    r"(?:^`(?P<path>[^`\n]+)`[^\n]*:\n\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_LEFT_OUT = "…"
# What differs from one machine, or one run, to the next.
_OF_THE_RUN = (
    (re.compile(r"sha256:[0-9a-f]+"), "sha256:#"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "#"),
    (re.compile(r"localhost:[0-9]+"), "localhost:#"),
    (re.compile(r"[0-9.]+ (?:kB|MB|GB)"), "# MB"),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file that the page has its reader write; a YAML file is a part of one that is there."""

    path: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command of the page, and the lines that are shown below it."""

    line: str
    output: tuple[str, ...]


def steps(page: str) -> Iterator[Written | Command]:
    """Yield what a reader does, in the page's order."""
    for block in _BLOCK.finditer(page):
        if block["path"]:
            yield Written(path=block["path"], text=block["text"])
        elif block["kind"] == "console":
            yield from _commands(block["text"])


def _commands(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, *output = part.splitlines()
        yield Command(line=line, output=tuple(filter(None, output)))


def code_below(page: str, title: str, kind: str) -> str:
    """Return the first block of code of a ``kind`` that stands below a heading."""
    _, heading, below = page.partition(f"\n### {title}\n")
    assert heading, f"no section {title!r}"
    below = re.split(r"^##+ ", below, maxsplit=1, flags=re.MULTILINE)[0]
    found = [block["text"] for block in _BLOCK.finditer(below) if block["kind"] == kind]
    assert found, f"no {kind} in {title!r}"
    return found[0]


def missing(command: Command, printed: str) -> list[str]:
    """Return the lines that are shown and were not printed, or not in that order."""
    lines = [_normalised(line) for line in printed.splitlines()]
    lacking = []
    for shown in command.output:
        head, left_out, tail = map(_normalised, shown.partition(_LEFT_OUT))
        found = next(
            (n for n, line in enumerate(lines) if _matches(line, head, tail, left_out)), -1
        )
        if found < 0:
            lacking.append(shown)
        else:
            lines = lines[found + 1 :]
    return lacking


def _matches(line: str, head: str, tail: str, left_out: str) -> bool:
    return line.startswith(head) and line.endswith(tail) if left_out else line == head


def _normalised(line: str) -> str:
    for pattern, text in _OF_THE_RUN:
        line = pattern.sub(text, line)
    return line.strip()
