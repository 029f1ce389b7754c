"""The registry's certificate: made for loopback names only, by an authority that signs no other."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from fleet.console import TroubleError
from fleet.local import private_files
from fleet.local.child_environment import run
from fleet.local.paths import Checkout

_NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"
_DAYS = "730"
_RENEW_WITHIN = str(30 * 24 * 3600)
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
# The constraint (RFC 5280, section 4.2.1.10) keeps a bundle with our authority as safe as without:
# it can't vouch for any name outside this machine.
_SETTINGS = f"""\
[req]
distinguished_name = name
prompt = no
[name]
CN = image-fleet loopback
[authority]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
nameConstraints = critical,permitted;DNS:localhost,\
permitted;IP:127.0.0.0/255.0.0.0,permitted;IP:::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = {_NAMES}
"""
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def ensure(checkout: Checkout) -> Path:
    """Return the authority's certificate; make it, the server's and the bundle where needed.

    The directory then holds ``ca.pem``, ``server.pem``, ``server.key`` and ``bundle.pem``, which is
    the system's authorities and ours.

    :raises TroubleError: when the ``openssl`` command is missing or fails.
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
    if not certificate.exists():
        return False
    argv = ["openssl", "x509", "-checkend", _RENEW_WITHIN, "-noout", "-in", str(certificate)]
    return _openssl(argv).returncode == 0


def _make(folder: Path) -> None:
    """Put a new authority and server certificate at ``folder``, both or none."""
    with tempfile.TemporaryDirectory(prefix="tls-", dir=folder.parent) as name:
        made = Path(name)
        (made / "openssl.cnf").write_text(_SETTINGS)
        common = ["openssl", "req", "-config", "openssl.cnf", "-x509", "-sha256", "-days", _DAYS]
        authority = ["-extensions", "authority", "-keyout", "ca.key", "-out", "ca.pem"]
        server = ["-extensions", "server", "-keyout", "server.key", "-out", "server.pem"]
        for words in (authority, [*server, "-CA", "ca.pem", "-CAkey", "ca.key"]):
            result = _openssl([*common, *_KEY, *words], made)
            if result.returncode:
                raise TroubleError(f"openssl could not make a certificate: {result.stderr.strip()}")
        shutil.rmtree(folder, ignore_errors=True)
        private_files.make_folder(folder)
        # Nothing else is ever signed by this authority, so nobody needs its key any more.
        for kept in ("ca.pem", "server.key", "server.pem"):
            (made / kept).replace(folder / kept)


def _openssl(argv: list[str], folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    try:
        return run(argv, cwd=folder)
    except FileNotFoundError:
        raise TroubleError("the openssl command is missing. Install the package openssl.") from None
