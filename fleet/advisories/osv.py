"""Records of advisories in the format of OSV (ossf.github.io/osv-schema, 1.7), and what they hit.

A field that can't be read never makes a package unaffected: a beginning counts as the first
version, an end counts as none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from cvss import CVSS2, CVSS3, CVSS4, CVSSError
from packaging.utils import canonicalize_name

from fleet.advisories.ordering import KEYS, Key
from fleet.advisories.package import AdvisoryError, Package
from fleet.lock.advisories import SEVERITIES, Advisory
from fleet.lock.serialization import has_form

_CVSS: Final = {"CVSS_V4": CVSS4, "CVSS_V3": CVSS3, "CVSS_V2": CVSS2}
_WORDS: Final = {"moderate": "medium"}
_NEGLIGIBLE: Final = "unimportant"
"""The urgency by which Debian says that an advisory is of no consequence in its packages."""
_RANGES: Final = {"ECOSYSTEM", "SEMVER"}
_COPIES: Final = ("DEBIAN-", "ALPINE-", "UBUNTU-")
"""What OSV puts before a CVE's name in the records that it makes of a distribution's data."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One advisory as its source has it; ``affected`` are the entries of that field."""

    id: str
    names: frozenset[str]
    covers: frozenset[str]
    withdrawn: bool
    values: Mapping[str, Any]
    affected: tuple[Mapping[str, Any], ...]

    def of(self, package: Package) -> list[Mapping[str, Any]]:
        """Return the entries on ``package``, in whatever version."""
        return [each for each in self.affected if _is_of(_mapping(each.get("package")), package)]

    def affects(self, package: Package) -> bool:
        """Tell whether it is about this version of ``package`` (the schema's "Evaluation")."""
        return any(_is_affected(each, package) for each in self.of(package))


def record(values: Any, place: str) -> Record:
    """Return the record in ``values``, parsed JSON from ``place``.

    :raises AdvisoryError: if it is not a record.
    """
    name = values.get("id") if isinstance(values, dict) else None
    if not isinstance(name, str) or not has_form(name, "advisory"):
        raise AdvisoryError(f"{place}: not a record of OSV: it has no id")
    affected = _whole(values, "affected", place)
    for entry in affected:
        for span in _whole(entry, "ranges", place):
            _whole(span, "events", place)
    upstream = frozenset(_texts(values.get("upstream")))
    copied = {each for each in upstream if name in {f"{prefix}{each}" for prefix in _COPIES}}
    others = {*_texts(values.get("aliases")), *copied}
    return Record(
        id=name,
        names=frozenset({name, *(other for other in others if has_form(other, "advisory"))}),
        covers=upstream - copied,
        withdrawn=bool(values.get("withdrawn")),
        values=values,
        affected=tuple(affected),
    )


def _whole(values: Mapping[str, Any], key: str, place: str) -> list[Mapping[str, Any]]:
    """Return the mappings at ``key``: one that could not be read would make a package unaffected.

    :raises AdvisoryError: if there is something else.
    """
    found = values.get(key)
    if found is not None and _mappings(found) != found:
        raise AdvisoryError(f"{place}: not a record of OSV: {key} is not a list of mappings")
    return _mappings(found)


def findings(package: Package, records: Iterable[Record]) -> tuple[Advisory, ...]:
    """Return ``records``, which are about ``package``, as advisories: one for the same, sorted.

    Records with a name in common are of the same. One that only collects others goes with them.
    """
    groups: list[list[Record]] = []
    for each in sorted(records, key=lambda each: each.id):
        if each.withdrawn or _is_negligible(each, package):
            continue
        same = [group for group in groups if any(each.names & other.names for other in group)]
        groups = [group for group in groups if group not in same]
        groups.append([each, *(other for group in same for other in group)])
    named = [frozenset().union(*(each.names for each in group)) for group in groups]
    known = frozenset[str]().union(*named)
    made = [
        _advisory(package, group, names)
        for group, names in zip(groups, named, strict=True)
        if not any(each.covers and each.covers <= known - names for each in group)
    ]
    return tuple(sorted(made, key=lambda each: each.rank))


def _advisory(package: Package, group: list[Record], names: frozenset[str]) -> Advisory:
    # GitHub's name before PyPI's, and that before a CVE: so people find the one with more text.
    known = ("MAL-", "GHSA-", "PYSEC-")
    first = min((e.id for e in group), key=lambda i: ([not i.startswith(k) for k in known], i))
    fixes = {fix for each in group for fix in _fixes(each, package)}
    severities = [_severity(each, package) for each in group]
    return Advisory(
        id=first,
        aliases=tuple(sorted(names - {first})),
        severity=min(severities, key=SEVERITIES.index),
        fixed=_lowest(fixes, package),
    )


