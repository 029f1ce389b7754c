"""Plans that the tests of components run."""

from dataclasses import replace
from typing import Any

from fleet.declaration.parse import parse
from fleet.lock.model import Tools
from fleet.plan.plan import Plan, make_plan
from tests.fleet.examples import assets, config, declaration, image, inputs, lock


def plan(**image_overrides: Any) -> Plan:
    """One image, `web`: two versions for amd64 and arm/v7."""
    declared = declaration(**image_overrides)
    given = inputs(declared)
    return make_plan(declared, replace(given, assets={"web": assets()}), "fleet/test")


def compiling() -> Plan:
    """Like :func:`plan`, but gunicorn has no wheel for arm/v7."""
    declared = declaration()
    tools = Tools(
        pins=(),
        compiled={"linux/arm/v7 glibc": ("gunicorn==23.0.0",)},
        sources={"gunicorn==23.0.0": f"https://files.test/a.tar.gz#sha256={'a' * 64}"},
    )
    locked = lock(declared, tools={("web", "3.11"): tools})
    return make_plan(declared, inputs(declared, lock=locked), "fleet/test")


def stacked() -> Plan:
    """Two images, `child` built on `base`."""
    declared = parse(
        config(
            images={
                "child": image(**{"builds-on": "base"}),
                "base": image(requires=[], package="gunicorn", versions=["23.0.0"]),
            }
        )
    )
    pins = {
        ("base", "3.11", "23.0.0"): ("gunicorn==23.0.0",),
        ("child", "3.11", "0.33.0"): ("gunicorn==23.0.0", "uvicorn==0.33.0"),
        ("child", "3.11", "0.34.0"): ("gunicorn==23.0.0", "uvicorn==0.34.0"),
    }
    given = inputs(declared, lock=lock(declared, pins=pins))
    return make_plan(declared, given, "fleet/test")


def on_two_builders() -> Plan:
    """Like :func:`plan`, but amd64 is built by `one` and arm/v7 by `two`."""
    builders = {"linux/amd64": "one", "linux/arm/v7": "two"}
    declared = parse(config(builders=builders))
    return make_plan(declared, inputs(declared), "fleet/test")
