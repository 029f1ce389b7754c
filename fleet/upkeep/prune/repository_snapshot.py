"""Snapshot of a repository, as far as can be known: its tags, and the manifests behind them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fleet.registry.client import Client
from fleet.registry.manifest import OWNER_ANNOTATION, Manifest, annotations_of
from fleet.registry.reference import Repository, is_digest
from fleet.registry.removal.placeholder import displaced_by
from fleet.registry.undo_log import PREFIX as UNDO
from fleet.upkeep.parallel import each
from fleet.upkeep.prune.ledger import PREFIX as LEDGER
from fleet.upkeep.prune.tag_list_check import require_all
from providers.ociregistry.evidence.model import evidence_owner

_RECORDS = (LEDGER, UNDO)
_FALLBACK = "sha256-"


@dataclass(frozen=True, kw_only=True)
class Node:
    """A manifest and what it refers to; ``platforms`` are those of ``children`` that run.

    ``subject`` is also what a placeholder displaced: an interrupted removal still needs it.
    ``evidence_of`` is the owner of all that an index lists, where that is evidence alone.
    """

    digest: str
    children: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    subject: str = ""
    owner: str = ""
    evidence_of: str = ""


@dataclass(frozen=True, kw_only=True)
class RepositorySnapshot:
    """``tags`` to digests, and the ``nodes`` that were looked at, by digest.

    ``known`` is false where the registry has no such repository. ``date`` is the registry's time
    of its tag list, ``owner`` the one for whom it is looked at. ``referred`` are the digests
    to which others refer by the registry's own list, as far as that was asked for.
    """

    repository: Repository
    known: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    date: str = ""
    owner: str = ""
    referred: frozenset[str] = frozenset()

    @property
    def evidence(self) -> dict[str, str]:
        """The lists of referrers in which all is evidence of the owner, to what that is about.

        They are there for an image's sake, so that they go with it; any other keeps its image.
        """
        nodes, found = self.nodes, dict[str, str]()
        for tag, digest in self.tags.items():
            subject = subject_of(tag)
            if subject and digest in nodes and nodes[digest].evidence_of == self.owner != "":
                found[digest] = subject
        return found

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


def subject_of(tag: str) -> str:
    """Return what a tag of the form ``sha256-<hex>…`` says it is attached to, or nothing.

    OCI distribution specification 1.1, "Referrers Tag Schema"; cosign's own tags are alike.
    """
    hexadecimal = tag.removeprefix(_FALLBACK).partition(".")[0]
    return f"sha256:{hexadecimal}" if tag.startswith(_FALLBACK) else ""


async def take_snapshot(
    registry: Client,
    repository: Repository,
    named: Sequence[str],
    also: Iterable[str],
    owner: str = "",
) -> RepositorySnapshot:
    """Read the listed tags ``named`` of ``repository``, and of the digests ``also`` what is there.

    Manifests below an index are read where they are not platform's: an attached signature or an
    index in an index may itself refer to something. That is two requests per tag at most.

    :raises fleet.upkeep.prune.tag_list_check.DoubtError: when a listed tag is not there.
    :raises fleet.registry.errors.OciError: when the registry fails.
    """

    async def read(tag: str) -> Node | None:
        return await _read(registry, repository, tag)

    found = await each(read, named)
    require_all(repository, [t for t, node in zip(named, found, strict=True) if node is None])
    tags = {tag: node.digest for tag, node in zip(named, found, strict=True) if node is not None}
    nodes = {node.digest: node for node in found if node is not None}
    held = RepositorySnapshot(repository=repository, tags=tags, nodes=nodes, owner=owner)
    below = {c for node in nodes.values() for c in _unexplained(node)}
    return await follow(registry, held, below | set(also))


async def follow(
    registry: Client, held: RepositorySnapshot, also: Iterable[str]
) -> RepositorySnapshot:
    """Return ``held`` with the digests ``also`` that are there, and what they refer to.

    :raises fleet.registry.errors.OciError: when the registry fails.
    """
    nodes, wanted = dict(held.nodes), set(also)

    async def read(digest: str) -> Node | None:
        return await _read(registry, held.repository, digest)

    while missing := sorted(wanted - nodes.keys()):
        layer = [node for node in await each(read, missing) if node is not None]
        nodes |= {node.digest: node for node in layer}
        wanted = {c for node in layer for c in _unexplained(node)}
    return replace(held, nodes=nodes)


async def _read(registry: Client, repository: Repository, reference: str) -> Node | None:
    manifest = await registry.get(repository, reference)
    return None if manifest is None else node_of(manifest, f"{repository}@{reference}")


def node_of(manifest: Manifest, place: str) -> Node:
    """Return the manifest's digest with all that it refers to."""
    document = manifest.document(place)
    entries = document.get("manifests")
    children = [_digest_of(entry) for entry in entries] if isinstance(entries, list) else []
    runnable = manifest.children(place) if children else ()
    return Node(
        digest=manifest.digest,
        children=tuple(child for child in children if child),
        platforms=tuple(child.digest for child in runnable),
        subject=_digest_of(document.get("subject")) or displaced_by(manifest),
        owner=annotations_of(document).get(OWNER_ANNOTATION, ""),
        evidence_of=evidence_of(entries),
    )


def evidence_of(entries: Any) -> str:
    """Return whose evidence all entries of an index are, empty where one is anything else."""
    said = [annotations_of(e) for e in entries if isinstance(e, dict)] if entries else []
    owners = {evidence_owner(each) for each in said}
    return owners.pop() if len(owners) == 1 and len(said) == len(entries) else ""


def _unexplained(node: Node) -> set[str]:
    return {*node.children, *((node.subject,) if node.subject else ())} - set(node.platforms)


def _digest_of(descriptor: Any) -> str:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    return digest if isinstance(digest, str) and is_digest(digest) else ""
