"""What an adoption reads, on a registry in memory."""

from fleet.declaration.parse import parse
from fleet.plan.plan import Plan, make_plan
from fleet.registry.reference import Repository
from fleet.upkeep import adopt
from tests.fleet import examples
from tests.fleet.upkeep.sweeping import Run
from tests.providers.ociregistry.registry_fake import OCI_MANIFEST, FakeRegistry


def plan(registry: FakeRegistry) -> Plan:
    declared = parse(examples.config(registry=f"{registry.host}/multi-py"))
    return make_plan(declared, examples.inputs(declared), owner="fleet/dev")


class TestLook:
    def test_a_tag_that_names_no_image_is_left_out_and_the_rest_is_read(
        self, registry: FakeRegistry, run: Run
    ) -> None:
        planned = plan(registry)
        odd, *others = (candidate.ref for candidate in adopt.candidates(planned))
        name = Repository.parse(str(odd.repository)).name
        digest = registry.push_manifest(name, {"mediaType": OCI_MANIFEST}, odd.tag)
        for ref in others:
            registry.push_index(name, ref.tag)
        found = run(lambda client: adopt.look(client, planned))
        assert found.adopted == tuple(sorted(str(ref) for ref in others))
        assert found.absent == ()
        assert registry.writes == []
        printed = adopt.report(found)
        assert "1 unreadable, left out (up puts pointers right" in printed
        assert f"  {odd} names {digest}, which is not an image of this fleet" in printed
