"""Stand-ins for GitHub's tokens and attestations, Fulcio, Rekor and a timestamp authority.

They answer by what their services document, with authorities made for the test; `openssl` signs
the timestamps. Nothing here is the project's own code.
"""

import base64
import hashlib
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

IDENTITY = "https://github.com/acme/fleet/.github/workflows/up.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:acme/fleet:environment:registry"
ENVIRONMENT = {
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://pipelines.test/token?api-version=2.0",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "asking",
    "FLEET_ATTESTATIONS_TOKEN": "attesting",
    "GITHUB_API_URL": "https://api.github.com",
    "GITHUB_REPOSITORY": "acme/fleet",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_RUN_ID": "7",
    "GITHUB_RUN_ATTEMPT": "1",
}

_TSA = """[tsa]
default_tsa = here
[here]
serial = {folder}/serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
"""


class FakeSigstore:
    """All services at once; `visibility` is that of the repository, `identity` who is certified.

    `requests` are what was asked, `attestations` what GitHub stores.
    """

    def __init__(self, folder: Path, visibility: str = "public", identity: str = IDENTITY) -> None:
        self.visibility, self.identity = visibility, identity
        self.refuses = ""
        self.requests: list[str] = []
        self.attestations: list[dict[str, Any]] = []
        self._folder = folder
        self._key, self._ca = _authority()
        self._log_key = ec.generate_private_key(ec.SECP256R1())
        self._token = ""

    def open(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._streamed))

    @property
    def authorities(self) -> tuple[bytes, ...]:
        return (self._ca.public_bytes(serialization.Encoding.DER),)

    def trusted_root(self) -> dict[str, Any]:
        """Return what a verifier has to know, in the form of `gh attestation trusted-root`."""
        chain = {"certificates": [{"rawBytes": _b64(self.authorities[0])}]}
        since = {"start": "2020-01-01T00:00:00Z"}
        subject = {"organization": "test", "commonName": "authority"}
        authority = {"subject": subject, "certChain": chain, "validFor": since}
        public = {
            "rawBytes": _b64(_spki(self._log_key)),
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": since,
        }
        log = {
            "baseUrl": "https://rekor.sigstore.dev",
            "hashAlgorithm": "SHA2_256",
            "publicKey": public,
            "logId": {"keyId": _b64(self._log_id)},
        }
        in_public = self.visibility == "public"
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log] if in_public else [],
            "certificateAuthorities": [{**authority, "uri": "https://fulcio.test"}],
            "ctlogs": [],
            "timestampAuthorities": [] if in_public else [{**authority, **self._tsa_chain()}],
        }

    @property
    def _log_id(self) -> bytes:
        return hashlib.sha256(_spki(self._log_key)).digest()

    def _streamed(self, request: httpx.Request) -> httpx.Response:
        """The answer as it comes from a connection: a stream that nobody read before."""
        made = self._answer(request)
        stream = httpx.ByteStream(made.content)
        return httpx.Response(made.status_code, headers=made.headers, stream=stream)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        place = f"{request.method} {request.url.host}{request.url.path}"
        self.requests.append(place)
        if self.refuses and self.refuses in place:
            return httpx.Response(403, json={"message": "not here"})
        body = json.loads(request.content) if request.content else {}
        if request.url.host == "api.github.com":
            return self._attest(request, body)
        if request.url.host == "pipelines.test":
            return self._identify(request)
        services = {
            "fulcio.sigstore.dev/api/v2/signingCert": self._certify,
            "fulcio.githubapp.com/api/v2/signingCert": self._certify,
            "rekor.sigstore.dev/api/v1/log/entries": self._log,
            "timestamp.githubapp.com/api/v1/timestamp": self._stamp,
        }
        return services[place.removeprefix("POST ")](body)

    def _attest(self, request: httpx.Request, body: dict[str, Any]) -> httpx.Response:
        assert (request.method, request.url.path) == ("POST", "/repos/acme/fleet/attestations")
        assert request.headers["Authorization"] == "Bearer attesting"
        self.attestations.append(body["bundle"])
        return httpx.Response(201, json={"id": len(self.attestations)})

    def _identify(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer asking"
        assert request.url.params["audience"] == "sigstore"
        claims = {"sub": SUBJECT, "iss": ISSUER, "repository_visibility": self.visibility}
        parts = [json.dumps(part).encode() for part in ({"alg": "RS256"}, claims)]
        self._token = ".".join(
            [*(base64.urlsafe_b64encode(p).decode().rstrip("=") for p in parts), "x"]
        )
        return httpx.Response(200, json={"value": self._token})

    def _certify(self, body: dict[str, Any]) -> httpx.Response:
        assert body["credentials"]["oidcIdentityToken"] == self._token
        asked = body["publicKeyRequest"]
        public = serialization.load_pem_public_key(asked["publicKey"]["content"].encode())
        assert isinstance(public, ec.EllipticCurvePublicKey)
        proof = base64.b64decode(asked["proofOfPossession"])
        public.verify(proof, SUBJECT.encode(), ec.ECDSA(hashes.SHA256()))
        issuer = ISSUER.encode()
        leaf = (
            _certificate("signer", public, self._ca.subject, minutes=10)
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(self.identity)]),
                critical=True,
            )
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False
            )
            .add_extension(
                x509.UnrecognizedExtension(
                    x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8"),
                    bytes([0x0C, len(issuer)]) + issuer,
                ),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        chain = {"certificates": [_pem(leaf), _pem(self._ca)]}
        return httpx.Response(201, json={"signedCertificateEmbeddedSct": {"chain": chain}})

    def _log(self, body: dict[str, Any]) -> httpx.Response:
        assert (body["kind"], body["apiVersion"]) == ("dsse", "0.0.1")
        proposed = body["spec"]["proposedContent"]
        envelope = json.loads(proposed["envelope"])
        spec = {
            "envelopeHash": _hash(proposed["envelope"].encode()),
            "payloadHash": _hash(base64.b64decode(envelope["payload"])),
            "signatures": [
                {
                    "signature": envelope["signatures"][0]["sig"],
                    "verifier": proposed["verifiers"][0],
                }
            ],
        }
        entry = _canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})
        # A log of this one entry: its hash is the root of the tree (RFC 6962, section 2.1).
        root = hashlib.sha256(b"\0" + entry).digest()
        promised = {
            "body": _b64(entry),
            "integratedTime": int(datetime.now(UTC).timestamp()),
            "logID": self._log_id.hex(),
            "logIndex": 0,
        }
        note = f"rekor.test - 1\n1\n{_b64(root)}\n"
        signature = _b64(self._log_id[:4] + self._sign(note.encode()))
        proof = {
            "checkpoint": f"{note}\n\N{EM DASH} rekor.test {signature}\n",
            "hashes": [],
            "logIndex": 0,
            "rootHash": root.hex(),
            "treeSize": 1,
        }
        verification = {
            "inclusionProof": proof,
            "signedEntryTimestamp": _b64(self._sign(_canonical(promised))),
        }
        return httpx.Response(201, json={"id": {**promised, "verification": verification}})

    def _sign(self, message: bytes) -> bytes:
        return self._log_key.sign(message, ec.ECDSA(hashes.SHA256()))

    def _tsa_chain(self) -> dict[str, Any]:
        found = x509.load_pem_x509_certificate(self._tsa().read_bytes())
        certificates = [_b64(found.public_bytes(serialization.Encoding.DER))]
        certificates.append(_b64(self.authorities[0]))
        return {"certChain": {"certificates": [{"rawBytes": raw} for raw in certificates]}}

    def _tsa(self) -> Path:
        path = self._folder / "tsa.pem"
        if not path.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            made = (
                _certificate("stamps", key.public_key(), self._ca.subject)
                .add_extension(stamping, critical=True)
                .add_extension(_usage(signs=False), critical=True)
                .sign(self._key, hashes.SHA256())
            )
            path.write_text(_pem(made))
            (self._folder / "tsa.key").write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
            (self._folder / "tsa.cnf").write_text(_TSA.format(folder=self._folder))
            (self._folder / "serial").write_text("01\n")
        return path

    def _stamp(self, body: dict[str, Any]) -> httpx.Response:
        assert body["hashAlgorithm"] == "sha256"
        digest = base64.b64decode(body["artifactHash"]).hex()
        folder, signer = self._folder, self._tsa()
        asked, reply = folder / "asked.tsq", folder / "reply.tsr"
        query = ["openssl", "ts", "-query", "-digest", digest, "-sha256", "-no_nonce", "-cert"]
        answer = ["openssl", "ts", "-reply", "-queryfile", str(asked), "-signer", str(signer)]
        answer += ["-inkey", str(folder / "tsa.key"), "-config", str(folder / "tsa.cnf")]
        for argv, file in ((query, asked), (answer, reply)):
            subprocess.run([*argv, "-out", str(file)], check=True, capture_output=True)
        return httpx.Response(201, content=reply.read_bytes())


def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("authority")
    made = (
        _certificate("authority", key.public_key(), name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return key, made


def _certificate(
    name: str, key: ec.EllipticCurvePublicKey, issuer: x509.Name, minutes: int = 600
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1 if minutes < 60 else 60))
        .not_valid_after(now + timedelta(minutes=minutes))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    """Return the usage of a key: certificates, or else anything that is signed."""
    return x509.KeyUsage(
        digital_signature=not signs, key_cert_sign=signs, crl_sign=signs, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _name(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "test"),
            x509.NameAttribute(NameOID.COMMON_NAME, text),
        ]
    )


def _spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _hash(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
