"""What a run of a fresh clone has to do first, and one after it."""

from pathlib import Path
from typing import Any

import pytest

from fleet.local import build_times
from fleet.local.base_images import rootfs
from fleet.local.base_images.bases import StandIn
from fleet.local.first_steps import first_steps
from fleet.local.paths import Checkout
from fleet.local.place_daemons import Placed
from fleet.local.requirements import Needs
from fleet.local.toolchain import modules
from fleet.local.toolchain.toolchain import Supply
from tests.fleet.local.examples import checkout, command, needs

DEV = Path(__file__).parents[3] / "Pulumi.dev.yaml"
STAND_IN = StandIn(
    host="localhost:5443", python="3.13", base="slim", platforms=("linux/amd64", "linux/arm64")
)


@pytest.fixture
def here(tmp_path: Path) -> Checkout:
    """A fresh clone."""
    made = checkout(tmp_path)
    (made.root / DEV.name).write_text(DEV.read_text())
    return made


def steps(
    here: Checkout, wanted: Needs, supply: Supply, *, builds: bool = True
) -> dict[str, float]:
    placed = Placed(docker="", tools=wanted, supply=supply)
    return dict(first_steps(here, wanted, placed, [STAND_IN], builds=builds))


def test_of_a_fresh_clone_all_is_to_be_done_in_this_order(here: Checkout) -> None:
    builds = (modules.PULUMI, modules.BUILDKIT, modules.DOCKER_BUILD)
    supply = Supply(
        there={}, plugins=(modules.DOCKER_BUILD,), downloads=(modules.REGISTRY,), builds=builds
    )
    found = steps(here, needs(), supply)
    assert [name for name in found if name != "packages"] == [
        "registry", "pulumi", "buildkit", "docker-build", "bases", "lock", "builds",
    ]  # fmt: skip
    assert found["pulumi"] == modules.PULUMI.minutes * 60
    assert "builds" not in steps(here, needs(), supply, builds=False)


def test_afterwards_nothing_is(
    here: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for recipe in STAND_IN.recipes.values():
        rootfs.place(here, recipe).mkdir(parents=True)
    for name in ("runc", "update-binfmts", "qemu-aarch64"):
        command(tmp_path / "bin", name, "exit 0")
    monkeypatch.setattr("fleet.local.debian._PATH", str(tmp_path / "bin"))
    (here.state / "locks").mkdir(parents=True)
    (here.state / "locks" / "dev.yaml").touch()
    here.bases_file.touch()
    build_times.add(here, {"python-uvicorn:py3.13": 20.0})
    assert steps(here, needs(), Supply(there={}, plugins=(), downloads=(), builds=())) == {}


def test_in_docker_the_images_that_its_engine_lacks_are_pulled_first(
    here: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = here.root / "templates" / "actions"
    actions.mkdir(parents=True)
    pins = {name: f"example.org/{name}:v1@sha256:{'a' * 64}" for name in ("registry", "buildkit")}
    lines = (f"FROM {pin} AS {name}\n" for name, pin in pins.items())
    (actions / "Dockerfile").write_text("".join(lines))
    supply = Supply(there={}, plugins=(), downloads=(modules.PULUMI,), builds=())
    placed = Placed(docker="unix:///srv/docker.sock", tools=needs().without_daemons, supply=supply)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")

    def told(script: str, **overrides: Any) -> list[str]:
        command(tmp_path / "bin", "docker", script)
        return list(dict(first_steps(here, needs(**overrides), placed, [], builds=False)))

    none, ours = "echo 'No such image' >&2; exit 1", ["the image of the registry"]
    assert told(none) == [*ours, "the image of BuildKit", "pulumi", "lock"]
    assert told(none, built_here=()) == [*ours, "pulumi", "lock"]
    assert told(f"case $* in *buildkit*) echo '[{{}}]';; *) {none};; esac")[:2] == [*ours, "pulumi"]
    assert told("echo '[{}]'") == ["pulumi", "lock"]
