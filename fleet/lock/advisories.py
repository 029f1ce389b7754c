"""What the lock holds of advisories: findings by package, and which of them concern which base.

Nothing of it is an input of a build: it says what was known when the lock was written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fleet.lock.reader import Pattern, Reader

SEVERITIES: Final = ("critical", "high", "medium", "low", "none", "")
"""The ratings of CVSS, the worst first; the last one is not known."""

_MALICIOUS: Final = "MAL-"
_REMEDY: Final = "Restore the file, or remove it and run the command"
_ID: Final = Pattern(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,127}", "is not an advisory's name", _REMEDY)
_PACKAGE: Final = Pattern(
    r"[A-Za-z0-9.:]{1,40} [A-Za-z0-9._+-]{1,255}==[A-Za-z0-9.!_+:~-]{1,255}",
    "is not a package, ecosystem name==version",
    _REMEDY,
)
_DIGEST: Final = Pattern(r"sha256:[0-9a-f]{64}", "is not a digest", _REMEDY)
_VERSION: Final = Pattern(r">?[A-Za-z0-9.!_+:~-]{1,255}", "is not a version", _REMEDY)
_SEVERITY: Final = Pattern("|".join(filter(None, SEVERITIES)), "is not a severity", _REMEDY)


def is_id(text: str) -> bool:
    """Tell whether the lock can hold ``text`` as an advisory's name."""
    return _ID(text) is None


def is_package(text: str) -> bool:
    """Tell whether the lock can hold ``text`` as a package, ``ecosystem name==version``."""
    return _PACKAGE(text) is None


def is_version(text: str) -> bool:
    """Tell whether the lock can hold ``text`` as the version that fixes an advisory."""
    return _VERSION(text) is None


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
    """What a base consists of: that of the platform whose manifest has the digest ``image``."""

    image: str
    packages: tuple[str, ...]


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


def parse_findings(section: Reader) -> Findings:
    """Return what the section says; its faults are noted."""
    section.only(("found", "bases"))
    found, bases = section.inner("found"), section.inner("bases")
    for package in found.values:
        if fault := _PACKAGE(str(package)):
            found.problems.add(found.at(str(package)), *fault)
    return Findings(
        found={package: tuple(_advisories(found.inner(package))) for package in found.values},
        bases={base: _base(bases.inner(base)) for base in bases.values},
    )


def _base(entry: Reader) -> BasePackages:
    entry.only(("image", "packages"))
    return BasePackages(
        image=entry.text("image", _DIGEST), packages=entry.texts("packages", _PACKAGE, ())
    )


def _advisories(section: Reader) -> Iterator[Advisory]:
    for name in section.values:
        if fault := _ID(str(name)):
            section.problems.add(section.at(str(name)), *fault)
            continue
        entry = section.inner(name)
        entry.only(("aliases", "severity", "fixed"))
        yield Advisory(
            id=name,
            aliases=entry.texts("aliases", _ID, ()),
            severity=entry.text("severity", _SEVERITY) if "severity" in entry.values else "",
            fixed=entry.text("fixed", _VERSION) if "fixed" in entry.values else "",
        )


def findings_values(findings: Findings) -> dict[str, Any]:
    """Return the section as plain values; :func:`parse_findings` reads them back."""
    return {
        "found": {
            package: {each.id: _values(each) for each in sorted(held, key=lambda each: each.rank)}
            for package, held in sorted(findings.found.items())
        },
        "bases": {
            base: {"image": held.image, "packages": list(held.packages)}
            for base, held in sorted(findings.bases.items())
        },
    }


def _values(advisory: Advisory) -> dict[str, Any]:
    values = {
        "aliases": list(advisory.aliases),
        "severity": advisory.severity,
        "fixed": advisory.fixed,
    }
    return {key: value for key, value in values.items() if value}
