"""Which images the sweep of a part of a fleet may look at: a part knows only its own state."""

import argparse
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.checkout.stack_config import declaration_of_file
from fleet.console import TroubleError
from fleet.declaration.parse import parse
from fleet.local.paths import checkout
from fleet.plan.plan import make_plan
from fleet.upkeep import commands as program
from fleet.upkeep.split import stack_files
from tests.fleet.examples import config, image, inputs


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout whose fleet `prod` is split into `prod-web` and `prod-api`."""
    values = config(registry="ghcr.io/team", images={"web": image(), "api": image()})
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(yaml.safe_dump({"config": {f"fleet:{key}": v for key, v in values.items()}}))
    for name, text in stack_files(declaration_of_file(path), "prod").items():
        (tmp_path / name).write_text(text)
    return tmp_path


def swept(root: Path, named: str) -> list[str]:
    declared = parse(config(registry="ghcr.io/team", images={"web": image()}))
    plan = make_plan(declared, inputs(declared), owner="fleet/prod")
    chosen: Any = argparse.Namespace(stack="prod-web", image=named)
    return [str(one.public) for one in program._images(checkout(root), chosen, plan)]


def test_a_part_sweeps_its_own(root: Path) -> None:
    assert swept(root, "") == swept(root, "web") == ["ghcr.io/team/web"]


@pytest.mark.parametrize("name", ["api", "gone"])
def test_what_another_part_declares_or_holds_is_refused(root: Path, name: str) -> None:
    with pytest.raises(TroubleError, match=rf"{name} .*\n.*the part of prod that declares it"):
        swept(root, name)
