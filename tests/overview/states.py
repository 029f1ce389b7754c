"""States as the engine exports them, made from a plan: what an up of it would have left."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from components.platform_image import verification_name
from fleet.declaration import Declaration
from fleet.identity import digest_of
from fleet.inputs import Inputs
from fleet.plan import ImagePlan, Plan, VersionTag, make_plan
from fleet.pointers import Pointer
from providers.ociregistry.reasons import shortened
from tests.fleet import examples

OWNER = "fleet/dev"


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
        for tag in image.tags:
            yield from _version(tag, image, plan)
        for pointer in image.pointers:
            yield _pointer(pointer, image, plan)


def _version(tag: VersionTag, image: ImagePlan, plan: Plan) -> Iterator[dict[str, Any]]:
    for build in tag.builds:
        for name in (build.name, verification_name(build)):
            given = {"BASE": "known", "BASE_DIGEST": "since"} if build.below else {}
            arguments = {**build.arguments, **given} if name == build.name else {}
            yield _resource(
                "fleet:index:ImageTag", "docker-build:index:Image", name,
                {"buildArgs": arguments, "builder": {"name": build.builder}},
            )  # fmt: skip
    ref = f"{image.repository}:{tag.tag}"
    properties = {
        "ref": ref,
        "owner": plan.owner,
        "onConflict": plan.version_conflict,
        "identity": tag.identity,
        "annotations": dict(tag.annotations),
        "source": f"{tag.builds[0].repository}@{_named(tag)['digest']}",
    }
    platforms = [
        {"platform": b.platform, "digest": digest_of(b.identity), "size": 1} for b in tag.builds
    ]
    declared = [build.platform for build in tag.builds]
    inputs = {**properties, "platforms": declared, "inputs": shortened(tag.ingredients)}
    outputs = {**properties, **_named(tag), "platforms": platforms}
    yield _resource("fleet:index:ImageTag", "ociregistry:index:Tag", ref, inputs, outputs)


def _pointer(pointer: Pointer, image: ImagePlan, plan: Plan) -> dict[str, Any]:
    ref = f"{image.repository}:{pointer.tag}"
    (target,) = [tag for tag in image.tags if tag.tag == pointer.target]
    digest = _named(target)["digest"]
    source = f"{image.repository}@{digest}"
    properties = {
        "ref": ref,
        "owner": plan.owner,
        "onConflict": plan.pointer_conflict,
        "identity": pointer.target,
        "source": source,
    }
    outputs = {**properties, **_named(target), "platforms": []}
    return _resource("fleet:index:Pointers", "ociregistry:index:Tag", ref, properties, outputs)


def _named(tag: VersionTag) -> dict[str, Any]:
    digest = digest_of(tag.identity)
    return {"digest": digest, "assembled": digest, "mediaType": "", "size": 2, "previous": ""}


def _resource(
    parent: str,
    kind: str,
    name: str,
    inputs: dict[str, Any],
    outputs: dict[str, Any] | None = None,
) -> dict[str, Any]:
    urn = f"urn:pulumi:dev::fleet::{parent}${kind}::{name}"
    return {"urn": urn, "type": kind, "inputs": inputs, "outputs": outputs or inputs}
