"""An authority for a node's certificates: one for the node, one for its client."""

import subprocess
from pathlib import Path

_SETTINGS = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = node of a test
[authority]
basicConstraints = critical,CA:TRUE
subjectKeyIdentifier = hash
[node]
extendedKeyUsage = serverAuth
subjectAltName = DNS:node.test,IP:127.0.0.1
[client]
extendedKeyUsage = clientAuth
"""
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


def make(folder: Path) -> Path:
    """Put ``ca``, ``node`` and ``client`` certificates and keys into ``folder``; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "openssl.cnf").write_text(_SETTINGS)
    _sign(folder, "ca", "authority")
    for name in ("node", "client"):
        _sign(folder, name, name, "-CA", "ca.pem", "-CAkey", "ca.key")
    return folder


def options(folder: Path) -> dict[str, str]:
    """Return the options of a remote node that a client with this authority has."""
    return {
        "cacert": str(folder / "ca.pem"),
        "cert": str(folder / "client.pem"),
        "key": str(folder / "client.key"),
    }


def _sign(folder: Path, name: str, extensions: str, *more: str) -> None:
    base = ("openssl", "req", "-config", "openssl.cnf", "-x509", "-sha256", *_KEY)
    files = ("-extensions", extensions, "-keyout", f"{name}.key", "-out", f"{name}.pem")
    subprocess.run([*base, *files, *more], cwd=folder, check=True, capture_output=True)
