"""A disk that runs full: nothing is started on it, and what it did to a state can be repaired."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.local import disk_space, engine
from fleet.local.paths import Checkout
from tests.engine.tools import engine_folder
from tests.fleet.local.examples import checkout, needs

STACK = "dev"
SIZE = 3 * 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    subprocess.run(argv, check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def deployment(told: str, size: int) -> str:
    """A state of about ``size`` bytes, whose stack has the output ``told``."""
    stack = {
        "urn": f"urn:pulumi:{STACK}::fleet::pulumi:pulumi:Stack::fleet-{STACK}",
        "custom": False,
        "type": "pulumi:pulumi:Stack",
        "outputs": {"told": told, "padding": "x" * size},
    }
    return json.dumps({"version": 3, "deployment": {"manifest": {}, "resources": [stack]}})


class Engine:
    """The real engine on a state in the checkout."""

    def __init__(self, here: Checkout, home: Path) -> None:
        self.here, self.home = here, home
        (here.root / "Pulumi.yaml").write_text("name: fleet\nruntime: python\n")
        self.pulumi = engine_folder() / "pulumi"
        self.env: Mapping[str, str] = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{here.state}/state",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_HOME": str(home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        engine.select(here, self.pulumi, STACK, self.env)

    def write(self, told: str, size: int) -> int:
        """Have the engine write a state; return its exit status."""
        path = self.home / "deployment.json"
        path.write_text(deployment(told, size))
        return subprocess.run(
            [str(self.pulumi), "stack", "import", "--stack", STACK, "--file", str(path)],
            cwd=self.here.root, env=self.env, check=False, capture_output=True,
        ).returncode  # fmt: skip

    def told(self) -> object:
        """Return what the state says, as `make status` reads it."""
        return engine.outputs(self.here, self.pulumi, STACK, self.env)["told"]


@pytest.mark.parametrize("kept", [True, False])
def test_a_state_that_a_full_disk_cut_is_named_with_the_commands_that_put_it_back(
    small_disk: Path, tmp_path: Path, kept: bool
) -> None:
    here = checkout(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    made = Engine(here, home)
    assert made.write("good", 200_000) == 0
    state = here.state / "state" / ".pulumi" / "stacks" / "fleet" / f"{STACK}.json"
    if kept:
        # As the engine does at each update.
        backup = here.state / "state" / ".pulumi" / "backups" / "fleet" / STACK / f"{STACK}.1.json"
        backup.parent.mkdir(parents=True)
        backup.write_bytes(state.read_bytes())
    filler = small_disk / "filler"
    usage = os.statvfs(small_disk)
    filler.write_bytes(b"\0" * (usage.f_bavail * usage.f_frsize - 50_000))
    for _ in range(2):
        assert made.write("lost", 900_000) != 0
    for path in (state, state.with_name(f"{state.name}.bak")):
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            json.loads(path.read_text())
    with pytest.raises(TroubleError, match="unexpected end of JSON input") as caught:
        made.told()
    message = str(caught.value)
    assert f"Not whole: {state}" in message
    with pytest.raises(TroubleError, match=f"can't be read.\nNot whole: {state}"):
        engine.select(here, made.pulumi, STACK, made.env)
    commands = re.findall(r"^  ((?:cp|rm|make) .+)$", message, re.MULTILINE)
    filler.unlink()
    if not kept:
        assert commands[1:] == ["make adopt STACK=dev APPLY=1"]
        subprocess.run(["sh", "-ec", commands[0]], check=True)
        assert engine.outputs(here, made.pulumi, STACK, made.env) == {}
        return
    subprocess.run(["sh", "-ec", "\n".join(commands)], check=True)
    assert made.told() == "good"
    assert made.write("new", 1000) == 0
    assert made.told() == "new"


def test_nothing_is_started_where_the_state_would_be_lost(small_disk: Path, tmp_path: Path) -> None:
    here = checkout(tmp_path)
    with pytest.raises(TroubleError, match=r"3\.1 MB are free .* at least 2\.3 GB are needed"):
        disk_space.require(here, needs(), {})
    own = {"PULUMI_BACKEND_URL": f"file://{small_disk}/state"}
    elsewhere = needs(port=None, host="ghcr.io", built_here=(), builders=("mine",))
    with pytest.raises(TroubleError, match=r"at least 256\.0 MB are needed"):
        disk_space.require(here, elsewhere, own)
    disk_space.require(here, elsewhere, {"PULUMI_BACKEND_URL": "s3://bucket"})
