"""What is signed of an index that a name was put back on, as `make verify` reads it."""

from fleet.registry.client import Client
from fleet.registry.errors import OciError
from fleet.registry.reference import TagReference
from fleet.upkeep.state import Removed
from fleet.upkeep.trusted import Trusted
from fleet.upkeep.verify import Verified, Wanted, verify_tags
from providers.ociregistry.evidence.model import kinds_of


async def describe(
    registry: Client, entry: Removed, owner: str, trusted: Trusted, *, named: bool
) -> str:
    """Describe the evidence of what ``entry`` names; it is read, and nothing is signed.

    ``named`` says that a resource of the stack has that digest, so that its evidence is an update's
    business. A registry that fails is described, too: the name is back all the same.
    """
    if not trusted.signers:
        return "Its evidence was not looked for: the stack has no signer (docs/evidence.md)."
    try:
        found = await _verified(registry, entry, owner, trusted)
    except OciError as error:
        return f"Its evidence could not be read: {error}"
    kinds = found.wanted.kinds
    if not found.problems:
        signers = ", ".join(found.signers)
        return f"Its evidence is there and valid, {len(kinds)}/{len(kinds)}, signed by {signers}."
    state = f"only {len(found.signed)}/{len(kinds)} of it is valid" if found.signed else "none"
    wrong = "".join(f"\n  {problem}" for problem in found.problems)
    if named:
        remedy = (
            "A version tag of the stack has that digest: FLEET_VERIFY_CHILDREN=all make up signs "
            "what is missing."
        )
    else:
        remedy = (
            "Nothing signs it now: no version tag of the stack has that digest, so what went into "
            "it is not known. Declare its version again to have it built and signed."
        )
    return f"Of its evidence: {state}.{wrong}\n{remedy}"


async def _verified(registry: Client, entry: Removed, owner: str, trusted: Trusted) -> Verified:
    """Return what is signed of the removed name's digest.

    :raises fleet.registry.errors.OciError: when the registry fails.
    """
    manifest = await registry.get(entry.repository, entry.digest)
    place = f"{entry.repository}@{entry.digest}"
    children = manifest.children(place) if manifest is not None and manifest.is_index else ()
    tag = Wanted(
        ref=TagReference(repository=entry.repository, tag=entry.tag),
        kinds=kinds_of(child.platform for child in children),
    )
    (found,) = await verify_tags(registry, [tag], owner, trusted)
    return found
