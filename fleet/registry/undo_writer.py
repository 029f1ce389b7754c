"""Writes undo records, and reads one with the remedy where that fails."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import replace

from fleet.http.text import one_line
from fleet.registry.artifact import OversizedArtifactError, OverwrittenArtifactError
from fleet.registry.client import Client
from fleet.registry.errors import KEEPING, OciError, UndoRecordError, UnreachableError
from fleet.registry.history import Move, Sights, bounded, merged
from fleet.registry.reference import Repository
from fleet.registry.undo_log import (
    PREFIX,
    Claim,
    Removal,
    UndoRecord,
    artifact_of,
    load,
    place_of,
    tag_of,
    value_of,
)

_TRIES = 3


class UndoWriter:
    """Writes records, those of one process in turn."""

    def __init__(self, registry: Client) -> None:
        self._registry = registry
        # Of two writes at once the later one would lose what the earlier one added.
        self._turns: defaultdict[tuple[Repository, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read(self, repository: Repository, owner: str) -> UndoRecord:
        """Return the record.

        :raises UnreachableError: if the registry can't be reached.
        :raises UndoRecordError: if it can't be read otherwise, with the remedy.
        """
        try:
            return await load(self._registry, repository, owner)
        except UnreachableError:
            raise
        except OciError as error:
            raise _refused(repository, owner, error) from error

    async def add(  # noqa: PLR0913 - all that one write holds
        self,
        repository: Repository,
        owner: str,
        going: Collection[Removal],
        gone: Collection[Removal] = (),
        claim: Claim | None = None,
        *,
        sights: Sights | None = None,
    ) -> None:
        """Have `going` and `claim` on record, and of `gone` what is not: all of it in one write.

        What moved by the `sights` of an update is entered in the history with it.

        :raises UndoRecordError: if that can't be done; the record is as it was.
        """

        async def change(record: UndoRecord) -> UndoRecord:
            unknown = (r for r in gone if (r.tag, r.digest) not in record.known)
            moved = await self._moved(repository, record, sights) if sights else []
            return replace(
                record,
                removals=record.plus((*unknown, *going)),
                moves=bounded((*record.moves, *moved)),
                declared=record.declared if claim is None else record.claimed(claim),
            )

        async with self._turns[repository, owner]:
            try:
                # Another remover of the repository may write meanwhile.
                for _ in range(_TRIES - 1):
                    with suppress(OverwrittenArtifactError):
                        return await self._write(repository, owner, change)
                return await self._write(repository, owner, change)
            except OciError as error:
                raise _refused(repository, owner, error) from error

    async def confirm(
        self, repository: Repository, owner: str, going: Collection[Removal], claim: Claim
    ) -> UndoRecord:
        """Return the record as it is now, which has `going` and what the remover declares.

        That of a remover that leaves is on record until all is gone, whatever its pointers are.

        :raises UndoRecordError: if it lacks any of that, for another remover wrote over it.
        """
        record = await self.read(repository, owner)
        declared = record.declared.get(claim.remover)
        lost = [entry.tag for entry in going if (entry.tag, entry.digest) not in record.known]
        if declared is None or claim.pointers not in (None, declared):
            lost.append(one_line(claim.remover))
        if lost:
            text = f"{place_of(repository, owner)} lost {', '.join(lost)} to another writer"
            raise _refused(repository, owner, OverwrittenArtifactError(text))
        return record

    async def _write(
        self,
        repository: Repository,
        owner: str,
        change: Callable[[UndoRecord], Awaitable[UndoRecord]],
    ) -> None:
        record = await load(self._registry, repository, owner)
        wanted = await change(record)
        if wanted == record:
            return
        artifact = artifact_of(self._registry, repository, tag_of(owner))
        digest = await artifact.save(value_of(wanted), record.digest)
        live = await self._registry.head(artifact.repository, artifact.tag)
        if live != digest:
            kind = OverwrittenArtifactError if live else UndoRecordError
            raise kind(f"{artifact} was written, and names {live or 'nothing'} now")
        if record.digest not in ("", digest):
            # Where that fails, a sweep takes it some day.
            with suppress(OciError):
                await artifact.drop(record.digest)

    async def _moved(
        self, repository: Repository, record: UndoRecord, sights: Sights
    ) -> list[Move]:
        """Return what moved since the record, by the registry's time: that is one request."""
        moves = sights.moves(record.moves, record.removals)
        if not moves:
            return []
        date = (await self._registry.tags(repository)).date or sights.now
        # A clock that was put back must not change which move of a tag is its last.
        last = {move.tag: move.at for move in merged(record.moves, record.removals)}
        return [replace(move, at=max(date, last.get(move.tag, ""))) for move in moves]


def _refused(repository: Repository, owner: str, error: OciError) -> UndoRecordError:
    place = place_of(repository, owner)
    if isinstance(error, UndoRecordError):
        remedy = ""
    elif isinstance(error, OverwrittenArtifactError):
        remedy = "; run again"
    elif isinstance(error, OversizedArtifactError):
        remedy = (
            f"; give it another tag that begins with {PREFIX}, so that sweeps keep what it names, "
            "and delete this one: a new record begins"
        )
    else:
        remedy = f". Grant push access to {place.repository}, or {KEEPING}"
    return UndoRecordError(
        f"{repository}: no tag was removed: could not write the undo record {place}: "
        f"{error}{remedy}"
    )
