"""Problems of a declaration, gathered so that a maintainer reads all of them at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Fault(NamedTuple):
    """A fault of a text, and its remedy."""

    what: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong: the path to it, what is wrong there, and what to do about it."""

    path: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}. {self.remedy}."


class DeclarationError(Exception):
    """The declaration can't be planned; ``problems`` holds every reason, in reading order.

    Its text is a headline, which names the file ``source``, and one line per problem.
    """

    def __init__(self, problems: Iterable[Problem], source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        count = f"{len(self.problems)} problem{'' if len(self.problems) == 1 else 's'}"
        where = f" in {source}" if source else ""
        lines = (f"{count}{where}; nothing was changed:", *(f"  - {p}" for p in self.problems))
        super().__init__("\n".join(lines))


@dataclass(frozen=True, kw_only=True)
class Problems:
    """A collector that parsing functions add to instead of raising at the first fault."""

    found: list[Problem] = field(default_factory=list)

    def add(self, path: str, what: str, remedy: str) -> None:
        """Note one problem, once, and go on."""
        problem = Problem(path=path, what=what, remedy=remedy)
        if problem not in self.found:  # what images have in common is read for each of them
            self.found.append(problem)

    def is_sound(self, *paths: str) -> bool:
        """Tell whether nothing was noted so far at ``paths``, nor at anything in them."""
        ends = tuple(path + end for path in paths for end in (".", "["))
        return not any(f"{problem.path}.".startswith(ends) for problem in self.found)

    def raise_if_any(self, source: str = "") -> None:
        """Raise :class:`DeclarationError` with all that was found.

        :raises DeclarationError: when at least one problem was noted.
        """
        if self.found:
            raise DeclarationError(self.found, source)


def kind_of(value: object) -> str:
    """Name the type of a YAML value as a maintainer would."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value!r}"
    if hasattr(value, "isoformat"):
        return f"the date {value}"
    return "a list" if isinstance(value, list | tuple) else "a mapping"
