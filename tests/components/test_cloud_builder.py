"""Builds whose driver only a ``docker buildx`` on the machine has."""

from dataclasses import replace

from fleet.declaration.parse import parse
from fleet.plan.plan import make_plan
from tests.components.engine import IMAGE, run
from tests.fleet.examples import assets, config, inputs


def test_they_and_their_verifications_are_handed_to_it_and_no_others() -> None:
    declared = parse(
        config(
            builders={"linux/amd64": "cloud-org-name", "linux/arm/v7": "fleet"},
            **{"builder-nodes": {"cloud-org-name": {"driver": "cloud"}}},
        )
    )
    given = replace(inputs(declared), assets={"web": assets()})
    engine, _ = run(make_plan(declared, given, "fleet/test"))
    handed = {asked.name for asked in engine.of(IMAGE) if asked.inputs.get("exec") is True}
    assert handed == {
        asked.name for asked in engine.of(IMAGE) if asked.name.endswith("-cloud-org-name")
    }
    assert all("exec" not in a.inputs for a in engine.of(IMAGE) if a.name not in handed)
