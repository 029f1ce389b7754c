"""Typed reading of a nested mapping, where every fault is noted with its path."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from fleet.declaration.problems import Problems


class Fault(NamedTuple):
    """What is wrong with a text, and what to do about it."""

    what: str
    remedy: str


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


def one_of(allowed: Iterable[str], noun: str) -> Rule:
    """Return a rule that the text is one of ``allowed``."""
    known = tuple(allowed)
    remedy = f"Use one of {', '.join(known)}"
    return lambda text: None if text in known else Fault(f"{text!r} is not a known {noun}", remedy)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A mapping at ``path``, read key by key; what is absent or wrong yields the fallback.

    What it has from elsewhere stands in ``inherited``: the path of such a key. ``elsewhere`` is the
    path where its keys can be declared too.
    """

    path: str
    values: Mapping[str, Any]
    problems: Problems
    inherited: Mapping[str, str] = field(default_factory=dict)
    elsewhere: str = ""

    def at(self, key: str) -> str:
        """Return the path of ``key``; the first level is a Pulumi key such as ``fleet:images``."""
        if key in self.inherited:
            return self.inherited[key]
        return f"{self.path}{key}" if self.path.endswith(":") else f"{self.path}.{key}"

    def note(self, key: str, what: str, remedy: str) -> None:
        """Note what is wrong at ``key``, and what to do about it."""
        self.problems.add(self.at(key), what, remedy)

    def is_sound(self, *keys: str) -> bool:
        """Tell whether no problem was noted so far at ``keys``, nor at anything in them."""
        ends = tuple(self.at(key) + end for key in keys for end in (".", "["))
        return not any(f"{problem.path}.".startswith(ends) for problem in self.problems.found)

    def only(
        self, allowed: Iterable[str], removed: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Note every key that is none of ``allowed``, and what to do about a ``removed`` one."""
        known = tuple(allowed)
        for key in self.values:
            if key in removed:
                self.note(str(key), "is no longer a key", removed[key])
            elif key not in known:
                self.note(str(key), "unknown key", f"Known keys: {', '.join(known)}")

    def text(self, key: str, rule: Rule | None = None, fallback: str | None = None) -> str:
        """Return the text at ``key``; absent without a ``fallback`` is a problem."""
        value = self.values.get(key, fallback)
        if value is None:
            self._note_missing(key)
            return ""
        return self._checked(self.at(key), value, rule)

    def optional(self, key: str, rule: Rule) -> str:
        """Return the text at ``key``, empty where the key is absent."""
        return self.text(key, rule) if key in self.values else ""

    def texts(
        self, key: str, rule: Rule | None = None, fallback: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """Return the list of texts at ``key``: without a ``fallback`` it must have entries."""
        value = self.values.get(key, fallback)
        if value is None:
            self._note_missing(key)
            return ()
        if not isinstance(value, list | tuple):
            self.note(key, f"is {_kind(value)}, not a list", "Write it as a list: [one, two]")
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

    def mapping(self, key: str, fallback: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Return the mapping at ``key``: without a ``fallback`` it must have entries."""
        value = self.values.get(key, fallback)
        if value is None:
            self._note_missing(key)
            return {}
        if not isinstance(value, Mapping):
            self.note(key, f"is {_kind(value)}, not a mapping", "Write it as key: value lines")
            return {}
        if not value and fallback is None:
            self.note(key, "is empty", "Declare at least one entry")
        return value

    def inner(self, key: str) -> "Reader":
        """Return a reader of the mapping at ``key``, empty where there is none."""
        return Reader(path=self.at(key), values=self.mapping(key, {}), problems=self.problems)

    def flag(self, key: str, *, fallback: bool) -> bool:
        """Return the truth value at ``key``; Pulumi hands it over as text."""
        value = self.values.get(key, fallback)
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return bool(value == "true")
        self.note(key, f"{value!r} is neither true nor false", "Write true or false")
        return fallback

    def share(self, key: str, fallback: float) -> float:
        """Return the number from 0 to 1 at ``key``."""
        value = self.values.get(key, fallback)
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = -1.0
        if isinstance(value, bool) or not 0 <= number <= 1:
            self.note(
                key, f"{value!r} is not between 0 and 1", "Write a number from 0 to 1, such as 0.5"
            )
            return fallback
        return number

    def whole(self, key: str, fallback: int) -> int:
        """Return the whole number, 1 to 9999, at ``key``; Pulumi hands it over as text."""
        if key not in self.values:
            return fallback
        value = self.values[key]
        text = str(value) if not isinstance(value, bool) else ""
        # Numbers of a Pulumi configuration may come as 30.0.
        if re.fullmatch(r"[1-9][0-9]{0,3}(?:\.0)?", text):
            return int(float(text))
        self.note(key, f"{value!r} is not a whole number", "Write a whole number from 1 to 9999")
        return fallback

    def _note_missing(self, key: str) -> None:
        if key in self.values:
            self.note(key, "is empty", "Give it a value")
        else:
            where = f" here or in {self.elsewhere}" if self.elsewhere else ""
            self.note(key, "is missing", f"Declare it{where}")

    def _checked(self, path: str, value: object, rule: Rule | None) -> str:
        if not isinstance(value, str):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            quotes = "Put it in quotes: YAML reads 3.10 as the number 3.1"
            remedy = quotes if is_number else "Write one text there, in quotes"
            self.problems.add(path, f"is {_kind(value)}, not text", remedy)
            return ""
        fault = rule(value) if rule else None
        if fault:
            self.problems.add(path, *fault)
            return ""
        return value


def _kind(value: object) -> str:
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
