"""What a stack's exported state knows of tags and builds, as data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fleet.reports.steps import BUILD
from providers.ociregistry.fields import TAG
from providers.ociregistry.properties import recorded_tag
from providers.ociregistry.tag.model import Recorded

_STACK = "pulumi:pulumi:Stack"
_POINTER = f"fleet:index:Pointers${TAG}"


@dataclass(frozen=True, kw_only=True)
class Build:
    """What docker-build last built, as it was asked for, and the ``digest`` that this gave.

    ``exports`` and ``platforms`` are as docker-build spells them (:mod:`fleet.plan.export`).
    """

    builder: str
    arguments: Mapping[str, Any]
    exports: tuple[str, ...]
    platforms: tuple[str, ...]
    digest: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a state holds: ``tags`` by reference, ``builds`` by logical name, wheels among them.

    ``pointers`` are the references of those tags that were declared as pointers; ``outputs`` are
    the stack's, as its last run left them. Where there is no state, or one of several is missing,
    ``lacking`` says why.
    """

    tags: Mapping[str, Recorded] = field(default_factory=dict)
    pointers: frozenset[str] = frozenset()
    builds: Mapping[str, Build] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    lacking: str = ""

    @property
    def evidence(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """By reference a digest, and the kinds of statements that are signed of it."""
        return {
            ref: (tag.state.assembled, tuple(sorted(tag.state.signed.statements)))
            for ref, tag in self.tags.items()
            if tag.state.signed
        }


def parse_known(exported: str) -> Known:
    """Return what is in ``exported``, the JSON that ``pulumi stack export`` prints.

    A resource that is only waiting for its deletion is no longer known.
    """
    deployment = json.loads(exported).get("deployment") or {}
    resources = [r for r in deployment.get("resources") or [] if not r.get("delete")]
    tags = [r for r in resources if r["type"] == TAG and (r.get("outputs") or {}).get("ref")]
    stacks = (r.get("outputs") or {} for r in resources if r["type"] == _STACK)
    return Known(
        tags={r["outputs"]["ref"]: _recorded(r) for r in tags},
        pointers=frozenset(r["outputs"]["ref"] for r in tags if f"::{_POINTER}::" in r["urn"]),
        builds={r["urn"].rpartition("::")[2]: _build(r) for r in resources if r["type"] == BUILD},
        outputs=next(stacks, {}),
    )


def joined(found: Sequence[Known]) -> Known:
    """Return what several states hold, none of which has anything of another."""
    return Known(
        tags={ref: prior for known in found for ref, prior in known.tags.items()},
        pointers=frozenset(ref for known in found for ref in known.pointers),
        builds={name: build for known in found for name, build in known.builds.items()},
        outputs={
            key: [row for known in found for row in known.outputs.get(key) or ()]
            for key in ("tags", "pointers")
            if any(key in known.outputs for known in found)
        },
        lacking="; ".join(dict.fromkeys(known.lacking for known in found if known.lacking)),
    )


def _recorded(resource: Mapping[str, Any]) -> Recorded:
    # The provider keeps what went into a tag among the inputs: they are saved in every run.
    return recorded_tag(resource["outputs"], (resource.get("inputs") or {}).get("inputs"))


def _build(resource: Mapping[str, Any]) -> Build:
    inputs, outputs = resource.get("inputs") or {}, resource.get("outputs") or {}
    return Build(
        builder=(inputs.get("builder") or {}).get("name") or "",
        arguments=inputs.get("buildArgs") or {},
        exports=tuple(export.get("raw") or "" for export in inputs.get("exports") or ()),
        platforms=tuple(inputs.get("platforms") or ()),
        digest=outputs.get("digest") or "",
    )
