"""Objects that live as long as the provider's process: registry client, declared resources."""

import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from fleet.evidence.errors import EvidenceError
from fleet.evidence.trusted_root import read_authorities
from fleet.http.hosts import Hosts
from fleet.registry.client import Client
from fleet.registry.errors import OciError
from fleet.registry.history import Sights
from fleet.registry.login import NO_LOGINS, Logins, find_declared
from fleet.registry.reference import Repository, TagReference
from fleet.registry.referrers import ReferrerList
from fleet.registry.removal.ghcr import Removers
from fleet.registry.transport import Transport
from fleet.sigstore.keyless import KeylessSigner, Services
from fleet.sigstore.workflow import NO_IDENTITY, can_identify
from providers.ociregistry.evidence.model import EvidenceInputs
from providers.ociregistry.evidence.signer import KeySigner, Signer, builder_of, require_key
from providers.ociregistry.evidence.writer import EvidenceWriter, Sboms
from providers.ociregistry.moves import Moves, run_of
from providers.ociregistry.run_settings import RunSettings, read_run_settings
from providers.ociregistry.sightings import Reader, Sightings
from providers.ociregistry.stale_pointers.find import Lister
from providers.ociregistry.stale_pointers.notices import NoticeWriter
from providers.ociregistry.stale_pointers.remove import PointerRemover
from providers.ociregistry.tag.model import Recorded, due_on
from providers.ociregistry.tag.writer import Tagger


