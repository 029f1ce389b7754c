"""What the lock holds of advisories: findings by package, and which of them concern which base.

Nothing of it is an input of a build: it says what was known when the lock was written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

SEVERITIES: Final = ("critical", "high", "medium", "low", "none", "")
"""The ratings of CVSS, the worst first; the last one is not known."""

_MALICIOUS: Final = "MAL-"


@dataclass(frozen=True, kw_only=True)
class Advisory:
    """One advisory on one package: ``fixed`` is the version to have, empty if none is known.

    ``>1.2`` is any version above. ``aliases`` are other names of the same, sorted; ``severity`` is
    one of :data:`SEVERITIES`.
    """

    id: str
    aliases: tuple[str, ...] = ()
    severity: str = ""
    fixed: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All its names, its own first."""
        return (self.id, *self.aliases)

    @property
    def is_fixable(self) -> bool:
        """Tell whether another version helps: it fixes this, or this one is malicious."""
        return bool(self.fixed) or self.id.startswith(_MALICIOUS)

    @property
    def rank(self) -> tuple[bool, int, str]:
        """Sort what can be fixed first, the worst first."""
        return not self.is_fixable, SEVERITIES.index(self.severity), self.id

    def __str__(self) -> str:
        """Return it as reports name it: ``GHSA-… (high), fixed in 1.2``."""
        rating = f" ({self.severity})" if self.severity else ""
        return f"{self.id}{rating}" + (f", fixed in {self.fixed}" if self.fixed else "")


@dataclass(frozen=True, kw_only=True)
class BasePackages:
    """The packages of a base, on the platform whose manifest has the digest ``image``."""

    image: str
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Advisories by package, ``ecosystem name==version``, and the packages of each base."""

    found: Mapping[str, tuple[Advisory, ...]] = field(default_factory=dict)
    bases: Mapping[str, BasePackages] = field(default_factory=dict)

    @property
    def fixable(self) -> Mapping[str, frozenset[Advisory]]:
        """The advisories that something can be done about, by package."""
        known = {
            package: frozenset(each for each in held if each.is_fixable)
            for package, held in self.found.items()
        }
        return {package: held for package, held in known.items() if held}
