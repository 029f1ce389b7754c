"""Pairs, by what they begin with."""

from collections.abc import Hashable, Iterable
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """Return the second part of each of ``pairs`` by its first, all in the order they come in."""
    found: dict[K, list[V]] = {}
    for first, second in pairs:
        found.setdefault(first, []).append(second)
    return found
