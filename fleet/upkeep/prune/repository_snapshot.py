"""Snapshot of a repository, as far as can be known: its tags, and the manifests behind them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fleet.registry.interface import Manifest, Registry
from fleet.registry.manifest import OWNER_ANNOTATION, annotations_of, children_of, document_of
from fleet.registry.reference import Repository, is_digest
from fleet.registry.removal.placeholder import displaced_by
from fleet.registry.undo_log import PREFIX as UNDO
from fleet.upkeep.parallel import each
from fleet.upkeep.prune.ledger import PREFIX as LEDGER
from fleet.upkeep.prune.tag_list_check import require_all

_RECORDS = (LEDGER, UNDO)


@dataclass(frozen=True, kw_only=True)
class Node:
    """A manifest and what it refers to; ``platforms`` are those of ``children`` that run.

    ``subject`` is also what a placeholder displaced: an interrupted removal still needs it.
    """

    digest: str
    children: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    subject: str = ""
    owner: str = ""


@dataclass(frozen=True, kw_only=True)
class RepositorySnapshot:
    """``tags`` to digests, and the ``nodes`` that were looked at, by digest.

    ``known`` is false where the registry has no such repository. ``date`` is the registry's time
    of its tag list.
    """

    repository: Repository
    known: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    date: str = ""

    @property
    def records(self) -> dict[str, str]:
        """The tags of ledgers and undo records, which build repositories keep, with digests."""
        return {tag: digest for tag, digest in self.tags.items() if tag.startswith(_RECORDS)}

    @property
    def names(self) -> dict[str, str]:
        """All other tags."""
        records = self.records
        return {tag: digest for tag, digest in self.tags.items() if tag not in records}

    @property
    def digests(self) -> frozenset[str]:
        """Every digest that was looked at or that an index lists, but those of the records."""
        below = {child for node in self.nodes.values() for child in node.children}
        return frozenset({*self.nodes, *below} - set(self.records.values()))


async def take_snapshot(
    registry: Registry,
    start: RepositorySnapshot,
    named: Iterable[str],
    also: Iterable[str],
    gone: Collection[str],
) -> RepositorySnapshot:
    """Return ``start`` with the listed tags ``named``, and what is there of the digests ``also``.

    Manifests below an index are read where they are no platform's: an attached signature or an
    index in an index may itself refer to something. That is two requests a tag at most.
    The tags ``gone`` were deleted just now, and a list may still have them.

    :raises fleet.upkeep.prune.tag_list_check.DoubtError: when another listed tag is not there.
    :raises fleet.registry.errors.OciError: when the registry fails.
    """

    async def read(reference: str) -> tuple[str, Node | None]:
        manifest = await registry.get(start.repository, reference)
        place = f"{start.repository}@{reference}"
        return reference, None if manifest is None else node_of(manifest, place)

    found = await each(read, named)
    require_all(start.repository, [tag for tag, node in found if node is None and tag not in gone])
    tags = {tag: node.digest for tag, node in found if node is not None}
    nodes = {**start.nodes, **{node.digest: node for _, node in found if node is not None}}
    wanted = {c for node in nodes.values() for c in _unexplained(node)} | set(also)
    while missing := sorted(wanted - nodes.keys()):
        layer = [node for _, node in await each(read, missing) if node is not None]
        nodes |= {node.digest: node for node in layer}
        wanted = {c for node in layer for c in _unexplained(node)}
    return replace(start, tags=tags, nodes=nodes)


def node_of(manifest: Manifest, place: str) -> Node:
    """Return the manifest's digest with all that it refers to."""
    document = document_of(manifest, place)
    entries = document.get("manifests")
    children = [_digest_of(entry) for entry in entries] if isinstance(entries, list) else []
    runnable = children_of(document, place) if children else ()
    return Node(
        digest=manifest.digest,
        children=tuple(child for child in children if child),
        platforms=tuple(child.digest for child in runnable),
        subject=_digest_of(document.get("subject")) or displaced_by(manifest),
        owner=annotations_of(document).get(OWNER_ANNOTATION, ""),
    )


def _unexplained(node: Node) -> set[str]:
    return {*node.children, *((node.subject,) if node.subject else ())} - set(node.platforms)


def _digest_of(descriptor: Any) -> str:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    return digest if isinstance(digest, str) and is_digest(digest) else ""
