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
    NOTICE_KIND,
    EvidenceInputs,
    EvidenceState,
    annotations,
    fingerprint,
    is_own,
    kind_of,
    statements,
    subjects,
)
from providers.ociregistry.evidence.signer import Signer
from providers.ociregistry.tag.model import TagInputs

Sboms = Callable[[ManifestReference, Repository], Awaitable[Mapping[str, bytes]]]


class EvidenceWriter:
    """Writes evidence in the repository of the tag that is to come.

    `sboms` returns the bills of materials of a source's platforms, of which a second repository may
    have copies; `signer` returns who signs; `authorities` are the certificates of those that
    certify identities.
    """

    def __init__(
        self,
        registry: Client,
        sboms: Sboms,
        signer: Callable[[EvidenceInputs], Signer],
        authorities: Callable[[], Iterable[bytes]],
    ) -> None:
        self._referrers = ReferrerList(registry)
        self._sboms = sboms
        self._signer = signer
        self._authorities = authorities

    async def write(
        self,
        tag: TagInputs,
        declared: EvidenceInputs,
        index: Manifest,
        predicates: tuple[str, str],
    ) -> EvidenceState:
        """Have each statement of `index` signed and attached; what is there is not signed again.

        `predicates` are those of the provenance and of the verification's result, as JSON.

        :raises EvidenceError: if something has to be signed, and nothing that can sign it.
        :raises RegistryError: if the registry fails.
        """
        repository, boms = tag.ref.repository, dict[str, bytes]()
        for source in tag.sources:
            boms |= await self._sboms(source, repository)
        wanted = statements(subjects(tag.ref, index), *predicates, boms)
        found = await self._referrers.find(repository, index.digest)
        held = await self._held(tag, declared, wanted, found)
        lacking = {kind: made for kind, made in wanted.items() if kind not in held}
        if not lacking:
            return _state(declared.made_of, held, found)
        signer = self._signer(declared)
        made = {
            kind: Attachment.to(
                index,
                media_type=MEDIA_TYPE,
                body=await signer.sign(statement),
                annotations=annotations(tag.owner, kind, statement, signer.hint),
            )
            for kind, statement in lacking.items()
        }
        held |= {kind: each.manifest.digest for kind, each in made.items()}
        found = await self._referrers.attach(
            repository, index.digest, made.values(), _superseded(tag.owner, declared, held)
        )
        return _state(declared.made_of, held, found)

    async def read(
        self, repository: Repository, digest: str, state: EvidenceState, *, whole: bool
    ) -> EvidenceState:
        """Return what is there of the recorded `state` of a digest; one request if nothing moved.

        With `whole`, each statement is asked for as well, its manifest and its bundle: two more
        requests each.
        """
        if state.listed and not whole:
            listed = await self._referrers.listed(repository, digest)
            if fingerprint(listed) == state.listed:
                return state
        found = await self._found(repository, digest, state)
        there = {fingerprint(each): each for each in found.digests}
        kept = {kind: there[mark] for kind, mark in state.statements.items() if mark in there}
        if whole:
            held = await self._holding(repository, kept.values())
            kept = {kind: each for kind, each in kept.items() if each in held}
        return _state(state.made_of, kept, found)

    async def _found(self, repository: Repository, digest: str, state: EvidenceState) -> Referrers:
        """Return what refers to an index, by the registry's own list alone where that suffices."""
        if not state.listed:
            found = await self._referrers.of_registry(repository, digest)
            if {*state.statements.values()} <= {*map(fingerprint, found.digests)}:
                return found
        return await self._referrers.find(repository, digest)

    async def _held(
        self,
        tag: TagInputs,
        declared: EvidenceInputs,
        wanted: Mapping[str, Statement],
        found: Referrers,
    ) -> dict[str, str]:
        """Return the digests of those of the wanted statements that are there, each checked."""
        held: dict[str, str] = {}
        hints = {signer.hint for signer in declared.signers}
        authorities = tuple(self._authorities()) if declared.identity else ()
        for entry in found.entries:
            kind = kind_of(entry)
            if kind not in wanted or kind in held or not is_own(entry, tag.owner):
                continue
            said, claim = entry.annotations, wanted[kind].claim
            if said.get(CLAIM_ANNOTATION) != claim or said.get(KEY_ANNOTATION) not in hints:
                continue
            try:
                body = await self._referrers.body(tag.ref.repository, entry.digest)
                if body is not None and _claim(body, declared, authorities) == claim:
                    held[kind] = entry.digest
            except (EvidenceError, DamagedError):
                continue
        return held

    async def _holding(self, repository: Repository, digests: Iterable[str]) -> frozenset[str]:
        return frozenset(
            [digest for digest in digests if await self._referrers.holds(repository, digest)]
        )


def _claim(bundle: bytes, declared: EvidenceInputs, authorities: Iterable[bytes]) -> str:
    return verify(bundle, declared.signers, authorities).statement.claim


def _state(made_of: Mapping[str, str], held: Mapping[str, str], found: Referrers) -> EvidenceState:
    marks = {kind: fingerprint(each) for kind, each in held.items()}
    # A list that lacks one of them does not tell that they are there.
    listed = fingerprint(found.listed) if found.tagged.issuperset(held.values()) else ""
    return EvidenceState(statements=marks, listed=listed, made_of=made_of)


def _superseded(
    owner: str, declared: EvidenceInputs, held: Mapping[str, str]
) -> Callable[[Referrer], bool]:
    """Return what tells that a referrer is evidence of ours that others took the place of.

    What another declared key signed stays: during a rotation, each of two keys verifies.
    """
    now = frozenset(held.values())
    others = {key.hint for key in declared.keys[1:]}

    def superseded(entry: Referrer) -> bool:
        if entry.digest in now or not is_own(entry, owner):
            return False
        if kind_of(entry) == NOTICE_KIND:
            return False
        return entry.annotations.get(KEY_ANNOTATION) not in others

    return superseded
