"""The import file that puts live tags under the program's own resources, pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fleet.plan.plan import ImagePlan, Plan
from fleet.registry.reference import TagReference
from fleet.upkeep.state import TAG
from providers.ociregistry.properties import input_properties, state_properties
from providers.ociregistry.tag.reader import Found

IMAGE_TAG = "fleet:index:ImageTag"
POINTERS = "fleet:index:Pointers"
_PROVIDER = "pulumi:providers:ociregistry"
_NOT_IN_THE_REGISTRY = frozenset({"identity", "onConflict"})


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
    what they name is no image of a fleet, each with the digest and why.
    """

    document: Mapping[str, Any]
    adopted: tuple[str, ...]
    unowned: tuple[str, ...]
    off: tuple[str, ...]
    foreign: tuple[str, ...]
    absent: tuple[str, ...]
    unreadable: tuple[str, ...] = ()


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
    components = dict.fromkeys(c.component for c in taken)
    entries = [_provider_entry(plan)] if taken else []
    entries += [{"type": t, "name": name, "component": True} for t, name in components]
    entries += [_entry(c, live[c.ref], plan) for c in taken]
    return Adoption(
        document={"resources": entries},
        adopted=_named(c.ref for c in taken),
        unowned=_named(c.ref for c in taken if c.target is None and not live[c.ref].inputs.owner),
        off=_named(c.ref for c in taken if c.target is not None and _is_off(c, live)),
        foreign=_named(foreign),
        absent=_named(c.ref for c in declared if c.ref not in live and c.ref not in unreadable),
        unreadable=tuple(sorted(unreadable.values())),
    )


def _entry(candidate: Candidate, found: Found, plan: Plan) -> dict[str, Any]:
    inputs = _version_inputs(found) if candidate.target is None else _pointer_inputs(found)
    return {
        "type": TAG,
        "name": str(candidate.ref),
        "id": str(candidate.ref),
        "parent": candidate.component[1],
        "provider": _provider(plan),
        # An index that nobody owns differs in that from what is declared, and an input must name
        # an owner: the state says the one, the inputs the other.
        "inputs": {**inputs, "owner": plan.owner},
        "outputs": {
            **inputs,
            **state_properties(found.state),
            "owner": _owner(candidate, found, plan),
        },
    }


def _provider_entry(plan: Plan) -> dict[str, Any]:
    return {"type": _PROVIDER, "name": _provider(plan), "inputs": {"logins": plan.logins}}


def _provider(plan: Plan) -> str:
    """Return the name of the provider that the program gives its tags."""
    return f"{plan.owner}:registries"


def _owner(candidate: Candidate, found: Found, plan: Plan) -> str:
    """Return what the tag has for an owner; a pointer has none of its own, it is a copy."""
    return found.inputs.owner if candidate.target is None else plan.owner


def _version_inputs(found: Found) -> dict[str, Any]:
    # Which inputs it was built from and what was declared for conflicts, no registry tells;
    # the provider takes what is left out for equal.
    properties = input_properties(found.inputs)
    return {key: value for key, value in properties.items() if key not in _NOT_IN_THE_REGISTRY}


def _pointer_inputs(found: Found) -> dict[str, Any]:
    ref = found.inputs.ref
    source = f"{ref.repository}@{found.state.digest}"
    return {"ref": str(ref), "annotations": {}, "source": source}


def _is_off(candidate: Candidate, live: Mapping[TagReference, Found]) -> bool:
    target = live.get(candidate.target) if candidate.target is not None else None
    return target is None or target.state.digest != live[candidate.ref].state.digest


def _named(refs: "Iterator[TagReference] | set[TagReference]") -> tuple[str, ...]:
    return tuple(sorted(str(ref) for ref in refs))