def now() -> str:
    """Return the present in UTC as an RFC 3339 timestamp of whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, kw_only=True)
class Change:
    """A differing property. `from_inputs` says that old and new inputs are to be compared."""

    name: str
    path: str
    kind: str = "UPDATE"
    replaces: bool = False
    from_inputs: bool = True


class PartialFailureError(OciError):
    """A create or update of which a part was done: carries the state that the engine is to keep."""

    def __init__(self, message: str, *, resource_id: str, properties: dict[str, Any]) -> None:
        super().__init__(message)
        self.resource_id = resource_id
        self.properties = properties


class Session:
    """Opens the registry client with the first request, inside the loop that serves it."""

    def __init__(
        self,
        *,
        open_transport: Callable[[Logins], Transport] | None = None,
        now: Callable[[], str] = now,
        environment: Mapping[str, str] = os.environ,
        sboms: Sboms | None = None,
        services: Services | None = None,
    ) -> None:
        self._open_transport = open_transport or (lambda logins: Transport(logins=logins))
        self._now = now
        self._sboms = sboms
        self._services = services
        self._keyless: KeylessSigner | None = None
        self._transport: Transport | None = None
        self._logins = NO_LOGINS
        self.environment = environment
        self.inputs: dict[str, Mapping[str, str]] = {}
        """Build inputs of a tag by the last run's inputs: the SDK hands them to `check` alone."""
        self.gone: dict[str, Recorded] = {}
        """The tags that this run's refresh found absent."""
        self.declared = Declared()
        self.moves = Moves()
        self.destroying = False
        """True where this run destroys the stack, so that its reading names what goes."""
        self.took_over = False
        """True where this run changed the provider's configuration: another process refreshed."""
        self.texts: dict[str, str] = {}
        """The texts of this run's evidence by their fingerprints: inputs have these alone."""
        self.warned_of_key = False
        """True where this run was told that it could not sign."""
        self.hosts = Hosts()
        self.sightings = Sightings()
        self.log: Callable[[str, str], Awaitable[None]] = _silent
        self.warn: Callable[[str, str], Awaitable[None]] = _silent

    @cached_property
    def tagger(self) -> Tagger:
        """The one that acts on tags."""
        if self.settings.verify_all:
            return Tagger(self._client, digest=self._seen_by("tag"))
        return Tagger(
            self._client, lambda ref, all_of: due_on(self._now(), ref, all_of), self._seen_by("tag")
        )

    @cached_property
    def evidence(self) -> EvidenceWriter:
        """The one that signs."""
        return EvidenceWriter(
            self._client,
            # Most runs sign nothing, and then nothing is opened.
            self._sboms or (lambda source, copies: self._read_sboms(source, copies)),  # noqa: PLW0108
            self.signer,
            lambda: read_authorities(self.environment),
        )

    def sights(self, repository: Repository, digests: Mapping[str, str], commit: str) -> Sights:
        """Return the tags of a repository as this run leaves them, for its history."""
        return Sights(
            tags=self.moves.sights(repository, digests),
            commit=commit,
            by=run_of(self.environment),
            now=self._now(),
        )

    def signer(self, inputs: EvidenceInputs) -> Signer:
        """Return who signs: the identity of this job if it is declared, or else the first key.

        :raises EvidenceError: if there is neither, or another key than is declared first.
        """
        builder = builder_of(self.environment)
        if inputs.identity and can_identify(self.environment):
            if self._keyless is None:
                self._keyless = KeylessSigner(
                    inputs.identity,
                    self.environment,
                    builder,
                    public_log=inputs.public_log,
                    services=self._services,
                )
            return self._keyless
        if not inputs.keys:
            raise EvidenceError(NO_IDENTITY)
        return KeySigner(key=require_key(self.environment, inputs.keys), builder=builder)

    @cached_property
    def lister(self) -> Lister:
        """The one that lists stale pointers."""
        return Lister(self._client, self._seen_by("remover"), self._now)

    @cached_property
    def pointer_remover(self) -> PointerRemover:
        """The one that removes stale pointers."""
        return PointerRemover(self._client, Removers(self._opened, self._client).of, self._now)

    @cached_property
    def settings(self) -> RunSettings:
        """The settings of this run.

        :raises OciError: naming every one that is wrong; `configure` reads them first of all.
        """
        return read_run_settings(self.environment)

    def configure(self, logins: object) -> None:
        """Read the settings of this run, and the values of the stack's ``logins``.

        :raises OciError: naming every one that is wrong.
        """
        self._logins = find_declared(logins, self.environment, self.settings.logins)

    async def sighted(self, ref: TagReference) -> str | None:
        """Return the digest that a tag names, None where it is absent; see `Sightings`.

        :raises RegistryError: if the registry fails or does not answer.
        """
        return await self.hosts.ask(ref.repository.host, lambda: self._seen_by("tag")(ref))

    @cached_property
    def referrers(self) -> ReferrerList:
        """The lists of what refers to images."""
        return ReferrerList(self._client)

    @cached_property
    def notices(self) -> NoticeWriter:
        """The one that attaches notices of the end of life."""
        return NoticeWriter(self._client, self.referrers)

    def today(self) -> str:
        """Return this machine's day (RFC 3339 full-date, UTC)."""
        return self._now()[: len("2026-11-23")]

    async def close(self) -> None:
        """Close the connections."""
        if self._transport is not None:
            await self._transport.close()
        if self._keyless is not None:
            await self._keyless.close()

    def _seen_by(self, reader: Reader) -> Callable[[TagReference], Awaitable[str | None]]:
        return lambda ref: self.sightings.digest(ref, reader, lambda: self.tagger.names(ref))

    @cached_property
    def _read_sboms(self) -> Sboms:
        from fleet.sbom.reader import SbomReader  # noqa: PLC0415

        reader = SbomReader(self._client)
        return lambda source, copies: reader.sboms(source.repository, source.digest, copies=copies)

    @cached_property
    def _client(self) -> Client:
        return Client(self._opened)

    @cached_property
    def _opened(self) -> Transport:
        self._transport = self._open_transport(self._logins)
        return self._transport


class Declared:
    """The declarations of this run, as `check` saw them, and the results of its refresh.

    A resource that was renamed in the program is deleted under its old name after it was
    created under its new one. What is declared here is kept through that deletion.
    """

    def __init__(self) -> None:
        self.tags: defaultdict[Repository, set[str]] = defaultdict(set)
        self.removers: defaultdict[Repository, set[str]] = defaultdict(set)
        """The URNs of those that look after a repository's pointers."""
        self.created: set[tuple[Repository, str]] = set()
        """The removers that this run created: what is deleted under their URNs was replaced."""
        self.recorded: defaultdict[TagReference, set[str]] = defaultdict(set)
        """The digests that the state says were written or adopted under a tag, declared or not."""
        self.keeps = False
        """True where a remover of this run keeps pointers when their remover is deleted."""

    def recorded_in(self, repository: Repository) -> dict[str, frozenset[str]]:
        """Return those digests for each tag of a repository whose state this run's refresh read."""
        found = self.recorded.items()
        return {ref.tag: frozenset(held) for ref, held in found if ref.repository == repository}

    def same_named(self, repository: Repository) -> tuple[Repository, ...]:
        """Return the looked-after repositories of the same name on other hosts, sorted."""
        found = (r for r, urns in self.removers.items() if urns and r != repository)
        return tuple(sorted(r for r in found if r.name == repository.name))


async def _silent(_message: str, _urn: str) -> None:
    return
