"""A result of a check."""

from dataclasses import dataclass
from typing import Literal

_INDENT = " " * 6


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A result of a check, with its remedy.

    ``FAIL`` must be mended before the first ``up``; a ``note`` is what remains to be given or known
    after it.
    """

    verdict: Literal["ok", "note", "FAIL"]
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        line = f"{self.verdict:<5} {self.what}"
        return f"{line}\n{_INDENT}{self.remedy}" if self.remedy else line


def ok(what: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(verdict="ok", what=what)


def note(what: str, remedy: str) -> Finding:
    """Return something that remains to be done or known."""
    return Finding(verdict="note", what=what, remedy=remedy)


def fail(what: str, remedy: str) -> Finding:
    """Return something that stands in the way."""
    return Finding(verdict="FAIL", what=what, remedy=remedy)
