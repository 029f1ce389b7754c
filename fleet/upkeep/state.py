"""A stack's state, as far as upkeep needs it: which digests it names, and what was removed."""

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.console import TroubleError
from fleet.local import engine
from fleet.local.paths import Checkout
from fleet.registry.errors import OciError
from fleet.registry.reference import Repository, TagReference, is_digest
from fleet.registry.undo_log import Removal, remover_of
from fleet.reports.steps import BUILD
from providers.ociregistry.fields import STALE_POINTERS, TAG

POINTERS = "fleet:index:Pointers"
_TAG_DIGESTS = ("digest", "assembled", "previous")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MANIFEST = re.compile(r"([^\s\"]+)@(sha256:[0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True)
class Removed(Removal):
    """A name that ``StalePointers`` took away; ``removed_at`` is an RFC 3339 time in UTC."""

    repository: Repository


@dataclass(frozen=True, kw_only=True)
class Remover:
    """The state of a ``StalePointers`` after the last update; ``policies`` are by pointer kind.

    ``name`` is what an undo record calls it. At a mirror, ``source`` is what that is a mirror of.
    """

    name: str
    repository: Repository
    pointers: frozenset[str]
    grammar: tuple[tuple[str, str], ...]
    policies: Mapping[str, str]
    source: Repository | None = None

    def kind(self, tag: str) -> str:
        """Return the pointer kind of ``tag``, or an empty string."""
        found = (kind for kind, form in self.grammar if re.fullmatch(form, tag))
        return next(found, "")


@dataclass(frozen=True, kw_only=True)
class State:
    """A stack's exported state.

    ``digests`` is every digest that stands anywhere in it, ``built`` those of builds and of what
    these take. By repository are ``roots``, the digests that its tags have or had, that tags come
    from and that builds made or take, and ``tags``, the names that its tag resources have written
    or adopted. ``signed`` are the digests that evidence is kept of. ``removed`` is oldest first.
    """

    stack: str
    digests: frozenset[str]
    built: frozenset[str] = frozenset()
    roots: Mapping[Repository, frozenset[str]] = field(default_factory=dict)
    tags: Mapping[Repository, frozenset[str]] = field(default_factory=dict)
    signed: frozenset[str] = frozenset()
    removed: tuple[Removed, ...] = ()
    removers: tuple[Remover, ...] = ()

    @property
    def mirrors(self) -> Mapping[Repository, Repository]:
        """The repositories that are mirrors of others, each with its source."""
        return {each.repository: each.source for each in self.removers if each.source}


def read_state(here: Checkout, stack: str, env: Mapping[str, str]) -> State:
    """Return the state of ``stack``.

    :raises TroubleError: when the engine can't be run, or the stack or its backend is not there.
    """
    pulumi = shutil.which("pulumi", path=env.get("PATH"))
    if pulumi is None:
        raise TroubleError("there is no pulumi on PATH.\nRun `make lock`, which provides it")
    exported = engine.exported(here, Path(pulumi), stack, env)
    if exported is None:
        raise TroubleError(
            f"there is no stack named {stack} in the backend.\nIf it was lost, run "
            "`make adopt` (docs/runbook.md#the-state-is-lost)"
        )
    return parse_state(stack, exported)


def parse_state(stack: str, exported: str) -> State:
    """Return what is in an ``exported`` deployment; every digest in its text counts as named.

    Only ``digests`` do not: they stay as they were at the last update of their resource, however
    long ago.

    What a run has begun and not ended counts as a remover or a build all the same; its names do
    not, for they may not be written.
    """
    deployment = json.loads(exported).get("deployment") or {}
    resources: list[dict[str, Any]] = deployment.get("resources") or []
    begun = [operation["resource"] for operation in deployment.get("pending_operations") or []]
    roots: defaultdict[Repository, set[str]] = defaultdict(set)
    tags: defaultdict[Repository, set[str]] = defaultdict(set)
    signed: set[str] = set()
    removed: list[Removed] = []
    removers: dict[str, Remover] = {}
    built = set()
    for resource in resources:
        outputs = resource.get("outputs") or {}
        if resource["type"] == TAG:
            ref = TagReference.parse(outputs["ref"])
            roots[ref.repository] |= {str(outputs.get(k)) for k in _TAG_DIGESTS}
            signed |= {str(outputs["assembled"])} if outputs.get("signed") else set()
            if not resource.get("delete"):  # else it waits to be forgotten
                tags[ref.repository].add(ref.tag)
        elif resource["type"] == STALE_POINTERS:
            place, known = Repository.parse(outputs["repository"]), outputs.get("removed") or []
            roots[place] |= {entry["digest"] for entry in (*known, *(outputs.get("kept") or []))}
            removed += [
                Removed(
                    repository=place, tag=e["tag"], digest=e["digest"], removed_at=e["removedAt"]
                )
                for e in known
            ]
    for resource in (*resources, *begun):
        if resource["type"] == STALE_POINTERS:
            # Of one whose create goes on, only what went in is known.
            remover = _remover(resource)
            removers.setdefault(remover.name, remover)
        text = json.dumps(_of_builds(resource))
        built |= set(_DIGEST.findall(text))
        for place, digest in (*_taken(text), *_made(resource)):
            roots[place].add(digest)
    return State(
        stack=stack,
        digests=frozenset(_DIGEST.findall(json.dumps(_without_order(deployment)))),
        built=frozenset(built),
        roots={
            p: held for p, found in roots.items() if (held := frozenset(filter(is_digest, found)))
        },
        tags={place: frozenset(names) for place, names in tags.items()},
        signed=frozenset(signed),
        removed=tuple(removed),
        removers=tuple(removers.values()),
    )


def _of_builds(resource: Mapping[str, Any]) -> Any:
    """Return what a resource says of builds: a build all of it, a tag what it was copied from."""
    if resource["type"] == BUILD:
        return resource
    held = resource.get("outputs") or {}
    return [held.get("source"), held.get("sources")] if resource["type"] == TAG else None


def _made(resource: Mapping[str, Any]) -> Iterator[tuple[Repository, str]]:
    """Yield the digest that a build gave, by the repository of each of its tags."""
    if resource["type"] == BUILD:
        outputs = resource.get("outputs") or {}
        for reference in outputs.get("tags") or []:
            yield TagReference.parse(reference).repository, str(outputs.get("digest"))


def _taken(text: str) -> Iterator[tuple[Repository, str]]:
    """Yield all ``repository@digest`` of a build and of a tag's sources."""
    for name, digest in _MANIFEST.findall(text):
        # Some have a tag before the digest, as a build's ``ref``, or are not a reference at all.
        with suppress(OciError):
            yield Repository.parse(name), digest


def _without_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_order(held) for key, held in value.items() if key != "digests"}
    return [_without_order(held) for held in value] if isinstance(value, list) else value


def _remover(resource: Mapping[str, Any]) -> Remover:
    values = {**(resource.get("inputs") or {}), **(resource.get("outputs") or {})}
    repository = Repository.parse(values["repository"])
    return Remover(
        name=remover_of(resource["urn"], repository),
        repository=repository,
        pointers=frozenset(values.get("pointers") or []),
        grammar=tuple((g["kind"], g["pattern"]) for g in values.get("grammar") or []),
        policies=dict(values.get("policy") or {}),
        source=Repository.parse(values["source"]) if values.get("source") else None,
    )
