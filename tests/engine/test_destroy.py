"""What `pulumi destroy` says of each pointer, and what it leaves."""

import json

import pytest

from tests.engine.reading import Reading
from tests.engine.registries import Distribution
from tests.engine.seeding import push_build
from tests.engine.stack import Declared, EngineStack

pytestmark = pytest.mark.integration

REPOSITORY = "team/app"
VERSION, LATEST, LINE = "py3.11-0.34.0", "py3.11-LATEST", "py3.11-0.34"
CANARY = "canary-of-a-password-in-no-state"


def test_a_destroy_and_its_preview_name_each_pointer_with_its_digest_and_no_version(
    distribution: Distribution, stack: EngineStack
) -> None:
    place = f"{distribution.host}/{REPOSITORY}"
    stack.declare(
        Declared(
            repository=place,
            build=f"{place}/build",
            tags={VERSION: push_build(distribution, f"{REPOSITORY}/build", "seed")},
            pointers={LATEST: VERSION, LINE: VERSION},
        )
    )
    stack.environment["FLEET_REGISTRY_USERNAME"] = "somebody"
    stack.environment["FLEET_REGISTRY_PASSWORD"] = CANARY
    assert "to be removed" not in stack.up().messages
    assert CANARY not in json.dumps(stack.export())
    assert "to be removed" not in stack.refresh().messages
    view = Reading(distribution, REPOSITORY)
    digest = view.tags()[VERSION]
    named = f"{place}, to be removed: {LINE} ({digest}), {LATEST} ({digest})\n"
    previewed = stack.pulumi("destroy", "--preview-only")
    assert named in f"{previewed.messages}\n"
    assert view.tags().keys() == {VERSION, LATEST, LINE}
    assert named in f"{stack.destroy().messages}\n"
    assert view.tags().keys() == {VERSION}
