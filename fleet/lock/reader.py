"""Typed reading of a nested mapping, where every fault is noted with its path."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fleet.declaration.problems import Fault, Problems, kind_of

Rule = Callable[[str], Fault | None]


@dataclass(frozen=True)
class Pattern:
    """A rule that the whole text must match ``expression``."""

    expression: str
    what: str
    remedy: str

    def __call__(self, text: str) -> Fault | None:
        """Return what is wrong with ``text``, and what to do about it."""
        if re.fullmatch(self.expression, text):
            return None
        return Fault(f"{text!r} {self.what}", self.remedy)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A mapping at ``path``, read key by key; what is absent or wrong yields the fallback."""

    path: str
    values: Mapping[str, Any]
    problems: Problems

    def at(self, key: str) -> str:
        """Return the path of ``key``."""
        return f"{self.path}.{key}"

    def note(self, key: str, what: str, remedy: str) -> None:
        """Note what is wrong at ``key``, and what to do about it."""
        self.problems.add(self.at(key), what, remedy)

    def only(self, allowed: Iterable[str]) -> None:
        """Note every key that is none of ``allowed``."""
        known = tuple(allowed)
        for key in self.values:
            if key not in known:
                self.note(str(key), "unknown key", f"Known keys: {', '.join(known)}")

    def text(self, key: str, rule: Rule | None = None) -> str:
        """Return the text at ``key``; an absent one is a problem."""
        value = self.values.get(key)
        if value is None:
            self._note_missing(key)
            return ""
        return self._checked(self.at(key), value, rule)

    def texts(
        self, key: str, rule: Rule | None = None, fallback: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """Return the list of texts at ``key``: without a ``fallback`` it must have entries."""
        value = self.values.get(key, fallback)
        if value is None:
            self._note_missing(key)
            return ()
        if not isinstance(value, list | tuple):
            self.note(key, f"is {kind_of(value)}, not a list", "Write it as a list: [one, two]")
            return ()
        if not value and fallback is None:
            self.note(key, "is empty", "Name at least one entry")
        at = self.at(key)
        for i, item in enumerate(value):
            if item in value[:i]:
                self.problems.add(
                    f"{at}[{i}]", f"{item!r} is listed twice", "Remove one of the two"
                )
        return tuple(self._checked(f"{at}[{i}]", item, rule) for i, item in enumerate(value))

    def inner(self, key: str) -> "Reader":
        """Return a reader of the mapping at ``key``, empty where there is none."""
        value = self.values.get(key, {})
        if value is None:
            self._note_missing(key)
        elif not isinstance(value, Mapping):
            self.note(key, f"is {kind_of(value)}, not a mapping", "Write it as key: value lines")
        values = value if isinstance(value, Mapping) else {}
        return Reader(path=self.at(key), values=values, problems=self.problems)

    def _note_missing(self, key: str) -> None:
        if key in self.values:
            self.note(key, "is empty", "Give it a value")
        else:
            self.note(key, "is missing", "Declare it")

    def _checked(self, path: str, value: object, rule: Rule | None) -> str:
        if not isinstance(value, str):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            quotes = "Put it in quotes: YAML reads 3.10 as the number 3.1"
            remedy = quotes if is_number else "Write one text there, in quotes"
            self.problems.add(path, f"is {kind_of(value)}, not text", remedy)
            return ""
        fault = rule(value) if rule else None
        if fault:
            self.problems.add(path, *fault)
            return ""
        return value
