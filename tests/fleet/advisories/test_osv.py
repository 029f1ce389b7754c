"""Which versions a record of OSV's affects, and what is made of several."""

from typing import Any

import pytest

from fleet.advisories.osv import findings, record
from fleet.advisories.package import AdvisoryError, Package, distribution
from fleet.lock.advisories import Advisory
from tests.fleet.advisories.records import (
    BUSYBOX,
    GHSA,
    H11,
    OPENSSL,
    V3,
    V4,
    affected,
    ghsa,
    osv,
)

_SPANS = [("introduced", "1.0"), ("fixed", "1.2"), ("introduced", "2.0"), ("fixed", "2.5")]


def made(*values: Any) -> list[Any]:
    return [record(each, "here") for each in values]


@pytest.mark.parametrize(
    ("version", "hit"),
    [
        ("0.9", False),
        ("1.0", True),
        ("1.2", False),
        ("1.9", False),
        ("2.4.9", True),
        ("2.5", False),
    ],
)
def test_a_version_is_in_one_of_several_ranges(version: str, hit: bool) -> None:
    package = distribution("h11", version)
    shuffled = affected(package, *reversed(_SPANS))
    (one,) = made(osv("GHSA-1", shuffled))
    assert one.affects(package) is hit


def test_the_fix_is_the_lowest_above_of_the_range_that_holds_it() -> None:
    package = distribution("h11", "1.1")
    assert findings(package, made(osv("GHSA-1", affected(package, *_SPANS))))[0].fixed == "1.2"


def test_what_is_last_affected_is_and_any_version_above_helps() -> None:
    entry = affected(H11, ("introduced", "0"), ("last_affected", "0.14.0"))
    (one,) = made(osv("GHSA-1", entry))
    assert one.affects(H11)
    assert not one.affects(distribution("h11", "0.14.1"))
    (found,) = findings(H11, [one])
    assert (found.fixed, found.is_fixable) == (">0.14.0", True)


def test_a_list_of_versions_affects_those_in_it() -> None:
    package = distribution("h11", "0.14")
    (one,) = made(osv("PYSEC-1", affected(H11, versions=["0.13.0", "0.14.0"])))
    assert one.affects(package), "the same by PEP 440"
    assert not one.affects(distribution("h11", "0.15.0"))


def test_a_limit_ends_a_range() -> None:
    entry = affected(H11, ("introduced", "0"), ("limit", "0.14.0"))
    assert not made(osv("X-1", entry))[0].affects(H11)


@pytest.mark.parametrize(
    ("package", "fixed", "hit"),
    [
        (OPENSSL, "3.5.1-1+deb13u1", True),
        (OPENSSL, "3.5.1-1", False),
        (OPENSSL, "0", False),
        (BUSYBOX, "1.37.0-r19", True),
        (BUSYBOX, "1.37.0-r18", False),
        (H11, "0.14.0.post1", True),
    ],
)
def test_each_ecosystem_has_its_order(package: Package, fixed: str, hit: bool) -> None:
    (one,) = made(osv("X-1", affected(package, ("introduced", "0"), ("fixed", fixed))))
    assert one.affects(package) is hit


def test_another_release_of_a_system_is_not_meant() -> None:
    older = Package(ecosystem="Debian:12", name="openssl", version="3.0.15-1~deb12u1")
    (one,) = made(osv("X-1", affected(OPENSSL, ("introduced", "0"))))
    assert one.affects(OPENSSL)
    assert not one.affects(older)
    every = Package(ecosystem="Debian", name="openssl", version="")
    assert made(osv("X-1", affected(every, ("introduced", "0"))))[0].affects(older)


def test_what_can_not_be_read_affects_rather_than_not() -> None:
    for events in ([("introduced", "2004d")], [("introduced", "0"), ("fixed", "next week")]):
        assert made(osv("X-1", affected(H11, *events)))[0].affects(H11)
    legacy = distribution("h11", "2004d")
    assert made(osv("X-1", affected(H11, ("introduced", "0"), ("fixed", "0.16"))))[0].affects(
        legacy
    )


