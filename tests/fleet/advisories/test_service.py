"""Asking OSV's service: what it is asked, its pages, and its faults, of which none is "none"."""

import json

import pytest

from fleet.advisories.package import AdvisoryError, distribution
from fleet.advisories.service import OsvService
from tests.fleet.advisories.records import BUSYBOX, GHSA, H11, OPENSSL, affected, ghsa, osv
from tests.fleet.advisories.service import (
    Fault,
    Service,
    body,
    client,
    lost,
    served,
    silent,
    status,
)

_PURL = "pkg:pypi/h11@0.14.0"
_DEBIAN = "Debian:13 openssl 3.5.1-1"


def known() -> Service:
    span = affected(OPENSSL, ("introduced", "0"))
    return Service(
        pages={_PURL: [[GHSA]], _DEBIAN: [["DEBIAN-CVE-2026-1"], ["DEBIAN-CVE-2026-2"]]},
        records={
            GHSA: ghsa(),
            **{f"DEBIAN-CVE-2026-{n}": osv(f"DEBIAN-CVE-2026-{n}", span) for n in (1, 2)},
        },
    )


def test_each_is_asked_by_its_own_name_in_one_request_and_all_pages_are_read() -> None:
    with served(known()) as service, client() as ours:
        found = OsvService(service.url, ours)([H11, OPENSSL, BUSYBOX])
    assert {each: [one.id for one in records] for each, records in found.items()} == {
        H11: [GHSA], OPENSSL: ["DEBIAN-CVE-2026-1", "DEBIAN-CVE-2026-2"], BUSYBOX: [],
    }  # fmt: skip
    (_, first), (_, second), *details = service.asked
    named = {"ecosystem": "Debian:13", "name": "openssl"}
    assert {"package": {"purl": _PURL}} in first
    assert {"package": named, "version": "3.5.1-1"} in first
    assert len(first) == 3
    assert second == [{"package": named, "version": "3.5.1-1", "page_token": "1"}]
    assert len(details) == 3


def test_many_are_asked_in_batches_and_a_record_once() -> None:
    many = [distribution("h11", f"0.{n}") for n in range(1500)]
    with served(known()) as service, client() as ours:
        source = OsvService(service.url, ours)
        source([*many, H11])
        source([H11])
    batches = [len(queries) for path, queries in service.asked if path == "/v1/querybatch"]
    assert batches == [1000, 501, 1]
    assert [path for path, _ in service.asked].count(f"/v1/vulns/{GHSA}") == 1


@pytest.mark.parametrize("fault", [status(429, Retry_After="7"), status(500), status(503), lost])
def test_a_fault_that_passes_costs_nothing_but_a_wait(fault: Fault) -> None:
    waits: list[float] = []
    service = known()
    service.faults = [fault, None, fault]
    with served(service), client(waits) as ours:
        assert OsvService(service.url, ours)([H11])[H11][0].id == GHSA
    assert len(waits) == 2


_MALFORMED = {
    "not JSON": body(b"{"),
    "a list": body(b"[]"),
    "too few results": body(b'{"results": []}'),
    "no list of results": body(b'{"results": {"vulns": []}}'),
    "a result that is none": body(b'{"results": [7]}'),
    "identifiers that are none": body(b'{"results": [{"vulns": [{"id": "../../etc"}]}]}'),
    "a token that is none": body(b'{"results": [{"vulns": [], "next_page_token": 7}]}'),
    "huge": body(b" " * (33 * 1024 * 1024)),
    "a refusal": status(403),
    "another address": status(302, Location="http://127.0.0.1:1/"),
}


@pytest.mark.parametrize("fault", [*_MALFORMED.values()], ids=[*_MALFORMED])
def test_an_answer_that_makes_no_sense_is_an_error_and_never_none(fault: Fault) -> None:
    service = known()
    service.faults = [fault]
    with (
        served(service),
        client() as ours,
        pytest.raises(AdvisoryError, match=r"http://127\.0\.0\.1:[0-9]+ can't be asked about adv"),
    ):
        OsvService(service.url, ours)([H11])


@pytest.mark.parametrize("fault", [status(429), status(500), lost, silent])
def test_a_service_that_does_not_recover_is_an_error(fault: Fault) -> None:
    service = known()
    service.faults = [fault] * 9
    with served(service), client(deadline=0.2) as ours, pytest.raises(AdvisoryError):
        OsvService(service.url, ours)([H11])


@pytest.mark.parametrize(
    "record", [None, {"id": "GHSA-other", "affected": []}, [], {"id": GHSA, "affected": "all"}]
)
def test_a_record_that_is_missing_or_another_is_an_error(record: object) -> None:
    service = known()
    service.faults = [None, body(json.dumps(record).encode()) if record else status(404)]
    with served(service), client() as ours, pytest.raises(AdvisoryError, match="/v1/vulns/"):
        OsvService(service.url, ours)([H11])


def test_pages_without_end_are_an_error() -> None:
    service = Service(pages={_PURL: [[] for _ in range(60)]})
    with served(service), client() as ours, pytest.raises(AdvisoryError, match="50 pages"):
        OsvService(service.url, ours)([H11])
