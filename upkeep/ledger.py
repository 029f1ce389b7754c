"""The ledger of a repository: which digests and names were seen, and what is loose since when.

It lies in the registry beside what it describes, as an OCI artifact under a tag of the workshop
repository: machines that run once and vanish share it, and no state backend has to keep it.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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


Names = Mapping[str, tuple[str, ...]]
"""Tag to digests."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What runs saw of the repositories of an image, by their names.

    ``entries`` map a digest to the RFC 3339 time since which it is loose, empty while needed.
    ``tags`` map a tag to the digests that it was seen to name, the last first, as far as those are
    still there; a ledger of an older version has none. ``digest`` is what it was read from, empty
    where there was none.
    """

    entries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tags: Mapping[str, Names] = field(default_factory=dict)
    digest: str = ""

    def of(self, repository: Repository) -> Mapping[str, str]:
        """Return the entries of one repository."""
        return self.entries.get(repository.name, {})

    def names(self, repository: Repository) -> Names:
        """Return the names that were ever seen of digests of one repository."""
        return self.tags.get(repository.name, {})

    def recorded(self, repository: Repository) -> bool:
        """Tell whether a run has noted the names of a repository before."""
        return repository.name in self.tags

    def observe(self, repository: Repository, seen: Iterable[str], loose: Iterable[str], now: str,
                tags: Mapping[str, str]) -> "Ledger":  # fmt: skip
        """Return the ledger after a look at ``repository``.

        ``seen`` are all digests that are there. One that turned loose is dated ``now``, one that
        was loose before keeps its date, one that is needed again loses it, and one that is no
        longer there loses its entry. ``tags`` are the names that are there; a name that is not
        stays noted as long as a digest that it named is there.
        """
        known, free, there = self.of(repository), frozenset(loose), frozenset(seen)
        fresh = {d: (known.get(d) or now) if d in free else "" for d in sorted(there)}
        before = self.names(repository)
        named = {
            tag: tuple(dict.fromkeys((*([tags[tag]] if tag in tags else []), *before.get(tag, ()))))
            for tag in sorted({*before, *tags})
        }
        return self._with(repository, fresh, named)

    def without(self, repository: Repository, digests: Iterable[str]) -> "Ledger":
        """Return the ledger without ``digests`` of ``repository``."""
        gone = frozenset(digests)
        rest = {d: since for d, since in self.of(repository).items() if d not in gone}
        return self._with(repository, rest, self.names(repository))

    def _with(self, repository: Repository, entries: Mapping[str, str], names: Names) -> "Ledger":
        """Return the ledger with other ``entries``, and of ``names`` those that named one."""
        left = {tag: tuple(d for d in held if d in entries) for tag, held in names.items()}
        kept = {tag: held for tag, held in left.items() if held}
        return replace(
            self,
            entries={**self.entries, repository.name: entries},
            tags={**self.tags, repository.name: kept},
        )


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
        entries, tags = _checked(found), _checked_names(found)
    except (ValueError, TypeError, KeyError, AttributeError, zlib.error) as error:
        raise TroubleError(
            f"{place} is no ledger ({error}); delete that tag, and all waiting begins anew"
        ) from error
    return Ledger(entries=entries, tags=tags, digest=manifest.digest)


async def save(registry: Registry, workshop: Repository, owner: str, ledger: Ledger) -> Ledger:
    """Write the ledger, and delete the manifest that it displaces; return it as written.

    :raises TroubleError: when another ledger is there than it was read from; nothing was written.
    """
    place = f"{workshop}:{tag_of(owner)}"
    before = await registry.get(workshop, tag_of(owner))
    if ledger.digest != (before.digest if before else ""):
        raise TroubleError(f"{place} was written meanwhile, by another run; run again")
    # The owner is in it, for another stack's ledger must not have the same digest.
    held = {"owner": owner, "entries": ledger.entries, "tags": ledger.tags}
    text = json.dumps(held, sort_keys=True, separators=(",", ":"))
    # Without a time in it, an unchanged ledger has an unchanged digest.
    body = gzip.compress(text.encode(), mtime=0)
    for blob in (_EMPTY, body):
        await registry.write_blob(workshop, blob)
    manifest = _manifest(body)
    if manifest.digest != ledger.digest:
        named = ledger.digest or None
        await registry.put(workshop, tag_of(owner), manifest, named=named)
        if ledger.digest:
            await registry.delete(workshop, ledger.digest)
    return replace(ledger, digest=manifest.digest)


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


def _checked_names(found: Any) -> dict[str, Names]:
    tags = found.get("tags", {})
    for names in tags.values():
        for tag, digests in names.items():
            if not isinstance(digests, list) or not all(map(is_digest, digests)):
                raise ValueError(f"{tag!r}: {digests!r} are no digests")
    return {
        name: {tag: tuple(digests) for tag, digests in names.items()}
        for name, names in tags.items()
    }