@pytest.mark.parametrize(
    "values",
    [
        [], {}, {"id": 7}, {"id": "a b"}, osv("X-1") | {"affected": "all"},
        osv("X-1", {"ranges": [[]]}), osv("X-1", {"ranges": [{"events": {"introduced": "0"}}]}),
    ],
)  # fmt: skip
def test_what_is_not_a_record_is_refused(values: Any) -> None:
    with pytest.raises(AdvisoryError, match="here: not a record of OSV"):
        record(values, "here")


def test_several_records_of_the_same_are_one_finding() -> None:
    pysec = osv(
        "PYSEC-2025-7", affected(H11, ("introduced", "0"), ("fixed", "0.16.0")),
        aliases=["CVE-2025-43859", GHSA],
    )  # fmt: skip
    cve = osv("CVE-2025-43859", affected(H11, ("introduced", "0")))
    assert findings(H11, made(cve, pysec, ghsa())) == (
        Advisory(
            id=GHSA, aliases=("CVE-2025-43859", "PYSEC-2025-7"), severity="critical",
            fixed="0.16.0",
        ),
    )  # fmt: skip


def test_records_that_a_third_one_joins_are_one_finding() -> None:
    one = osv("GHSA-1", affected(H11, ("introduced", "0")))
    other = osv("PYSEC-1", affected(H11, ("introduced", "0")))
    third = osv("ZZZ-1", affected(H11, ("introduced", "0")), aliases=["GHSA-1", "PYSEC-1"])
    assert len(findings(H11, made(one, other))) == 2
    assert [each.id for each in findings(H11, made(one, other, third))] == ["GHSA-1"]


def test_debian_s_records_of_a_cve_and_of_its_collection_are_one_finding() -> None:
    span = affected(OPENSSL, ("introduced", "0"), ("fixed", "3.5.1-1+deb13u1"))
    own = [osv(f"DEBIAN-CVE-2026-{n}", span, upstream=[f"CVE-2026-{n}"]) for n in (1, 2)]
    collection = osv("DSA-6000-1", span, upstream=["CVE-2026-1", "CVE-2026-2"])
    found = findings(OPENSSL, made(*own, collection))
    assert [(each.id, each.aliases) for each in found] == [
        ("DEBIAN-CVE-2026-1", ("CVE-2026-1",)), ("DEBIAN-CVE-2026-2", ("CVE-2026-2",)),
    ]  # fmt: skip
    assert [each.id for each in findings(OPENSSL, made(own[0], collection))] == [
        "DEBIAN-CVE-2026-1",
        "DSA-6000-1",
    ], "which is about more"


def test_what_was_withdrawn_or_is_unimportant_is_no_finding() -> None:
    withdrawn = ghsa(withdrawn="2026-11-02T00:00:00Z")
    assert findings(H11, made(withdrawn)) == ()
    urgency = {"ecosystem_specific": {"urgency": "unimportant"}}
    entry = affected(OPENSSL, ("introduced", "0"), **urgency)
    assert findings(OPENSSL, made(osv("DEBIAN-CVE-2026-3", entry))) == ()


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({"severity": [V3]}, "critical"),
        ({"severity": [V4]}, "medium"),
        ({"severity": [V4, V3]}, "critical"),
        ({"severity": [V3], "database_specific": {"severity": "MODERATE"}}, "medium"),
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}]}, ""),
        ({"severity": [{"type": "Ubuntu", "score": "low"}]}, ""),
        ({"severity": [], "database_specific": {"severity": ["HIGH"]}}, ""),
    ],
)
def test_the_severity_is_the_database_s_or_that_of_a_vector(
    more: dict[str, Any], severity: str
) -> None:
    assert findings(H11, made(ghsa(**more)))[0].severity == severity


def test_what_can_be_fixed_comes_first_then_the_worst() -> None:
    unfixed = osv("GHSA-0", affected(H11, ("introduced", "0")), severity=[V3])
    low = osv(
        "GHSA-2", affected(H11, ("introduced", "0"), ("fixed", "1.0")),
        database_specific={"severity": "LOW"},
    )  # fmt: skip
    assert [each.id for each in findings(H11, made(unfixed, low, ghsa()))] == [
        GHSA,
        "GHSA-2",
        "GHSA-0",
    ]


def test_a_malicious_release_can_be_helped_without_a_fix() -> None:
    (found,) = findings(H11, made(osv("MAL-2026-1", affected(H11, versions=["0.14.0"]))))
    assert (found.fixed, found.is_fixable) == ("", True)
