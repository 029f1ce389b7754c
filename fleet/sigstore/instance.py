"""An instance of Sigstore: who certifies, and what tells when something was signed.

Fulcio: https://github.com/sigstore/fulcio/blob/main/fulcio.proto. Rekor, its version 1 which
Sigstore's signing configuration names: https://github.com/sigstore/rekor/blob/main/openapi.yaml.
Timestamps: https://github.com/sigstore/timestamp-authority/blob/main/openapi.yaml.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fleet.evidence.bundle import envelope
from fleet.evidence.errors import EvidenceError
from fleet.sigstore.service import Service


@dataclass(frozen=True, kw_only=True)
class Instance:
    """The addresses of an instance: a public `log`, or where that is empty, `timestamps`."""

    fulcio: str
    log: str = ""
    timestamps: str = ""


PUBLIC: Final = Instance(fulcio="https://fulcio.sigstore.dev", log="https://rekor.sigstore.dev")
"""Sigstore's own: whatever is signed, its log tells everybody who did it, and of which digest."""

GITHUB: Final = Instance(
    fulcio="https://fulcio.githubapp.com", timestamps="https://timestamp.githubapp.com"
)
"""GitHub's own, of private repositories: it has no log."""


async def certify(
    service: Service, instance: Instance, token: str, public_pem: str, proof: bytes
) -> str:
    """Return a certificate in PEM for a public key; `proof` signs the subject of `token` by it."""
    key = {"algorithm": "ECDSA", "content": public_pem}
    fields = {
        "credentials": {"oidcIdentityToken": token},
        "publicKeyRequest": {"publicKey": key, "proofOfPossession": _base64(proof)},
    }
    url = f"{instance.fulcio}/api/v2/signingCert"
    answer = await service.post(url, fields)
    try:
        # Of a log of certificates, its promise is in the certificate or beside it.
        (found,) = (answer[name] for name in answer if name.startswith("signedCertificate"))
        return str(found["chain"]["certificates"][0])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise EvidenceError(f"POST {url}: the answer has no certificate") from error


async def witnessed(
    service: Service, instance: Instance, certificate_pem: str, payload: bytes, signature: bytes
) -> dict[str, Any]:
    """Return what a bundle has beside its certificate: it tells that it was valid when used."""
    if instance.log:
        entry = await _logged(service, instance, certificate_pem, payload, signature)
        return {"tlogEntries": [entry]}
    digest = hashlib.sha256(signature).digest()
    fields = {"artifactHash": _base64(digest), "hashAlgorithm": "sha256", "certificates": True}
    url = f"{instance.timestamps}/api/v1/timestamp"
    stamp = await service.post_for_bytes(url, fields)
    return {
        "tlogEntries": [],
        "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": _base64(stamp)}]},
    }


async def _logged(
    service: Service, instance: Instance, certificate_pem: str, payload: bytes, signature: bytes
) -> dict[str, Any]:
    """Write an entry of the log, which keeps digests alone; return it as a bundle has it."""
    proposed = {
        "envelope": json.dumps(envelope(payload, signature), separators=(",", ":")),
        "verifiers": [_base64(certificate_pem.encode())],
    }
    fields = {"apiVersion": "0.0.1", "kind": "dsse", "spec": {"proposedContent": proposed}}
    url = f"{instance.log}/api/v1/log/entries"
    answer = await service.post(url, fields)
    try:
        (entry,) = answer.values()
        return _entry(entry)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvidenceError(f"POST {url}: the answer is not an entry of the log") from error


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry in the form of a bundle: numbers as text, and bytes in base64, not in hex."""
    verification = entry["verification"]
    proof = verification["inclusionProof"]
    return {
        "logIndex": str(entry["logIndex"]),
        "logId": {"keyId": _base64_of_hex(entry["logID"])},
        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": str(entry["integratedTime"]),
        "inclusionPromise": {"signedEntryTimestamp": verification["signedEntryTimestamp"]},
        "inclusionProof": {
            "logIndex": str(proof["logIndex"]),
            "rootHash": _base64_of_hex(proof["rootHash"]),
            "treeSize": str(proof["treeSize"]),
            "hashes": [_base64_of_hex(each) for each in proof["hashes"]],
            "checkpoint": {"envelope": proof["checkpoint"]},
        },
        "canonicalizedBody": entry["body"],
    }


def _base64_of_hex(text: str) -> str:
    return _base64(bytes.fromhex(text))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
