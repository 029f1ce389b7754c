"""Problems of a declaration, gathered so that a maintainer reads all of them at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong: the path to it, what is wrong there, and what to do about it."""

    path: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}. {self.remedy}."


class DeclarationError(Exception):
    """The declaration can't be planned; ``problems`` holds every reason, in reading order."""

    def __init__(self, problems: Iterable[Problem], source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__(report(self.problems, source))


def report(problems: Iterable[Problem], source: str = "") -> str:
    """Return the text that a maintainer reads: a headline and one line a problem."""
    listed = list(problems)
    count = "1 problem" if len(listed) == 1 else f"{len(listed)} problems"
    where = f" in {source}" if source else ""
    return "\n".join([f"{count}{where}; nothing was changed:", *(f"  - {p}" for p in listed)])


@dataclass(frozen=True, kw_only=True)
class Problems:
    """A collector that parsing functions add to instead of raising at the first fault."""

    found: list[Problem] = field(default_factory=list)

    def add(self, path: str, what: str, remedy: str) -> None:
        """Note one problem, once, and go on."""
        problem = Problem(path=path, what=what, remedy=remedy)
        if problem not in self.found:  # what images have in common is read for each of them
            self.found.append(problem)

    def raise_if_any(self, source: str = "") -> None:
        """Raise :class:`DeclarationError` with all that was found.

        :raises DeclarationError: when at least one problem was noted.
        """
        if self.found:
            raise DeclarationError(self.found, source)
