"""A stack's state, as far as upkeep needs it: which digests it names, and what was removed."""

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.console import TroubleError, tail_of
from fleet.local import truncated_state
from fleet.registry.errors import OciError
from fleet.registry.reference import Repository, TagReference, is_digest
from fleet.registry.undo_log import remover_of

TAG = "ociregistry:index:Tag"
STALE_POINTERS = "ociregistry:index:StalePointers"
_BUILD = "docker-build:index:Image"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MANIFEST = re.compile(r"([^\s\"]+)@(sha256:[0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True)
class Removed:
    """A name that ``StalePointers`` took away; ``removed_at`` is an RFC 3339 time in UTC."""

    repository: Repository
    tag: str
    digest: str
    removed_at: str


@dataclass(frozen=True, kw_only=True)
class Remover:
    """What the last update recorded of a ``StalePointers``; ``policies`` are by pointer kind.

    ``name`` is what an undo record calls it.
    """

    name: str
    repository: Repository
    pointers: frozenset[str]
    grammar: tuple[tuple[str, str], ...]
    policies: Mapping[str, str]

    def kind(self, tag: str) -> str:
        """Return the pointer kind of ``tag``, or an empty string."""
        found = (kind for kind, form in self.grammar if re.fullmatch(form, tag))
        return next(found, "")


@dataclass(frozen=True, kw_only=True)
class State:
    """A stack's exported state.

    ``digests`` is every digest that stands anywhere in it, ``built`` those of builds and of what
    these take. By repository are ``roots``, which its tags have or had, ``builds``, which tags come
    from and builds made or take, and ``tags``, the names that its tag resources have written or
    adopted. ``removed`` is oldest first.
    """

    stack: str
    urns: frozenset[str]
    digests: frozenset[str]
    roots: Mapping[Repository, frozenset[str]]
    tags: Mapping[Repository, frozenset[str]]
    removed: tuple[Removed, ...]
    removers: tuple[Remover, ...]
    built: frozenset[str] = frozenset()
    builds: Mapping[Repository, frozenset[str]] = field(default_factory=dict)


def read_state(root: Path, stack: str, env: Mapping[str, str]) -> State:
    """Return the state of ``stack`` of the project at ``root``.

    :raises TroubleError: when the engine can't be run, or the stack or its backend is not there.
    """
    argv = ["pulumi", "stack", "export", "--stack", stack, "--non-interactive"]
    try:
        done = subprocess.run(
            argv, cwd=root, env=dict(env), capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise TroubleError(
            "there is no pulumi on PATH; run `make lock`, which provides it"
        ) from None
    if done.returncode:
        text = f"the state of stack {stack} can't be read:\n{tail_of(done.stderr)}"
        remedy = truncated_state.remedy(root, stack, env) or "If it was lost, run `make adopt`"
        raise TroubleError(f"{text}\n{remedy}")
    return parse_state(stack, done.stdout)


def parse_state(stack: str, exported: str) -> State:
    """Return what is in an ``exported`` deployment; every digest in its text counts as named.

    Only ``waitFor`` does not: it orders an update, and stays as it was at the last update of
    its resource, however long ago.

    What a run has begun and not ended counts as a remover or a build all the same; its names do
    not, for they may not be written.
    """
    deployment = json.loads(exported).get("deployment") or {}
    resources: list[dict[str, Any]] = deployment.get("resources") or []
    begun = [operation["resource"] for operation in deployment.get("pending_operations") or []]
    removers = [r for r in resources if r["type"] == STALE_POINTERS]
    return State(
        stack=stack,
        urns=frozenset(r["urn"] for r in (*resources, *begun)),
        digests=frozenset(_DIGEST.findall(json.dumps(_without_order(deployment)))),
        roots=_roots(resources),
        tags=_tags(resources),
        removed=tuple(entry for r in removers for entry in _removed(r["outputs"])),
        removers=_removers(resources, begun),
        built=frozenset(_DIGEST.findall(json.dumps([_built(r) for r in (*resources, *begun)]))),
        builds=_builds([*resources, *begun]),
    )


def _built(resource: Mapping[str, Any]) -> Any:
    """Return what a resource says of builds: a build all of it, a tag what it was copied from."""
    if resource["type"] == _BUILD:
        return resource
    held = resource.get("outputs") or {}
    return [held.get("source"), held.get("sources")] if resource["type"] == TAG else None


def _without_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_order(held) for key, held in value.items() if key != "waitFor"}
    return [_without_order(held) for held in value] if isinstance(value, list) else value


def _roots(resources: list[dict[str, Any]]) -> dict[Repository, frozenset[str]]:
    found: defaultdict[Repository, set[str]] = defaultdict(set)
    for resource in resources:
        outputs = resource.get("outputs") or {}
        if resource["type"] == TAG:
            repository = TagReference.parse(outputs["ref"]).repository
            found[repository] |= {str(outputs.get(k)) for k in ("digest", "assembled", "previous")}
        elif resource["type"] == STALE_POINTERS:
            repository = Repository.parse(outputs["repository"])
            entries = [*(outputs.get("removed") or []), *(outputs.get("kept") or [])]
            found[repository] |= {entry["digest"] for entry in entries}
    return {place: frozenset(filter(is_digest, held)) for place, held in found.items()}


def _builds(resources: list[dict[str, Any]]) -> dict[Repository, frozenset[str]]:
    found: defaultdict[Repository, set[str]] = defaultdict(set)
    for resource in resources:
        outputs = resource.get("outputs") or {}
        digest = str(outputs.get("digest"))
        if resource["type"] == _BUILD and is_digest(digest):
            for reference in outputs.get("tags") or []:
                found[TagReference.parse(reference).repository].add(digest)
        for repository, taken in _taken(resource):
            found[repository].add(taken)
    return {place: frozenset(held) for place, held in found.items()}


def _taken(resource: Mapping[str, Any]) -> Iterator[tuple[Repository, str]]:
    """Yield all ``repository@digest`` of a build and of a tag's sources."""
    for name, digest in _MANIFEST.findall(json.dumps(_built(resource))):
        try:
            yield Repository.parse(name), digest
        except OciError:
            continue  # with a tag before the digest, as a build's ``ref``, or no reference at all


def _tags(resources: list[dict[str, Any]]) -> dict[Repository, frozenset[str]]:
    """Return the names of all tag resources but those that wait to be forgotten (``delete``)."""
    found: defaultdict[Repository, set[str]] = defaultdict(set)
    for resource in resources:
        if resource["type"] == TAG and not resource.get("delete"):
            reference = TagReference.parse(resource["outputs"]["ref"])
            found[reference.repository].add(reference.tag)
    return {place: frozenset(held) for place, held in found.items()}


def _removed(outputs: Mapping[str, Any]) -> list[Removed]:
    repository = Repository.parse(outputs["repository"])
    return [
        Removed(
            repository=repository,
            tag=entry["tag"],
            digest=entry["digest"],
            removed_at=entry["removedAt"],
        )
        for entry in outputs.get("removed") or []
    ]


def _removers(*sources: list[dict[str, Any]]) -> tuple[Remover, ...]:
    """Return each remover once; of one whose create goes on, only what went in is known."""
    found: dict[str, Remover] = {}
    for resource in (r for source in sources for r in source if r["type"] == STALE_POINTERS):
        values = {**(resource.get("inputs") or {}), **(resource.get("outputs") or {})}
        remover = _remover(resource["urn"], values)
        found.setdefault(remover.name, remover)
    return tuple(found.values())


def _remover(urn: str, outputs: Mapping[str, Any]) -> Remover:
    repository = Repository.parse(outputs["repository"])
    return Remover(
        name=remover_of(urn, repository),
        repository=repository,
        pointers=frozenset(outputs.get("pointers") or []),
        grammar=tuple((g["kind"], g["pattern"]) for g in outputs.get("grammar") or []),
        policies=dict(outputs.get("policy") or {}),
    )
