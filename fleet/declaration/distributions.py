"""Names of distributions, and the conditions on their versions."""

from collections.abc import Mapping
from functools import lru_cache

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name


def normalised(distribution: str) -> NormalizedName:
    """Return a distribution's name as PEP 503 normalises it, without extras."""
    return canonicalize_name(distribution.partition("[")[0])


@lru_cache(maxsize=4096)  # Every tag of an image asks for the same.
def conditions(requirements: tuple[str, ...]) -> Mapping[str, SpecifierSet]:
    """Return the condition on the version of each distribution in ``requirements`` (PEP 508).

    They are keyed by normalised names. One that any version meets is empty.
    """
    found: dict[str, SpecifierSet] = {}
    for one in map(Requirement, requirements):
        name = normalised(one.name)
        found[name] = found.get(name, SpecifierSet()) & one.specifier
    return found