def _is_of(named: Mapping[str, Any], package: Package) -> bool:
    """Tell whether an entry names ``package``; one without a release is about all of them."""
    ecosystem, name = named.get("ecosystem"), named.get("name")
    if not isinstance(name, str) or ecosystem not in {package.ecosystem, package.family}:
        return False
    return name == package.name or (
        package.family == "PyPI" and canonicalize_name(name) == package.name
    )


def _is_affected(entry: Mapping[str, Any], package: Package) -> bool:
    wanted = _key(package.version, package)
    listed = _texts(entry.get("versions"))
    if any(each == package.version or _is_same(each, wanted, package) for each in listed):
        return True
    return any(_holds(each, wanted, package) for each in _ranges(entry))


def _is_same(version: str, wanted: Key, package: Package) -> bool:
    return wanted is not None and _key(version, package) == wanted


def _holds(span: list[tuple[str, str]], wanted: Key, package: Package) -> bool:
    """Tell whether a version is in a range; one of no known order is in each."""
    if wanted is None:
        return True
    limits = [_key(version, package) for kind, version in span if kind == "limit"]
    if limits and not any(limit is None or wanted < limit for limit in limits):
        return False
    first = ("introduced", "0")
    keyed = [(e[0], None if e == first else _key(e[1], package)) for e in span]
    # A beginning that can't be read counts as the first version, an end as none.
    found = ("introduced", None) in keyed
    for kind, key in sorted((e for e in keyed if e[1] is not None), key=itemgetter(1)):
        if kind == "introduced" and wanted >= key:
            found = True
        elif (kind == "fixed" and wanted >= key) or (kind == "last_affected" and wanted > key):
            found = False
    return found


def _fixes(record: Record, package: Package) -> Iterator[str]:
    """Yield the versions above ``package`` that a record says are fixed, of ranges that hold it.

    Where none of them holds it (a list of versions says so), of all ranges.
    """
    wanted = _key(package.version, package)
    spans = [span for entry in record.of(package) for span in _ranges(entry)]
    holding = [span for span in spans if _holds(span, wanted, package)]
    for span in holding or spans:
        for kind, version in span:
            key = _key(version, package)
            is_below = key is not None and wanted is not None and key < wanted
            if key is None or is_below or not has_form(version, "version"):
                continue
            if kind == "fixed" and key != wanted:
                yield version
            elif kind == "last_affected":
                yield f">{version}"


def _lowest(fixes: Iterable[str], package: Package) -> str:
    """Return the lowest of ``fixes``; a version that is fixed before one that is only above."""
    known = sorted(fixes)
    exact = [fix for fix in known if not fix.startswith(">")]
    return min(exact or known, key=lambda fix: _key(fix.removeprefix(">"), package), default="")


def _severity(record: Record, package: Package) -> str:
    """Return the rating: of the database where it gives one, else that of the CVSS vector."""
    entries = record.of(package)
    specific = (*(entry.get("database_specific") for entry in entries),
                record.values.get("database_specific"))  # fmt: skip
    for each in map(_mapping, specific):
        word = str(each.get("severity", "")).lower()
        if (rating := _WORDS.get(word, word)) and rating in SEVERITIES:
            return rating
    vectors = [each for entry in entries for each in _mappings(entry.get("severity"))]
    vectors += _mappings(record.values.get("severity"))
    ratings = filter(None, map(_rating, vectors))
    return min(ratings, key=SEVERITIES.index, default="")


def _rating(vector: Mapping[str, Any]) -> str:
    known, score = _CVSS.get(str(vector.get("type"))), vector.get("score")
    if known is None or not isinstance(score, str):
        return ""
    try:
        return str(known(score).severities()[0]).lower()
    except (CVSSError, ArithmeticError, LookupError, ValueError):
        return ""


def _is_negligible(record: Record, package: Package) -> bool:
    urgencies = [
        _mapping(entry.get("ecosystem_specific")).get("urgency") for entry in record.of(package)
    ]
    return bool(urgencies) and all(urgency == _NEGLIGIBLE for urgency in urgencies)


def _ranges(entry: Mapping[str, Any]) -> list[list[tuple[str, str]]]:
    return [
        [
            (kind, version)
            for event in _mappings(each.get("events"))
            for kind, version in event.items()
            if isinstance(version, str)
        ]
        for each in _mappings(entry.get("ranges"))
        if each.get("type") in _RANGES
    ]


def _key(version: str, package: Package) -> Key:
    """Return what sorts a version, None where it is not one of its ecosystem."""
    try:
        return KEYS[package.family](version)
    except ValueError:
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(values: Any) -> list[Mapping[str, Any]]:
    return [each for each in (values if isinstance(values, list) else []) if isinstance(each, dict)]


def _texts(values: Any) -> list[str]:
    return [each for each in (values if isinstance(values, list) else []) if isinstance(each, str)]
