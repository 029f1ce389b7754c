"""Records as the databases behind OSV write them, made up but for their form."""

from typing import Any

from fleet.advisories.package import Package, distribution

GHSA = "GHSA-vqfr-h8mv-ghfj"
H11 = distribution("h11", "0.14.0")
OPENSSL = Package(ecosystem="Debian:13", name="openssl", version="3.5.1-1")
BUSYBOX = Package(ecosystem="Alpine:v3.22", name="busybox", version="1.37.0-r18")
V3 = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N"}
V4 = {
    "type": "CVSS_V4",
    "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:L/VA:N/SC:N/SI:N/SA:N",
}


def affected(package: Package, *events: tuple[str, str], **more: Any) -> dict[str, Any]:
    """An entry on a package with one range of these events."""
    ranges = [{"type": "ECOSYSTEM", "events": [{kind: version} for kind, version in events]}]
    return {
        "package": {"ecosystem": package.ecosystem, "name": package.name},
        **({"ranges": ranges} if events else {}),
        **more,
    }


def osv(name: str, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A record of OSV's."""
    return {"id": name, "modified": "2026-11-01T00:00:00Z", "affected": list(entries), **more}


def ghsa(fixed: str = "0.16.0", **more: Any) -> dict[str, Any]:
    """Return GitHub's record of h11."""
    span = affected(H11, ("introduced", "0"), ("fixed", fixed))
    return osv(
        GHSA, span, **{"aliases": ["CVE-2025-43859"], "severity": [V3], **more},
    )  # fmt: skip
