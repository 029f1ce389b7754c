"""Whether the pointers of a repository go with its remover, which the engine is to delete."""

from dataclasses import dataclass

from providers.ociregistry.errors import OciError
from providers.ociregistry.reference import Repository, TagReference
from providers.ociregistry.session import Session
from providers.ociregistry.stale import StaleInputs


@dataclass(frozen=True, kw_only=True)
class Parting:
    """Whether pointers stay, and what a person should know of that; empty where nothing."""

    stays: bool
    why: str = ""


async def parting(session: Session, urn: str, inputs: StaleInputs) -> Parting:
    """Decide what becomes of the pointers of a remover that the program no longer declares.

    They stay where this or the last run's declaration says so, and where another remover looks
    after them: one of another name, or of the same repository under another spelling of its host.

    :raises RegistryError: if nothing can be compared because the registry does not answer.
    """
    declared, repository = session.declared, inputs.repository
    if inputs.keep_on_destroy or declared.keeps or declared.has_successor(repository, urn):
        return Parting(stays=True)
    for twin in declared.twins(repository):
        if not await _is_elsewhere(session, repository, twin):
            return Parting(
                stays=True,
                why=f"{repository}: its pointers are left as they are, for {twin} is declared and "
                "seems to be the same repository under another name of its host. If it is another "
                "one, remove them there by hand",
            )
    return Parting(stays=False)


async def _is_elsewhere(session: Session, repository: Repository, twin: Repository) -> bool:
    """Tell whether `twin` is surely stored apart from `repository`.

    It is, if no tag that both have declared named there what it named here before this run wrote
    anything. Without any such tag, or where the registry does not answer, nothing is proven.
    """
    seen, found = session.declared.seen, session.tagger.found
    compared = 0
    for tag in sorted(session.declared.tags(twin)):
        here = TagReference(repository=repository, tag=tag)
        there = TagReference(repository=twin, tag=tag)
        if here not in seen:
            continue
        try:
            before = seen.get(there) or (
                found[there] if there in found else await session.named(there)
            )
        except OciError:
            return False
        if before == seen[here]:
            return False
        compared += 1
    if not compared:
        # One that is not reached at all is for the caller: it may be gone for good.
        await session.named(TagReference(repository=repository, tag="LATEST"))
    return compared > 0
