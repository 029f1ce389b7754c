"""Messages about stale tags that a run leaves because no preview listed them."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from fleet.registry.reference import Repository
from providers.ociregistry.stale_pointers.allow_list import Allowed
from providers.ociregistry.stale_pointers.model import Kept


def not_allowed_of(
    repository: Repository, named: Mapping[str, str], allowed: Allowed
) -> dict[str, Kept]:
    """Return those of `named`, stale tags with their digests, which may not go in this run."""
    found = {}
    for tag, digest in named.items():
        why = allowed.objection(f"{repository}:{tag}", digest)
        if why:
            found[tag] = Kept(tag=tag, digest=digest, reason=why)
    return found


def still_there(repository: Repository, not_allowed: Iterable[Kept]) -> str:
    """Return which names stay, why, and how they go."""
    names = ", ".join(f"{kept.tag} ({kept.digest}; {kept.reason})" for kept in not_allowed)
    return (
        f"{repository}: stale, and not removed in this run: {names}. The next preview lists what "
        "is stale by then; once that is allowed, the run after it removes it"
    )


def not_forgotten(repository: Repository, not_allowed: Iterable[Kept]) -> str:
    """Return the same where no remover is declared any more.

    The engine forgets a resource whose deletion succeeds, and nobody would list its names again.
    """
    return f"{still_there(repository, not_allowed)}. Until then their remover stays in the state"


def names(going: Mapping[str, str], last: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the pointers that are to be removed, each with its digest and a remark if any."""
    remarks = {tag: f"; {last[tag]}" if tag in last else "" for tag in going}
    return ", ".join(f"{tag} ({digest}{remarks[tag]})" for tag, digest in going.items())
