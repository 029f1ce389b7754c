"""The registry's certificate: for loopback names only, signed by itself, good to sign no other."""

import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fleet.local import private_files, reach
from fleet.local.paths import Checkout

_NAME = "image-fleet loopback"
_DAYS = 730
_RENEW_WITHIN = timedelta(days=30)
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
_LOOPBACK = (
    x509.DNSName("localhost"),
    x509.IPAddress(ip_address("127.0.0.1")),
    x509.IPAddress(ip_address("::1")),
)


def ensure(checkout: Checkout) -> Path:
    """Return the certificate, which a client of the registry trusts; make the files where needed.

    The directory then holds it as ``server.pem``, its ``server.key``, and ``bundle.pem``, which is
    the system's authorities and the certificate.
    """
    trusted = checkout.tls / "server.pem"
    checkout.make_state()
    if not _is_fresh(trusted):
        _make(checkout.tls)
    bundle, system = checkout.tls / "bundle.pem", system_bundle(checkout)
    text = b"\n".join(path.read_bytes() for path in (system, trusted) if path)
    if not bundle.exists() or bundle.read_bytes() != text:
        bundle.write_bytes(text)
    return trusted


def system_bundle(checkout: Checkout) -> Path | None:
    """Return the file of authorities that this machine trusts, never one that a checkout made."""
    named = os.environ.get("SSL_CERT_FILE", "")
    ours = checkout.holds(named) or Path(named).parent.parts[-2:] == checkout.tls.parts[-2:]
    candidates = (named, *_SYSTEM_BUNDLES) if named and not ours else _SYSTEM_BUNDLES
    return next((Path(path) for path in candidates if reach.is_file(Path(path))), None)


def _is_fresh(certificate: Path) -> bool:
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        # One that an authority signed is trusted by no client that has this certificate alone.
        found.verify_directly_issued_by(found)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    return found.not_valid_after_utc > datetime.now(UTC) + _RENEW_WITHIN


def _make(folder: Path) -> None:
    """Put a new certificate and its key at ``folder``, both or none."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(key).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with tempfile.TemporaryDirectory(prefix="tls-", dir=folder.parent) as name:
        made = Path(name)
        private_files.write(made / "server.key", private.decode())
        (made / "server.pem").write_bytes(certificate)
        shutil.rmtree(folder, ignore_errors=True)
        private_files.make_folder(folder)
        for path in made.iterdir():
            path.replace(folder / path.name)


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    # It can sign no other certificate, so who trusts the bundle trusts no other host by it.
    no_authority = x509.BasicConstraints(ca=False, path_length=None)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)]), datetime.now(UTC)
    return (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        # The clock of a virtual machine may be late.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(no_authority, critical=True)
        .add_extension(usage, critical=False)
        .add_extension(x509.SubjectAlternativeName(_LOOPBACK), critical=False)
        .sign(key, hashes.SHA256())
    )
