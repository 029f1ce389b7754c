"""The fleet's own program, but for docker-build: what it would push is there already.

Copied as `__main__.py` into a project of its own; `images.json` beside it maps the name of each
build to its digest.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import pulumi
from pulumi.runtime.config import get_config_env

from components import image_tag
from components.fleet import declare
from components.stack_references import Elsewhere
from fleet.checkout.planning import gather
from fleet.checkout.stack_config import declaration_of_engine
from fleet.plan.plan import make_plan
from fleet.plan.plan_inputs import Assets
from fleet.plan.platform_build import TagBuild

digests = json.loads(Path("images.json").read_text())


def built(
    build: TagBuild, _assets: Assets, _before: object, _parent: pulumi.Resource
) -> SimpleNamespace:
    digest = digests[build.name]
    arguments = pulumi.Output.from_input({"IMAGE": f"{build.repository}@{digest}"})
    return SimpleNamespace(
        verified=pulumi.Output.from_input(digest),
        build=SimpleNamespace(digest=pulumi.Output.from_input(digest)),
        verification=SimpleNamespace(build_args=arguments),
    )


setattr(image_tag, "verified_build", built)  # noqa: B010 - a stand-in of another type
declaration = declaration_of_engine(get_config_env(), pulumi.get_stack(), Path.cwd())
plan = make_plan(
    declaration, gather(Path.cwd(), pulumi.get_stack(), declaration), owner="fleet/dev"
)
for name, value in declare(plan, Elsewhere(), "").outputs.items():
    pulumi.export(name, value)
