"""Keyless signatures: a key for minutes, certified to be that of a workflow on GitHub."""

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx

from fleet.evidence.bundle import bundle_of, encoded
from fleet.evidence.errors import EvidenceError
from fleet.evidence.identity import Identity, names_in
from fleet.evidence.keys import SigningKey, new_key
from fleet.evidence.statement import PROVENANCE, Statement
from fleet.http.exchange import Exchange
from fleet.http.opening import open_http
from fleet.http.retry import RetryPolicy
from fleet.sigstore.instance import GITHUB, PUBLIC, Instance, certify, witnessed
from fleet.sigstore.service import Service
from fleet.sigstore.workflow import Workflow

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_MARGIN = timedelta(minutes=2)
"""What is left of a certificate when another one is asked for: a log may take its time."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """The services to sign at, in public or with nothing in a public log, and how to reach them."""

    public: Instance = PUBLIC
    private: Instance = GITHUB
    opened: Callable[[], httpx.AsyncClient] = open_http
    retry: RetryPolicy = field(default_factory=RetryPolicy)


@dataclass(frozen=True, kw_only=True)
class _Certified:
    key: SigningKey
    pem: str
    der: bytes
    until: datetime
    instance: Instance


class KeylessSigner:
    """Signs as `identity`, and stores each provenance with GitHub.

    `environment` is that of the job; `public_log` says that even what a private repository signs
    goes to the public log. Several statements may be signed at once.
    """

    def __init__(
        self,
        identity: Identity,
        environment: Mapping[str, str],
        builder: str,
        *,
        public_log: bool = False,
        services: Services | None = None,
    ) -> None:
        self.identity = identity
        self._builder = builder
        self._public_log = public_log
        self._services = services or Services()
        self._http = self._services.opened()
        self._service = Service(Exchange(self._http), self._services.retry)
        self._workflow = Workflow(environment, self._service)
        self._certified: _Certified | None = None
        self._turn = asyncio.Lock()

    @property
    def hint(self) -> str:
        """The name of this signer in referrers."""
        return self.identity.hint

    async def sign(self, statement: Statement) -> bytes:
        """Return the bundle of `statement`, signed and, if it is a provenance, stored with GitHub.

        Only a provenance is stored: `gh attestation verify` asks for one, and GitHub takes 500
        writes an hour. The others are found at the registry.

        :raises EvidenceError: if a service refuses, or certifies somebody else.
        :raises fleet.http.errors.HttpError: if one can't be reached.
        """
        async with self._turn:
            now = datetime.now(UTC)
            if self._certified is None or self._certified.until - _MARGIN < now:
                self._certified = await self._certify()
            by = self._certified
        payload = statement.payload(self._builder, self._workflow.invocation)
        signature = by.key.sign(encoded(payload))
        witness = await witnessed(self._service, by.instance, by.pem, payload, signature)
        certificate = {"certificate": {"rawBytes": base64.b64encode(by.der).decode()}}
        bundle = bundle_of(payload, signature, {**certificate, **witness})
        if statement.predicate_type == PROVENANCE:
            await self._workflow.attest(bundle)
        return bundle

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _certify(self) -> _Certified:
        from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

        token = await self._workflow.token()
        in_public = token.public or self._public_log
        instance = self._services.public if in_public else self._services.private
        key = SigningKey.parse(new_key(), "a key for this run")
        proof = key.sign(token.subject.encode())
        pem = await certify(self._service, instance, token.text, key.public.pem, proof)
        certificate = _parsed(pem)
        if (found := names_in(certificate)) != self.identity:
            raise EvidenceError(
                f"this job signs as {found.name} by {found.issuer}; expected {self.identity.name} "
                f"by {self.identity.issuer}, as declared.\nRun the workflow on the declared "
                "branch, or declare this identity under fleet:signing.keyless"
            )
        der, until = certificate.public_bytes(Encoding.DER), certificate.not_valid_after_utc
        return _Certified(key=key, pem=pem, der=der, until=until, instance=instance)


def _parsed(pem: str) -> "Certificate":
    from cryptography import x509  # noqa: PLC0415

    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise EvidenceError("Fulcio's answer holds no certificate in PEM") from error
