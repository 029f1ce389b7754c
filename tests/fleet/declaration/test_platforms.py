"""Every table over platforms has each platform that a declaration may name."""

import platform as machine

import pulumi_docker_build as docker_build
import pytest

from fleet.declaration.tags import PLATFORMS
from fleet.local.platforms import NAMES, native
from fleet.local.toolchain import modules
from fleet.lock.model import machine_of, platform_of
from fleet.plan.export import platforms
from tests.assets.verifying import load, verification


def test_a_table_has_every_platform_and_no_other() -> None:
    assert set(NAMES) == set(PLATFORMS)


def test_the_verification_knows_the_machine_of_every_platform() -> None:
    with verification():
        assert set(load("image_checks").ELF_MACHINES) == set(PLATFORMS)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_docker_build_has_a_name_for_it(platform: str) -> None:
    (name,) = platforms([platform])
    assert docker_build.Platform(name)


def test_no_two_platforms_are_called_the_same() -> None:
    for names in (
        [platform.split("/")[1] for platform in PLATFORMS],  # the emulators of a workflow
        [machine_of(platform) for platform in PLATFORMS],
        [names.debian for names in NAMES.values()],
        [names.qemu for names in NAMES.values()],
    ):
        assert len(set(names)) == len(PLATFORMS)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_machine_of_it_finds_itself(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "machine", lambda: machine_of(platform))
    assert native() == platform
    assert platform_of(machine_of(platform)) == platform
    assert modules.target() == ("linux", platform.split("/")[1]), "as Go names it"
