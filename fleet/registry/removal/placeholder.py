"""The placeholder manifest: deleting its digest removes the name it was written over, no image."""

import secrets
from collections.abc import Awaitable, Callable

from fleet.registry.client import Client
from fleet.registry.errors import (
    ConflictError,
    OciError,
    RegistryError,
    continued,
    moved,
)
from fleet.registry.interruption import STOPPED, readable, to_its_end
from fleet.registry.manifest import EMPTY, Manifest, assemble_artifact
from fleet.registry.reference import TagReference, is_digest

REMOVAL_ANNOTATION = "io.github.multi-py.fleet.removal"
DISPLACED_ANNOTATION = "io.github.multi-py.fleet.removal.displaced"
_ARTIFACT_TYPE = "application/vnd.multi-py.fleet.removal.v1"
_PUT_BACK_SECONDS = 60.0


def placeholder_manifest(nonce: str, displaced: str = "") -> Manifest:
    """Return an artifact manifest without content whose digest `nonce` makes unique.

    It names the digest that it displaces, so that an interrupted removal can still be recorded
    or undone.
    """
    annotations = {REMOVAL_ANNOTATION: nonce}
    if displaced:
        annotations[DISPLACED_ANNOTATION] = displaced
    return assemble_artifact(_ARTIFACT_TYPE, annotations=annotations)


def is_placeholder(manifest: Manifest) -> bool:
    """Tell whether a manifest is the leftover of a removal that was interrupted."""
    return REMOVAL_ANNOTATION in manifest.annotations(manifest.digest)


def displaced_by(leftover: Manifest) -> str:
    """Return the digest that a placeholder was written over, or an empty string."""
    digest = leftover.annotations(leftover.digest).get(DISPLACED_ANNOTATION, "")
    return digest if is_digest(digest) else ""


def stood_for(manifest: Manifest) -> str:
    """Return the digest that a name stands for: what an interrupted removal displaced, or its own.

    So a name that a preview listed is known again after a kill.
    """
    displaced = displaced_by(manifest) if is_placeholder(manifest) else ""
    return displaced or manifest.digest


async def remove_by_placeholder(
    registry: Client,
    ref: TagReference,
    manifest: Manifest,
    delete: Callable[[str], Awaitable[None]],
) -> None:
    """Write a placeholder over a tag that names `manifest`, and have `delete` delete its digest.

    A placeholder that is there already is taken. Where this stops, the tag is put back.

    :raises OciError: if the tag names something else by now, or if anything fails or the run is
        interrupted; the message says how the tag was left.
    """
    finishing = is_placeholder(manifest)
    leftover = manifest if finishing else await _write(registry, ref, manifest)
    try:
        await delete(leftover.digest)
        await require_gone(registry, ref, leftover.digest)
    except STOPPED as error:
        failure = await _put_back(registry, ref, leftover, error)
        if failure is not None:
            raise failure from error


async def require_gone(registry: Client, ref: TagReference, digest: str) -> None:
    """Check that a tag no longer names a digest.

    :raises RegistryError: if it still does.
    """
    if await registry.head(ref.repository, ref.tag) == digest:
        raise RegistryError(f"{ref} still names {digest} after its removal; run again")


async def still_names(registry: Client, ref: TagReference, digest: str) -> bool:
    """Tell whether a tag still names a digest; false where it is gone.

    :raises ConflictError: if it names something else.
    """
    live = await registry.head(ref.repository, ref.tag)
    if live not in {None, digest}:
        raise moved(str(ref), live, f"a moment ago {digest}, to be removed")
    return live is not None


async def _write(registry: Client, ref: TagReference, manifest: Manifest) -> Manifest:
    await registry.write_blob(ref.repository, EMPTY)
    leftover = placeholder_manifest(secrets.token_hex(16), manifest.digest)
    if not await still_names(registry, ref, manifest.digest):
        raise moved(str(ref), None, f"a moment ago {manifest.digest}, to be removed")
    try:
        await registry.put(ref.repository, ref.tag, leftover, named=manifest.digest)
    except STOPPED as error:
        # It may have been written all the same.
        raise await _put_back(registry, ref, leftover, error) or readable(error) from error
    return leftover


async def _put_back(
    registry: Client, ref: TagReference, leftover: Manifest, cause: BaseException
) -> OciError | None:
    """Point a tag at what the placeholder manifest displaced, after `cause` stopped its removal.

    This goes on where the run is interrupted, for a minute at most. Return None where the tag is
    gone after all, else `cause` in words that say how the tag was left. A digest that somebody
    else wrote under the tag is left alone.
    """
    why = readable(cause)
    try:
        left = await to_its_end(_left(registry, ref, leftover), seconds=_PUT_BACK_SECONDS)
    except ConflictError as error:
        left = f"; {error}"
    except Exception as error:  # noqa: BLE001 - whatever it is, the tag may be on a placeholder
        seen, _, remedy = str(readable(error)).partition("\n")
        left = (
            f"; {ref} names a placeholder instead of {displaced_by(leftover)}, which could not "
            f"be put back ({seen.removesuffix('.')}); {remedy and f'{remedy}, then '}run again "
            "to finish the removal"
        )
    return type(why)(continued(why, left)) if left else None


async def _left(registry: Client, ref: TagReference, leftover: Manifest) -> str:
    """Put a tag back where it is on the placeholder; say how it was left, '' where it is gone."""
    displaced = displaced_by(leftover)
    # Read first: nothing may come between the look at the tag and the write to it.
    manifest = await registry.get(ref.repository, displaced) if displaced else None
    live = await registry.head(ref.repository, ref.tag)
    if live is None:
        return ""
    if live == displaced:
        return f"; {ref} still names {displaced}"
    if live != leftover.digest:
        return f"; meanwhile {ref} was moved to {live} and was left there"
    if manifest is None:
        return (
            f"; {ref} names a placeholder, because {displaced or 'what it named'} is not there any "
            "more; run again to finish the removal"
        )
    await registry.put(ref.repository, ref.tag, manifest, named=live)
    return f". {ref} was put back on {displaced}"
