"""States as the engine exports them, made from a plan: what an up of it would have left."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from components.tag_build import verification_name
from fleet.declaration.model import Declaration
from fleet.plan import export
from fleet.plan.identity import digest_of
from fleet.plan.plan import ImagePlan, Plan, VersionTag, make_plan
from fleet.plan.plan_inputs import Inputs
from fleet.plan.platform_build import TagBuild
from fleet.plan.pointers import Pointer
from providers.ociregistry.tag.reasons import shortened
from tests.fleet import examples

OWNER = "fleet/dev"
_IMAGE, _IMAGE_TAG = "docker-build:index:Image", "fleet:index:ImageTag"


def plan_of(declared: Declaration, inputs: Inputs | None = None) -> Plan:
    return make_plan(declared, inputs or examples.inputs(declared), OWNER)


def state_of(plan: Plan) -> dict[str, Any]:
    """The exported deployment after an up of `plan`; tests change it to what they need."""
    return {"version": 3, "deployment": {"resources": list(_resources(plan))}}


def exported(state: dict[str, Any]) -> str:
    return json.dumps(state)


def tag_in(state: dict[str, Any], tag: str) -> dict[str, Any]:
    """The resource of the one tag that ends in `tag`."""
    resources = state["deployment"]["resources"]
    (found,) = [r for r in resources if r["urn"].endswith(f":{tag}") and "ref" in r["outputs"]]
    resource: dict[str, Any] = found
    return resource


def build_in(state: dict[str, Any], name: str) -> dict[str, Any]:
    """The resource of docker-build of this logical name."""
    resources = state["deployment"]["resources"]
    (found,) = [r for r in resources if r["urn"].endswith(f"::{name}")]
    resource: dict[str, Any] = found
    return resource


def without(state: dict[str, Any], *names: str) -> dict[str, Any]:
    """A copy of `state` that lacks the resources of these logical names."""
    left = copy.deepcopy(state)
    resources = left["deployment"]["resources"]
    left["deployment"]["resources"] = [
        r for r in resources if r["urn"].rpartition("::")[2] not in names
    ]
    return left


def _resources(plan: Plan) -> Iterator[dict[str, Any]]:
    for image in plan.images:
        for wheels in image.compiling:
            yield _resource("", _IMAGE, wheels.name, {"buildArgs": dict(wheels.arguments)})
        for tag in image.tags:
            yield from _version(tag, image, plan)
        for pointer in image.pointers:
            yield _pointer(pointer, image, plan)


def _version(tag: VersionTag, image: ImagePlan, plan: Plan) -> Iterator[dict[str, Any]]:
    for build in tag.builds:
        yield _build(build)
        verification = {"builder": {"name": build.builder}}
        yield _resource(_IMAGE_TAG, _IMAGE, verification_name(build), verification)
    ref = f"{image.repository}:{tag.tag}"
    sources = [f"{b.repository}@{digest_of(b.identity)}" for b in tag.builds]
    joins = len(sources) > 1
    properties = {
        "ref": ref,
        "owner": plan.owner,
        "onConflict": plan.declaration.version_conflict,
        "identity": tag.identity,
        "annotations": dict(tag.annotations) if joins else {},
        **({"sources": sources} if joins else {"source": sources[0]}),
    }
    platforms = [{"platform": p, "digest": digest_of(p), "size": 1} for p in tag.platforms]
    inputs = {
        **properties,
        "platforms": list(tag.platforms),
        "inputs": shortened(tag.build_inputs),
    }
    outputs = {**properties, **_named(_digest(tag)), "platforms": platforms}
    yield _resource(_IMAGE_TAG, "ociregistry:index:Tag", ref, inputs, outputs)


def _build(build: TagBuild) -> dict[str, Any]:
    """A build as docker-build records it, with the digests that its arguments get."""
    below = {"BASE": "known", "BASE_DIGEST": "since"} if build.below else {}
    inputs = {
        "buildArgs": {**build.arguments, **dict.fromkeys(build.wheels, "known since"), **below},
        "builder": {"name": build.builder},
        "exports": [{"raw": export.pushed(build.reference, build.annotations)}],
        "platforms": list(export.platforms(build.platforms)),
    }
    outputs = {**inputs, "digest": digest_of(build.identity)}
    return _resource(_IMAGE_TAG, _IMAGE, build.name, inputs, outputs)


def _pointer(pointer: Pointer, image: ImagePlan, plan: Plan) -> dict[str, Any]:
    ref = f"{image.repository}:{pointer.tag}"
    (target,) = [tag for tag in image.tags if tag.tag == pointer.target]
    digest = _digest(target)
    source = f"{image.repository}@{digest}"
    properties = {
        "ref": ref,
        "owner": plan.owner,
        "onConflict": plan.declaration.pointer_conflict,
        "identity": pointer.target,
        "source": source,
    }
    outputs = {**properties, **_named(digest), "platforms": []}
    return _resource("fleet:index:Pointers", "ociregistry:index:Tag", ref, properties, outputs)


def _digest(tag: VersionTag) -> str:
    return digest_of(tag.identity if len(tag.builds) > 1 else tag.builds[0].identity)


def _named(digest: str) -> dict[str, Any]:
    return {"digest": digest, "assembled": digest, "size": 2, "previous": ""}


def _resource(
    parent: str,
    kind: str,
    name: str,
    inputs: dict[str, Any],
    outputs: dict[str, Any] | None = None,
) -> dict[str, Any]:
    urn = f"urn:pulumi:dev::fleet::{parent}{'$' if parent else ''}{kind}::{name}"
    return {"urn": urn, "type": kind, "inputs": inputs, "outputs": outputs or inputs}
