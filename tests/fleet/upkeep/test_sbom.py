"""Which image a tag is of, and what `make sbom` says where there is no bill."""

import json

import pytest

from fleet.console import TroubleError
from fleet.declaration.parse import parse
from fleet.plan.plan import Plan, make_plan
from fleet.registry.errors import RegistryError
from fleet.registry.reference import TagReference
from fleet.upkeep.commands import bills
from fleet.upkeep.images import declaring
from tests.fleet import examples
from tests.fleet.sbom.layers import NAME, deb, layer, push, status
from tests.fleet.upkeep.sweeping import Run
from tests.providers.ociregistry.registry_fake import FakeRegistry


def plan(registry: FakeRegistry, *names: str) -> Plan:
    images = {name: examples.image() for name in names}
    declared = parse(examples.config(registry=f"{registry.host}/acme", images=images))
    return make_plan(declared, examples.inputs(declared), owner="fleet/dev")


def reference_of(planned: Plan, tag: str) -> TagReference:
    return TagReference.parse(f"{declaring(planned, tag).repository}:{tag}")


@pytest.fixture
def planned(registry: FakeRegistry) -> Plan:
    return plan(registry, "app")


def test_the_bill_is_of_the_digest_that_the_tag_names(
    registry: FakeRegistry, run: Run, planned: Plan
) -> None:
    tag = planned.images[0].pointers[0].tag
    platforms = ("linux/amd64", "linux/arm64")
    record = layer(status(deb("bash", "5.2")))
    children = {platform: push(registry, [record], platform) for platform in platforms}
    registry.push_children(NAME, children, tag=tag)
    reference = reference_of(planned, tag)
    found = run(lambda client: bills(client, reference))
    assert {
        name: json.loads(bill)["metadata"]["component"]["bom-ref"] for name, bill in found.items()
    } == children
    one = run(lambda client: bills(client, reference, "linux/arm64"))
    assert one == {"linux/arm64": found["linux/arm64"]}
    with pytest.raises(
        RegistryError, match=r"no image for linux/386\. It has: linux/amd64, linux/a"
    ):
        run(lambda client: bills(client, reference, "linux/386"))
    assert registry.writes == []


def test_a_tag_that_is_not_in_the_registry_is_named_with_the_remedy(
    run: Run, planned: Plan
) -> None:
    reference = reference_of(planned, planned.images[0].tags[0].tag)
    with pytest.raises(TroubleError, match=r"(?s)declared and not in the registry.*make up"):
        run(lambda client: bills(client, reference))


def test_a_tag_that_is_not_declared_is_refused(planned: Plan) -> None:
    with pytest.raises(TroubleError, match=r"py2\.7-LATEST is not a declared tag of any image"):
        declaring(planned, "py2.7-LATEST")
    tag = planned.images[0].tags[0].tag
    with pytest.raises(TroubleError, match="of the image other"):
        declaring(planned, tag, "other")


def test_a_tag_of_several_images_needs_the_name_of_one(registry: FakeRegistry) -> None:
    both = plan(registry, "app", "web")
    tag = both.images[0].tags[0].tag
    with pytest.raises(TroubleError, match=r"app, web\.\nName one by IMAGE="):
        declaring(both, tag)
    assert declaring(both, tag, "web").name == "web"
