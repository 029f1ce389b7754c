"""Debian's security archive: which fixes a base has not applied."""

import lzma

import pytest

from fleet.advisories.debian_index import DebianIndex
from fleet.advisories.package import AdvisoryError, Package
from fleet.lock.advisories import Advisory
from tests.fleet.advisories.records import BUSYBOX, H11, OPENSSL
from tests.fleet.advisories.service import Fault, Service, body, client, served, status

_SOURCES = b"""\
Package: openssl
Binary: libssl3t64, openssl
Version: 3.5.1-1+deb13u1
Package-List:
 openssl deb utils optional arch=any

Package: openssl
Version: 3.5.1-1+deb13u2

Package: glibc
Version: 2.41-11
"""


def asked(*packages: Package, fault: Fault | None = None) -> dict[Package, Advisory]:
    service = Service(faults=[fault or body(lzma.compress(_SOURCES))])
    with served(service), client() as ours:
        return dict(DebianIndex(service.url, ours)(packages))


def test_a_fix_that_a_base_lacks_is_a_finding() -> None:
    glibc = Package(ecosystem="Debian:13", name="glibc", version="2.41-12")
    assert asked(OPENSSL, glibc, H11, BUSYBOX) == {
        OPENSSL: Advisory(id="trixie-security/openssl", fixed="3.5.1-1+deb13u2")
    }


@pytest.mark.parametrize(
    "fault",
    [
        status(404), body(_SOURCES), body(lzma.compress(_SOURCES)[:-9]), body(lzma.compress(b"")),
        body(lzma.compress(b"Package: openssl\n")),
    ],
)  # fmt: skip
def test_an_archive_that_can_not_be_read_is_an_error(fault: Fault) -> None:
    with pytest.raises(AdvisoryError):
        asked(OPENSSL, fault=fault)


def test_a_release_of_unknown_name_is_an_error() -> None:
    with pytest.raises(AdvisoryError, match="Debian 99: its codename"):
        asked(Package(ecosystem="Debian:99", name="openssl", version="1"))


def test_a_version_that_is_not_one_of_debian_is_an_error_and_no_crash() -> None:
    listed = b"Package: openssl\nVersion: 1_2\n"
    with pytest.raises(AdvisoryError, match="1_2 is not a version of Debian"):
        asked(OPENSSL, fault=body(lzma.compress(listed)))
    odd = Package(ecosystem="Debian:13", name="openssl", version="1_2")
    with pytest.raises(AdvisoryError, match="1_2 is not a version of Debian"):
        asked(odd)
