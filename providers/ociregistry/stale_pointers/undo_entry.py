"""Writes the undo entry of each name before that is removed."""

from collections.abc import Callable, Collection, Mapping

from fleet.registry.interface import Manifest, Registry
from fleet.registry.reference import Repository, TagReference
from fleet.registry.removal.distribution import NameRemover
from fleet.registry.removal.placeholder import displaced_by, is_placeholder
from fleet.registry.undo_log import Claim, Removal, UndoRecord
from fleet.registry.undo_writer import UndoWriter
from providers.ociregistry.stale_pointers.model import StaleInputs


class UndoEntryWriter:
    """Writes entries of undo records; `now` dates its entries (RFC 3339, UTC)."""

    def __init__(
        self, registry: Registry, remover: Callable[[str], NameRemover], now: Callable[[], str]
    ) -> None:
        self._writer = UndoWriter(registry)
        self._remover = remover
        self._now = now

    def removals(self, going: Mapping[str, Manifest]) -> list[Removal]:
        """Return the record of each name, but of one whose image nobody knows any more."""
        found = {
            tag: displaced_by(manifest) if is_placeholder(manifest) else manifest.digest
            for tag, manifest in going.items()
        }
        now = self._now()
        return [Removal(tag=t, digest=d, removed_at=now) for t, d in found.items() if d]

    async def record(self, repository: Repository, owner: str) -> UndoRecord:
        """Return what is on record, see `UndoWriter.read`."""
        return await self._writer.read(repository, owner)

    async def add(
        self,
        inputs: StaleInputs,
        going: Mapping[str, Manifest],
        gone: Collection[Removal] = (),
        claim: Claim | None = None,
    ) -> None:
        """Have in the record what is `going`, the `claim`, and what of `gone` is not, in one write.

        What this process wrote before costs no request, but for a claim.

        :raises UnsupportedRemovalError: if it is plain that nothing can go; nothing was written.
        :raises UndoRecordError: if the record can't be read or written.
        """
        removals = self.removals(going)
        fresh = self._writer.unwritten(inputs.repository, removals)
        if fresh:
            ref = TagReference(repository=inputs.repository, tag=fresh[0].tag)
            await self._remover(inputs.repository.host).require(ref)
        await self._writer.add(inputs.repository, inputs.owner, fresh, gone, claim)

    async def confirm(
        self, inputs: StaleInputs, going: Collection[Removal], claim: Claim
    ) -> UndoRecord:
        """Return what is on record now, see `UndoWriter.confirm`."""
        return await self._writer.confirm(inputs.repository, inputs.owner, going, claim)
