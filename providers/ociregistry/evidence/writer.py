"""Evidence, acting: adopts the statements that are there, and signs the others."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from fleet.evidence.bundle import MEDIA_TYPE, verify
from fleet.evidence.errors import EvidenceError
from fleet.evidence.statement import Statement
from fleet.registry.client import Client
from fleet.registry.errors import DamagedError
from fleet.registry.manifest import Manifest
from fleet.registry.reference import ManifestReference, Repository
from fleet.registry.referrers import Attachment, Referrer, ReferrerList, Referrers
from providers.ociregistry.evidence.model import (
    CLAIM_ANNOTATION,
    KEY_ANNOTATION,
    EvidenceInputs,
    EvidenceState,
    annotations,
    fingerprint,
    is_own,
    kind_of,
    reference,
    statements,
    subjects,
)
from providers.ociregistry.evidence.signer import Signer
from providers.ociregistry.tag.model import TagInputs

Index = Callable[[TagInputs], Awaitable[Manifest]]
Sboms = Callable[[ManifestReference], Awaitable[Mapping[str, bytes]]]


class EvidenceWriter:
    """Writes evidence in the repository of the tag that is to come.

    `index` returns what the tag shall name, `sboms` the bills of materials of a source's platforms,
    `signer` who signs; `authorities` are the certificates of those that certify identities.
    """

    def __init__(
        self,
        registry: Client,
        index: Index,
        sboms: Sboms,
        signer: Callable[[EvidenceInputs], Signer],
        authorities: Callable[[], Iterable[bytes]],
    ) -> None:
        self._referrers = ReferrerList(registry)
        self._index = index
        self._sboms = sboms
        self._signer = signer
        self._authorities = authorities

    async def write(self, inputs: EvidenceInputs, provenance: str, tests: str) -> EvidenceState:
        """Have each statement of the index signed and attached; what is there is not signed again.

        :raises EvidenceError: if something has to be signed, and nothing that can sign it.
        :raises RegistryError: if a source is missing, or the registry fails.
        """
        index = await self._index(inputs.tag)
        about = subjects(inputs.ref, (reference(inputs, index.digest), index))
        boms: dict[str, bytes] = {}
        for source in inputs.tag.sources:
            boms |= await self._sboms(source)
        wanted = statements(about, provenance, tests, boms)
        repository = inputs.ref.repository
        found = await self._referrers.find(repository, index.digest)
        held = await self._held(inputs, wanted, found)
        lacking = {kind: made for kind, made in wanted.items() if kind not in held}
        if not lacking:
            return _state(index.digest, held, found)
        signer = self._signer(inputs)
        made = {
            kind: Attachment.to(
                index,
                media_type=MEDIA_TYPE,
                body=await signer.sign(statement),
                annotations=annotations(inputs.tag.owner, kind, statement, signer.hint),
            )
            for kind, statement in lacking.items()
        }
        held |= {kind: each.manifest.digest for kind, each in made.items()}
        found = await self._referrers.attach(
            repository, index.digest, made.values(), _superseded(inputs, held)
        )
        return _state(index.digest, held, found)

    async def read(
        self, repository: Repository, state: EvidenceState, *, whole: bool
    ) -> EvidenceState:
        """Return what is there of the recorded `state`; one request where nothing moved.

        With `whole`, each statement is asked for as well, its manifest and its bundle: two more
        requests each.
        """
        if state.listed and not whole:
            listed = await self._referrers.listed(repository, state.digest)
            if fingerprint(listed) == state.listed:
                return state
        found = await self._found(repository, state)
        there = {fingerprint(digest): digest for digest in found.digests}
        kept = {kind: there[mark] for kind, mark in state.statements.items() if mark in there}
        if whole:
            held = await self._holding(repository, kept.values())
            kept = {kind: digest for kind, digest in kept.items() if digest in held}
        return _state(state.digest, kept, found)

    async def _found(self, repository: Repository, state: EvidenceState) -> Referrers:
        """Return what refers to an index, by the registry's own list alone where that suffices."""
        if not state.listed:
            found = await self._referrers.of_registry(repository, state.digest)
            if {*state.statements.values()} <= {*map(fingerprint, found.digests)}:
                return found
        return await self._referrers.find(repository, state.digest)

    async def _held(
        self, inputs: EvidenceInputs, wanted: Mapping[str, Statement], found: Referrers
    ) -> dict[str, str]:
        """Return the digests of those of the wanted statements that are there, each checked."""
        held: dict[str, str] = {}
        hints = {signer.hint for signer in inputs.signers}
        authorities = tuple(self._authorities()) if inputs.identity else ()
        for entry in found.entries:
            kind = kind_of(entry)
            if kind not in wanted or kind in held or not is_own(entry, inputs.tag.owner):
                continue
            said, claim = entry.annotations, wanted[kind].claim
            if said.get(CLAIM_ANNOTATION) != claim or said.get(KEY_ANNOTATION) not in hints:
                continue
            try:
                body = await self._referrers.body(inputs.ref.repository, entry.digest)
                if body is not None and _claim(body, inputs, authorities) == claim:
                    held[kind] = entry.digest
            except (EvidenceError, DamagedError):
                continue
        return held

    async def _holding(self, repository: Repository, digests: Iterable[str]) -> frozenset[str]:
        return frozenset(
            [digest for digest in digests if await self._referrers.holds(repository, digest)]
        )


def _claim(bundle: bytes, inputs: EvidenceInputs, authorities: Iterable[bytes]) -> str:
    return verify(bundle, inputs.signers, authorities).statement.claim


def _state(digest: str, held: Mapping[str, str], found: Referrers) -> EvidenceState:
    marks = {kind: fingerprint(each) for kind, each in held.items()}
    return EvidenceState(digest=digest, statements=marks, listed=fingerprint(found.listed))


def _superseded(inputs: EvidenceInputs, held: Mapping[str, str]) -> Callable[[Referrer], bool]:
    """Return what tells that a referrer is evidence of ours that others took the place of.

    What another declared key signed stays: during a rotation, each of two keys verifies.
    """
    now = frozenset(held.values())
    others = {key.hint for key in inputs.keys[1:]}

    def superseded(entry: Referrer) -> bool:
        if entry.digest in now or not is_own(entry, inputs.tag.owner):
            return False
        return entry.annotations.get(KEY_ANNOTATION) not in others

    return superseded
