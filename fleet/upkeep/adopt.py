"""Adoption: a registry's declared tags come under management without a write to the registry.

The import file puts live tags under the program's own resources.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fleet.plan.plan import ImagePlan, Plan
from fleet.registry.client import Client
from fleet.registry.errors import UnreadableError
from fleet.registry.reference import TagReference
from fleet.reports.steps import IMAGE_TAG
from fleet.upkeep.parallel import each
from fleet.upkeep.state import POINTERS
from providers.ociregistry.fields import PROVIDER, TAG
from providers.ociregistry.properties import input_properties, state_properties
from providers.ociregistry.tag.model import STATE_ONLY
from providers.ociregistry.tag.reader import Found
from providers.ociregistry.tag.writer import Tagger

FLAGS = ("--yes", "--skip-preview", "--protect=false", "--generate-code=false")
"""Flags of ``pulumi import``: destroy is guarded elsewhere, and the code is there already."""

_UNOWNED = (
    "of these written by something else than this fleet (the next up replaces them by this fleet's "
    "builds; the old digest stays pullable)"
)
_UNREADABLE = (
    "unreadable, left out (up puts pointers right; at a version tag it stops unless "
    "fleet:on-conflict takes over)"
)
_LIMITS = """\
Not in the file: builds and their verifications, because no registry tells which inputs an image
was built from. The next up builds and checks each tag once more; builds that give the same bytes
move no tag. The record of removed names begins again in the state; `make restore` reads the one in
the registry as well."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A declared tag: its ``component`` as (type, name), and for a pointer what it is to name."""

    ref: TagReference
    component: tuple[str, str]
    target: TagReference | None = None


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """The tags that an import would take over, and those that it leaves.

    ``adopted`` names everything in the file; ``unowned`` are those of it whose index carries no
    owner, so that the next ``up`` replaces them by builds of this fleet; ``off`` the pointers of it
    that name something else than they are declared to. ``unreadable`` are tags left out because
    what they name is not an image of a fleet, each with the digest and why.
    """

    document: Mapping[str, Any]
    adopted: tuple[str, ...]
    unowned: tuple[str, ...]
    off: tuple[str, ...]
    foreign: tuple[str, ...]
    absent: tuple[str, ...]
    unreadable: tuple[str, ...]


async def look(registry: Client, plan: Plan) -> Adoption:
    """Read every declared tag and return what an import would take over.

    :raises fleet.registry.errors.OciError: when the registry fails.
    """
    tagger = Tagger(registry)
    found: dict[TagReference, Found] = {}
    unreadable: dict[TagReference, str] = {}

    async def find(ref: TagReference) -> None:
        try:
            live = await tagger.find(ref)
        except UnreadableError as error:
            unreadable[ref] = str(error)
            return
        if live is not None:
            found[ref] = live

    await each(find, [candidate.ref for candidate in candidates(plan)])
    return adoption(plan, found, unreadable)


def candidates(plan: Plan) -> tuple[Candidate, ...]:
    """Return every tag that the program declares, with the component that it makes it in."""
    return tuple(found for image in plan.images for found in _of_image(image))


def _of_image(image: ImagePlan) -> Iterator[Candidate]:
    def ref(tag: str) -> TagReference:
        return TagReference.parse(f"{image.repository}:{tag}")

    for version in image.tags:
        name = f"{image.name}:{version.tag}"
        yield Candidate(ref=ref(version.tag), component=(IMAGE_TAG, name))
    for pointer in image.pointers:
        component = (POINTERS, image.name)
        yield Candidate(ref=ref(pointer.tag), component=component, target=ref(pointer.target))


def adoption(
    plan: Plan,
    found: Mapping[TagReference, Found],
    unreadable: Mapping[TagReference, str] = MappingProxyType({}),
) -> Adoption:
    """Return the import of every candidate in ``found`` that is not another stack's.

    ``unreadable`` are those that name no image of a fleet, each with the reason.

    The file carries the whole state of each tag, as it was just read, so that the engine asks
    nobody and a pointer is known as one: read alone, it can't be told from a version tag.
    """
    declared = candidates(plan)
    live = {c.ref: found[c.ref] for c in declared if c.ref in found}
    foreign = {ref for ref, f in live.items() if f.inputs.owner not in ("", plan.owner)}
    taken = [c for c in declared if c.ref in live and c.ref not in foreign]
    digests = {ref: f.state.digest for ref, f in live.items()}
    versions = [c.ref for c in taken if c.target is None]
    off = (c.ref for c in taken if c.target and digests.get(c.target) != digests[c.ref])
    provider = {"type": PROVIDER, "name": _provider(plan), "inputs": {"logins": plan.logins}}
    components = dict.fromkeys(c.component for c in taken)
    entries = [
        *([provider] if taken else []),
        *({"type": t, "name": name, "component": True} for t, name in components),
        *(_entry(c, live[c.ref], plan) for c in taken),
    ]
    return Adoption(
        document={"resources": entries},
        adopted=_named(c.ref for c in taken),
        unowned=_named(ref for ref in versions if not live[ref].inputs.owner),
        off=_named(off),
        foreign=_named(foreign),
        absent=_named(c.ref for c in declared if c.ref not in live and c.ref not in unreadable),
        unreadable=_named(unreadable.values()),
    )


def _entry(candidate: Candidate, found: Found, plan: Plan) -> dict[str, Any]:
    ref = candidate.ref
    if candidate.target is None:
        # Which inputs it was built from and what was declared for conflicts, no registry tells;
        # the provider takes what is left out for equal.
        every = input_properties(found.inputs)
        inputs = {key: value for key, value in every.items() if key not in STATE_ONLY}
        owner = found.inputs.owner
    else:
        # A pointer has no owner of its own, it is a copy.
        source = f"{ref.repository}@{found.state.digest}"
        inputs, owner = {"ref": str(ref), "annotations": {}, "source": source}, plan.owner
    return {
        "type": TAG,
        "name": str(ref),
        "id": str(ref),
        "parent": candidate.component[1],
        "provider": _provider(plan),
        # An index that nobody owns differs in that from what is declared, and an input must name
        # an owner: the state says the one, the inputs the other.
        "inputs": {**inputs, "owner": plan.owner},
        "outputs": {**inputs, **state_properties(found.state), "owner": owner},
    }


def _provider(plan: Plan) -> str:
    """Return the name of the provider that the program gives its tags."""
    return f"{plan.owner}:registries"


def _named(found: Iterable[object]) -> tuple[str, ...]:
    return tuple(sorted(map(str, found)))


def report(adopted: Adoption) -> str:
    """Say what an import takes over and what it can't."""
    groups = {
        "adopted": adopted.adopted,
        _UNOWNED: adopted.unowned,
        "of these pointers that name something else than declared (up moves them)": adopted.off,
        "left alone, for they are another stack's (move them by that stack)": adopted.foreign,
        _UNREADABLE: adopted.unreadable,
        "declared but not in the registry (up makes them)": adopted.absent,
    }
    lines = []
    for title, refs in groups.items():
        if refs:
            lines += [f"{len(refs)} {title}:", *(f"  {ref}" for ref in refs)]
    return "\n".join([*lines, _LIMITS])
