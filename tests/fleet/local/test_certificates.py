"""The registry's certificate and the bundle."""

import ssl
import subprocess
from pathlib import Path

import pytest

from fleet.local import certificates
from tests.fleet.local import authority
from tests.fleet.local.examples import checkout


def handshake(authority: Path, folder: Path, name: str) -> None:
    """Let a client that trusts ``authority`` meet the server as ``name``, in memory."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(folder / "server.pem", folder / "server.key")
    client_side = ssl.create_default_context(cafile=str(authority))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server, client, server, client]
    for side in waiting:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert client.version() == "TLSv1.3"


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_client_that_trusts_the_certificate_accepts_the_server_by_every_loopback_name(
    tmp_path: Path, name: str
) -> None:
    here = checkout(tmp_path)
    handshake(certificates.ensure(here), here.tls, name)


def test_a_certificate_that_an_authority_signed_is_made_again(tmp_path: Path) -> None:
    """Clients trust the certificate itself, and know of no authority."""
    here, other = checkout(tmp_path), authority.make(tmp_path / "other")
    certificates.ensure(here)
    (here.tls / "server.pem").write_bytes((other / "node.pem").read_bytes())
    handshake(certificates.ensure(here), here.tls, "localhost")


def test_another_name_is_refused(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    trusted = certificates.ensure(here)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(trusted, here.tls, "registry.example.org")


def test_the_certificate_is_for_loopback_names_alone_and_can_sign_no_other(
    tmp_path: Path,
) -> None:
    here = checkout(tmp_path)
    trusted = certificates.ensure(here)
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-text", "-in", str(trusted)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "CA:FALSE" in shown
    names = "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1"
    assert names in shown
    assert {p.name for p in here.tls.iterdir()} == {"bundle.pem", "server.key", "server.pem"}
    assert (here.tls / "server.key").stat().st_mode & 0o077 == 0


def test_a_certificate_that_is_fresh_is_kept(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    before = certificates.ensure(here).read_bytes()
    assert certificates.ensure(here).read_bytes() == before


def test_a_certificate_near_its_end_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = checkout(tmp_path)
    monkeypatch.setattr(certificates, "_DAYS", 29)
    before = certificates.ensure(here).read_bytes()
    monkeypatch.setattr(certificates, "_DAYS", 31)
    trusted = certificates.ensure(here)
    assert trusted.read_bytes() != before
    assert trusted.read_bytes() in (here.tls / "bundle.pem").read_bytes()
    handshake(trusted, here.tls, "localhost")


def test_the_bundle_holds_what_the_machine_trusts_and_follows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, system = checkout(tmp_path), tmp_path / "system.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(system))
    for text in (b"first\n", b"second\n"):
        system.write_bytes(text)
        trusted = certificates.ensure(here)
        assert (here.tls / "bundle.pem").read_bytes() == text + b"\n" + trusted.read_bytes()


def test_a_bundle_of_ours_is_never_taken_for_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = checkout(tmp_path)
    certificates.ensure(here)
    monkeypatch.setenv("SSL_CERT_FILE", str(here.tls / "bundle.pem"))
    assert certificates.system_bundle(here) != here.tls / "bundle.pem"


def test_a_bundle_of_another_checkout_is_not_taken_for_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other" / ".fleet" / "tls" / "bundle.pem"
    other.parent.mkdir(parents=True)
    other.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    assert certificates.system_bundle(checkout(tmp_path)) != other


def test_a_bundle_of_the_users_in_a_folder_of_the_same_name_is_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "pki" / "tls" / "company.pem"
    theirs.parent.mkdir(parents=True)
    theirs.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(theirs))
    assert certificates.system_bundle(checkout(tmp_path)) == theirs
