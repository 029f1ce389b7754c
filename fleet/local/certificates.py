"""The registry's certificate: made for loopback names only, by an authority that signs no other."""

import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fleet.local import private_files
from fleet.local.paths import Checkout

_NAME = "image-fleet loopback"
_DAYS = 730
_RENEW_WITHIN = timedelta(days=30)
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
_LOOPBACK = (
    x509.DNSName("localhost"),
    x509.IPAddress(ip_address("127.0.0.1")),
    x509.IPAddress(ip_address("::1")),
)
_NETWORKS = (
    x509.DNSName("localhost"),
    x509.IPAddress(ip_network("127.0.0.0/8")),
    x509.IPAddress(ip_network("::1/128")),
)


def ensure(checkout: Checkout) -> Path:
    """Return the authority's certificate; make it, the server's and the bundle where needed.

    The directory then holds ``ca.pem``, ``server.pem``, ``server.key`` and ``bundle.pem``, which is
    the system's authorities and ours.
    """
    authority = checkout.tls / "ca.pem"
    checkout.make_state()
    if not _is_fresh(checkout.tls / "server.pem"):
        _make(checkout.tls)
    bundle, system = checkout.tls / "bundle.pem", system_bundle(checkout)
    text = b"\n".join(path.read_bytes() for path in (system, authority) if path)
    if not bundle.exists() or bundle.read_bytes() != text:
        bundle.write_bytes(text)
    return authority


def system_bundle(checkout: Checkout) -> Path | None:
    """Return the file of authorities that this machine trusts, never one that a checkout made."""
    named = os.environ.get("SSL_CERT_FILE", "")
    ours = checkout.holds(named) or Path(named).parent.parts[-2:] == checkout.tls.parts[-2:]
    candidates = (named, *_SYSTEM_BUNDLES) if named and not ours else _SYSTEM_BUNDLES
    return next((Path(path) for path in candidates if Path(path).is_file()), None)


def _is_fresh(certificate: Path) -> bool:
    try:
        ends = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return False
    return ends > datetime.now(UTC) + _RENEW_WITHIN


def _make(folder: Path) -> None:
    """Put a new authority and server certificate at ``folder``, both or none."""
    # Nothing else is ever signed by this authority, so its key is written nowhere.
    key, servers = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority, server = _authority(key), _server(key, servers)
    with tempfile.TemporaryDirectory(prefix="tls-", dir=folder.parent) as name:
        made = Path(name)
        encoding, clear = serialization.Encoding.PEM, serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        private_files.write(
            made / "server.key", servers.private_bytes(encoding, form, clear).decode()
        )
        (made / "server.pem").write_bytes(server.public_bytes(encoding))
        (made / "ca.pem").write_bytes(authority.public_bytes(encoding))
        shutil.rmtree(folder, ignore_errors=True)
        private_files.make_folder(folder)
        for path in made.iterdir():
            path.replace(folder / path.name)


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    # The constraint (RFC 5280, section 4.2.1.10) keeps a bundle with our authority as safe as
    # without: it can't vouch for any name outside this machine.
    constraint = x509.NameConstraints(permitted_subtrees=_NETWORKS, excluded_subtrees=None)
    made = _begun(key.public_key(), x509.BasicConstraints(ca=True, path_length=0), signs=True)
    return made.add_extension(constraint, critical=True).sign(key, hashes.SHA256())


def _server(
    authority: ec.EllipticCurvePrivateKey, key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    made = _begun(key.public_key(), x509.BasicConstraints(ca=False, path_length=None), signs=False)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    made = made.add_extension(usage, critical=False).add_extension(issuer, critical=False)
    names = x509.SubjectAlternativeName(_LOOPBACK)
    return made.add_extension(names, critical=False).sign(authority, hashes.SHA256())


def _begun(
    key: ec.EllipticCurvePublicKey, constraints: x509.BasicConstraints, *, signs: bool
) -> x509.CertificateBuilder:
    """Return what both certificates have; ``signs`` is for one that signs certificates."""
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)]), datetime.now(UTC)
    usage = dict.fromkeys(_USAGES, False) | {"key_cert_sign": signs, "digital_signature": not signs}
    return (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key)
        .serial_number(x509.random_serial_number())
        # The clock of a virtual machine may be late.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(constraints, critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
