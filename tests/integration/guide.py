"""A page that tells what to do, taken apart: the files to write, the commands and their output."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BLOCK = re.compile(
    r"(?:^`(?P<path>[^`\n]+)`[^\n]*:\n\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$"
    r"|\b[Dd]elete `(?P<key>[^`]+)`(?:\s+from\s+`(?P<place>[^`]+)`)?\s+in\s+`(?P<file>[^`]+)`",
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
class Deleted:
    """A key that the page has its reader delete from the YAML file at ``path``.

    ``place`` are the keys that lead to it there, below ``config``.
    """

    path: str
    place: tuple[str, ...]
    key: str


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command of the page, and the lines that are shown below it."""

    line: str
    output: tuple[str, ...]


def sections(page: str) -> dict[str, str]:
    """Return the text of each section by its title."""
    _, *found = re.split(r"^## (.+)$", page, flags=re.MULTILINE)
    return dict(zip(found[::2], found[1::2], strict=True))


def steps(page: str) -> Iterator[Written | Deleted | Command]:
    """Yield what a reader does, in the page's order."""
    for block in _BLOCK.finditer(page):
        if block["key"]:
            place = tuple(block["place"].split(".")) if block["place"] else ()
            yield Deleted(path=block["file"], place=place, key=block["key"])
        elif block["kind"] == "console":
            yield from _commands(block["text"])
        elif block["path"]:
            yield Written(path=block["path"], text=block["text"])


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
        parts = _normalised(shown).split(_LEFT_OUT)
        pattern = re.compile(".*".join(map(re.escape, parts)))
        found = next((n for n, line in enumerate(lines) if pattern.fullmatch(line)), -1)
        if found < 0:
            lacking.append(shown)
        else:
            lines = lines[found + 1 :]
    return lacking


def _normalised(line: str) -> str:
    for pattern, text in _OF_THE_RUN:
        line = pattern.sub(text, line)
    return line.strip()
