"""The ledger of a repository's digests: which were seen, and since when nothing needs them.

It lies in the registry beside what it describes, as an OCI artifact under a tag of the workshop
repository: machines that run once and vanish share it, and no state backend has to keep it.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.say import TroubleError
from providers.oci.index import OCI_MANIFEST, content_of, document_of
from providers.oci.reference import Repository, is_digest
from providers.oci.registry import Manifest, Registry, digest_of

PREFIX = "ledger-"
"""What the tags of ledgers begin with; no build tag does, for those begin with ``py``."""
_TYPE = "application/vnd.multi-py.fleet.ledger.v1+json+gzip"
# OCI image specification 1.1, "Guidance for an Empty Descriptor".
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_EMPTY = b"{}"
_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Repository to digest to the RFC 3339 time since which it is loose, empty while needed."""

    entries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, repository: Repository) -> Mapping[str, str]:
        """Return the entries of one repository."""
        return self.entries.get(repository.name, {})

    def observe(self, repository: Repository, seen: Iterable[str], loose: Iterable[str], now: str,
                ) -> "Ledger":  # fmt: skip
        """Return the ledger after a look at ``repository``.

        ``seen`` are all digests that are there. One that turned loose is dated ``now``, one that
        was loose before keeps its date, one that is needed again loses it, and one that is no
        longer there loses its entry.
        """
        known, free = self.of(repository), frozenset(loose)
        fresh = {d: (known.get(d) or now) if d in free else "" for d in sorted(seen)}
        return Ledger(entries={**self.entries, repository.name: fresh})

    def without(self, repository: Repository, digests: Iterable[str]) -> "Ledger":
        """Return the ledger without ``digests`` of ``repository``."""
        gone = frozenset(digests)
        rest = {d: since for d, since in self.of(repository).items() if d not in gone}
        return Ledger(entries={**self.entries, repository.name: rest})


def tag_of(owner: str) -> str:
    """Return the tag of the ledger of ``owner``, ``<pulumi project>/<stack>``."""
    return PREFIX + owner.replace("/", "-")


async def load(registry: Registry, workshop: Repository, owner: str) -> Ledger:
    """Return the ledger in ``workshop``, an empty one where none was written.

    :raises TroubleError: when what lies there is no ledger.
    """
    manifest = await registry.get(workshop, tag_of(owner))
    if manifest is None:
        return Ledger()
    place = f"{workshop}:{tag_of(owner)}"
    layers = content_of(document_of(manifest, place), place).layers
    try:
        (blob,) = layers
        found = json.loads(_unpacked(await registry.read_blob(workshop, blob)))
        return Ledger(entries=_checked(found))
    except (ValueError, TypeError, KeyError, AttributeError, zlib.error) as error:
        raise TroubleError(
            f"{place} is no ledger ({error}); delete that tag, and all waiting begins anew"
        ) from error


async def save(registry: Registry, workshop: Repository, owner: str, ledger: Ledger) -> None:
    """Write the ledger, and delete the manifest that it displaces."""
    before = await registry.head(workshop, tag_of(owner))
    text = json.dumps({"entries": ledger.entries}, sort_keys=True, separators=(",", ":"))
    # Without a time in it, an unchanged ledger has an unchanged digest.
    body = gzip.compress(text.encode(), mtime=0)
    for blob in (_EMPTY, body):
        await registry.write_blob(workshop, blob)
    manifest = _manifest(body)
    if before == manifest.digest:
        return
    await registry.put(workshop, tag_of(owner), manifest, named=before)
    if before is not None:
        await registry.delete(workshop, before)


def _unpacked(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: with gzip's header (zlib.h)
    text = unpacker.decompress(body, _LIMIT)
    if not unpacker.eof:
        raise ValueError(f"it is cut off, or longer than {_LIMIT} bytes")
    return text


def _manifest(body: bytes) -> Manifest:
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": _TYPE,
        "config": _descriptor(_EMPTY_TYPE, _EMPTY),
        "layers": [_descriptor(_TYPE, body)],
    }
    text = json.dumps(document, separators=(",", ":"))
    return Manifest(body=text.encode(), media_type=OCI_MANIFEST)


def _descriptor(media_type: str, body: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(body), "size": len(body)}


def _checked(found: Any) -> dict[str, dict[str, str]]:
    entries = found["entries"]
    for digests in entries.values():
        for digest, since in digests.items():
            if not is_digest(digest) or not isinstance(since, str):
                raise ValueError(f"{digest!r}: {since!r} is no entry")
    return dict(entries)
