"""Notices of the end of life with the real engine and registry."""

import json
from typing import Any

import pytest

from tests.engine.reading import Reading
from tests.engine.registries import Distribution
from tests.engine.seeding import push_build
from tests.engine.stack import Declared, EngineStack
from tests.fleet.evidence.examples import P256, key

pytestmark = pytest.mark.integration

NAME, BUILD = "team/app", "team/app/build"
OLD, NEW, LATEST = "py3.13-0.33.0", "py3.13-0.34.0", "py3.13-LATEST"
LIFECYCLE = "application/vnd.microsoft.artifact.lifecycle"


class Scene:
    """A stack whose version tags are signed."""

    def __init__(self, stack: EngineStack, registry: Distribution) -> None:
        self.stack, self.registry = stack, registry
        self.digests = {tag: push_build(registry, BUILD, tag) for tag in (OLD, NEW)}
        stack.environment["FLEET_SIGNING_KEY"] = P256

    def declare(self, *tags: str) -> None:
        host = self.registry.host
        self.stack.declare(
            Declared(
                repository=f"{host}/{NAME}",
                build=f"{host}/{BUILD}",
                tags={tag: self.digests[tag] for tag in tags},
                pointers={LATEST: NEW},
                keys=(key().public.spki,),
            )
        )

    def kinds(self, tag: str) -> list[Any]:
        """The types of what refers to the image of a tag."""
        view = Reading(self.registry, NAME)
        listed = json.loads(view.manifest(self.digests[tag].replace(":", "-")))["manifests"]
        return [entry["artifactType"] for entry in listed]


def test_a_tag_that_leaves_gets_a_notice_and_one_that_comes_back_loses_it(
    stack: EngineStack, distribution: Distribution
) -> None:
    scene = Scene(stack, distribution)
    scene.declare(OLD, NEW)
    stack.up()
    scene.declare(NEW)
    row = stack.preview().report.of("keep")[0]
    assert row.ref == f"{distribution.host}/{NAME}:{OLD}"
    assert row.reasons[1].startswith("with a notice of its end of life on ")
    assert LIFECYCLE not in scene.kinds(OLD)
    ran = stack.up()
    assert ran.report.of("keep")[0].reasons == row.reasons
    assert scene.kinds(OLD).count(LIFECYCLE) == 1
    assert LIFECYCLE not in scene.kinds(NEW)
    assert stack.up().steps == ()
    scene.declare(OLD, NEW)
    stack.up()
    assert LIFECYCLE not in scene.kinds(OLD)
    assert stack.up().steps == ()
