"""The placeholder manifest: deleting its digest removes the name it was written over, no image."""

import json
import secrets

from fleet.registry.client import Client
from fleet.registry.content import Manifest, digest_of
from fleet.registry.errors import ConflictError, OciError, moved
from fleet.registry.interruption import STOPPED, readable, to_its_end
from fleet.registry.manifest import OCI_MANIFEST, annotations_of, document_of
from fleet.registry.reference import TagReference, is_digest

REMOVAL_ANNOTATION = "io.github.multi-py.fleet.removal"
DISPLACED_ANNOTATION = "io.github.multi-py.fleet.removal.displaced"
_ARTIFACT_TYPE = "application/vnd.multi-py.fleet.removal.v1"
# OCI image specification 1.1, "Guidance for an Empty Descriptor".
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_EMPTY = b"{}"
_PUT_BACK_SECONDS = 60.0


def placeholder_manifest(nonce: str, displaced: str = "") -> Manifest:
    """Return an artifact manifest without content whose digest `nonce` makes unique.

    It names the digest that it displaces, so that an interrupted removal can still be recorded
    or undone.
    """
    empty = {"mediaType": _EMPTY_TYPE, "digest": digest_of(_EMPTY), "size": len(_EMPTY)}
    annotations = {REMOVAL_ANNOTATION: nonce}
    if displaced:
        annotations[DISPLACED_ANNOTATION] = displaced
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": _ARTIFACT_TYPE,
        "config": empty,
        "layers": [empty],
        "annotations": annotations,
    }
    return Manifest(
        body=json.dumps(document, separators=(",", ":")).encode(), media_type=OCI_MANIFEST
    )


def is_placeholder(manifest: Manifest) -> bool:
    """Tell whether a manifest is the leftover of a removal that was interrupted."""
    return REMOVAL_ANNOTATION in annotations_of(document_of(manifest, manifest.digest))


def displaced_by(leftover: Manifest) -> str:
    """Return the digest that a placeholder was written over, or an empty string."""
    annotations = annotations_of(document_of(leftover, leftover.digest))
    digest = annotations.get(DISPLACED_ANNOTATION, "")
    return digest if is_digest(digest) else ""


def stood_for(manifest: Manifest) -> str:
    """Return the digest that a name stands for: what an interrupted removal displaced, or its own.

    So a name that a preview listed is known again after a kill.
    """
    displaced = displaced_by(manifest) if is_placeholder(manifest) else ""
    return displaced or manifest.digest


async def write_placeholder(registry: Client, ref: TagReference, manifest: Manifest) -> Manifest:
    """Write a placeholder manifest over a tag that still names `manifest`, and return it.

    :raises OciError: if the tag names something else by now, before it is written, or if anything
        fails or the run is interrupted; the message says how the tag was left.
    """
    await registry.write_blob(ref.repository, _EMPTY)
    leftover = placeholder_manifest(secrets.token_hex(16), manifest.digest)
    live = await registry.head(ref.repository, ref.tag)
    if live != manifest.digest:
        raise moved(str(ref), live, f"a moment ago {manifest.digest}, to be removed")
    try:
        await registry.put(ref.repository, ref.tag, leftover, named=live)
    except STOPPED as error:
        # It may have been written all the same.
        raise await put_back(registry, ref, leftover, error) or readable(error) from error
    return leftover


async def put_back(
    registry: Client, ref: TagReference, leftover: Manifest, cause: BaseException
) -> OciError | None:
    """Point a tag at what the placeholder manifest displaced, after `cause` stopped its removal.

    This goes on where the run is interrupted, for a minute at most. Return None where the tag is
    gone after all, else `cause` in words that say how the tag was left. A digest that somebody
    else wrote under the tag is left alone.
    """
    why = readable(cause)
    try:
        return await to_its_end(_put_back(registry, ref, leftover, why), seconds=_PUT_BACK_SECONDS)
    except Exception as error:  # noqa: BLE001 - whatever it is, the tag may be on a placeholder
        return _not_put_back(ref, leftover, why, readable(error))


async def _put_back(
    registry: Client, ref: TagReference, leftover: Manifest, why: OciError
) -> OciError | None:
    displaced = displaced_by(leftover)
    # Read first: nothing may come between the look at the tag and the write to it.
    manifest = await registry.get(ref.repository, displaced) if displaced else None
    live = await registry.head(ref.repository, ref.tag)
    if live is None:
        return None
    if live == displaced:
        return type(why)(f"{why}; {ref} still names {displaced}")
    if live != leftover.digest:
        return type(why)(f"{why}; meanwhile {ref} was moved to {live} and was left there")
    if manifest is None:
        return type(why)(
            f"{why}; {ref} names a placeholder, for {displaced or 'what it named'} is not "
            "there any more; run again to finish the removal"
        )
    await registry.put(ref.repository, ref.tag, manifest, named=live)
    return type(why)(f"{why}. {ref} was put back on {displaced}")


def _not_put_back(
    ref: TagReference, leftover: Manifest, why: OciError, error: OciError
) -> OciError:
    if isinstance(error, ConflictError):
        return type(why)(f"{why}; {error}")
    return type(why)(
        f"{why}; {ref} names a placeholder instead of {displaced_by(leftover)}, for it could not "
        f"be put back ({error}); run again to finish the removal"
    )
