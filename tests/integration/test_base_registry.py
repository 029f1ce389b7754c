"""A mirror of the official bases: the production fleet locked and previewed, one tag built.

The mirror is a path of the registry on this machine, and holds what stands in for the official
images. The copy of prod has Python 3.13, full and slim, and the newest version of each image; that
of the slow tier has Python 3.11 as well, and is brought up whole.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.registry_view import RegistryView
from tests.integration.workshop import BUILD_LIMIT_SECONDS, IMAGE, Workshop

STACK = "mirrored"
# Those that the stacks of other files here have too: a Python more is 300 MB of packages to unpack.
TAGS = ("3.13", "3.13-slim")
PYTHONS, BASES = ["3.13"], ["full", "slim"]
PLATFORMS = ["linux/amd64", "linux/arm64", "linux/arm/v7"]
COMPILING = "assets/shared/image/compiling/compile.py"
# What only a registry elsewhere, or a repository on GitHub, has a use for.
ELSEWHERE = ("github", "schedules", "secrets", "protected")


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """The value of ``fleet:base-registry``, its Pythons, and those that they are copied from."""

    path: str
    python: RegistryView
    official: RegistryView


def declare(
    workshop: Workshop, mirror: str, stack: str = STACK, pythons: Sequence[str] = PYTHONS
) -> str:
    """Write a copy of prod that pushes to, and pulls its bases from, the registry here.

    Return its ``host/namespace``.
    """
    shipped = yaml.safe_load((workshop.root / "Pulumi.prod.yaml").read_text())["config"]
    config = {
        key: value for key, value in shipped.items() if key.removeprefix("fleet:") not in ELSEWHERE
    }
    config["fleet:registry"] = workshop.registry.replace("/multi-py", f"/{stack}")
    config["fleet:base-registry"] = mirror
    config["fleet:builders"] = dict.fromkeys(PLATFORMS, "fleet")
    for values in (config["fleet:defaults"], *config["fleet:images"].values()):
        values |= {"pythons": [*pythons], "bases": BASES}
        values.pop("exclude", None)
    for image in config["fleet:images"].values():
        image["versions"] = image["versions"][-1:]
    declared: dict[str, Any] = {**workshop.declared, "config": config}
    (workshop.root / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))
    return str(config["fleet:registry"])


def locked(workshop: Workshop) -> Path:
    """The lock of the copy."""
    return workshop.root / ".fleet" / "locks" / f"{STACK}.yaml"


@pytest.fixture(scope="module")
def mirror(workshop: Workshop) -> Iterator[Mirror]:
    """A mirror without any base yet, in a registry with stand-ins of all."""
    made = {"pythons": PYTHONS, "bases": BASES, "versions": ["0.34.0"], "platforms": PLATFORMS}
    workshop.declare_stack("bases", {IMAGE: made})
    workshop.make("-s", "lock", "STACK=bases")
    host = workshop.registry.partition("/")[0]
    path = f"{host}/proxy/library"
    with ExitStack() as opened:
        python, official = (
            opened.enter_context(closing(workshop.view("python", place)))
            for place in (path, f"{host}/stand-in")
        )
        # Of an earlier run, where the workshop is kept.
        for digest in set(python.tags().values()):
            python.remove(digest)
        locked(workshop).unlink(missing_ok=True)
        yield Mirror(path=path, python=python, official=official)


def test_a_lock_names_every_base_that_the_mirror_does_not_have(
    workshop: Workshop, mirror: Mirror
) -> None:
    declare(workshop, mirror.path)
    said = workshop.make("-s", "lock", f"STACK={STACK}", code=None).printed
    assert f"fleet:base-registry: 2 of 2 base images are missing in {mirror.path}:" in said
    for tag in TAGS:
        assert f"\n  - {mirror.path}/python:{tag} is not there\n" in said
    assert "Traceback" not in said
    assert not locked(workshop).exists()


def test_all_of_it_is_locked_from_the_mirror_under_the_names_that_users_know(
    workshop: Workshop, mirror: Mirror
) -> None:
    for tag in TAGS:
        mirror.python.take(mirror.official, tag)
    declare(workshop, mirror.path)
    workshop.make("-s", "lock", f"STACK={STACK}")
    lock = yaml.safe_load(locked(workshop).read_text())
    keys = {tag if "-" in tag else f"{tag}-full": tag for tag in TAGS}
    for key, tag in keys.items():
        base = lock["bases"][key]
        assert base["name"] == f"docker.io/library/python:{tag}"
        assert base["repository"] == f"{mirror.path}/python"
        assert base["digest"] == mirror.official.digest(tag)
    assert set(lock["bases"]) == set(keys)
    assert {base["repository"] for base in lock["builders"].values()} == {f"{mirror.path}/python"}


def test_a_preview_has_every_tag_to_be_built(workshop: Workshop, mirror: Mirror) -> None:
    said = " ".join(workshop.make("-s", "preview", f"STACK={STACK}").printed.split())
    assert f" {3 * len(TAGS)} build, " in said
    arguments = workshop.pulumi("preview", "--stack", STACK, "--json").printed
    assert f"{mirror.path}/python@sha256:" in arguments
    assert "stand-in/python" not in arguments


def test_images_are_built_from_the_mirror_and_another_one_of_the_same_bytes_moves_no_tag(
    workshop: Workshop, mirror: Mirror
) -> None:
    lone = {"pythons": ["3.13"], "bases": ["slim"], "versions": ["0.34.0"]}
    images = {IMAGE: {**lone, "platforms": PLATFORMS[:1]}}
    other = mirror.path.replace("/proxy/", "/other/")
    with ExitStack() as opened:
        python = opened.enter_context(closing(workshop.view("python", other)))
        for tag in TAGS:
            python.take(mirror.official, tag)
        opened.enter_context(workshop.verified_in_short(IMAGE))
        registry = workshop.declare_stack("moved", images, **{"base-registry": mirror.path})
        workshop.up(stack="moved")
        view = opened.enter_context(closing(workshop.view(registry=registry)))
        before = view.tags()
        (image,) = view.pull("py3.13-slim-0.34.0")
        labels = image.config["config"]["Labels"]
        assert labels["org.opencontainers.image.base.name"] == "docker.io/library/python:3.13-slim"
        workshop.declare_stack("moved", images, **{"base-registry": other})
        refused = workshop.pulumi("preview", "--stack", "moved", code=None).printed
        assert f"the lock has bases of {mirror.path}/python, and {other} is declared" in refused
        assert len(workshop.up(stack="moved").builds()) == 1, "asked for once more"
        assert view.tags() == before
        assert workshop.up(stack="moved").done == ()


@pytest.mark.slow
def test_the_production_fleet_of_two_pythons_is_locked_from_the_mirror_and_brought_up_whole(
    workshop: Workshop, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    pythons = ["3.11", "3.13"]
    made = {"pythons": pythons, "bases": BASES, "versions": ["0.34.0"], "platforms": PLATFORMS}
    workshop.declare_stack("bases", {IMAGE: made})
    workshop.make("-s", "lock", "STACK=bases")
    for python in pythons:
        for tag in (python, f"{python}-slim"):
            mirror.python.take(mirror.official, tag)
    registry = declare(workshop, mirror.path, "whole", pythons)
    # An emulated compiler that optimizes takes an hour for uvloop and gevent alone.
    monkeypatch.setattr("tests.integration.workshop.BUILD_LIMIT_SECONDS", 2 * BUILD_LIMIT_SECONDS)
    with workshop.edited(COMPILING, "-O2", "-O0"):
        workshop.up(stack="whole")
        assert workshop.up(stack="whole").done == ()
    declared = yaml.safe_load((workshop.root / "Pulumi.whole.yaml").read_text())["config"]
    for name, image in declared["fleet:images"].items():
        (version,) = image["versions"]
        tags = {f"py{p}{base}-{version}" for p in pythons for base in ("", "-slim")}
        with closing(workshop.view(name, registry)) as view:
            assert tags <= set(view.tags())
            for tag in tags:
                assert view.platforms(tag) == set(PLATFORMS)
    status = workshop.make("-s", "status", "STACK=whole").printed
    assert status.count("3/3: amd64 whole") == 3 * len(pythons) * len(BASES)
