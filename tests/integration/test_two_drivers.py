"""A stack whose platforms are built by the embedded builder and by one of a Docker engine.

``fleet`` builds linux/amd64; ``docker``, a BuildKit that the driver ``docker-container`` starts in
a container, the others. The Docker engine is lost in the middle of a build, and comes back.
"""

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.docker_engine import DockerEngine
from tests.integration.gate import gated
from tests.integration.registry_view import RegistryView
from tests.integration.workshop import IMAGE, Workshop

STACK = "drivers"
VERSION, LATEST = "py3.13-slim-0.34.0", "py3.13-slim-LATEST"
HERE = ("linux/amd64",)
THERE = ("linux/arm64", "linux/arm/v7")
BUILD = f"{IMAGE}/build:{VERSION}"
BUILT_HERE, BUILT_THERE = f"{BUILD}-fleet", f"{BUILD}-docker"


@pytest.fixture(scope="module")
def drivers(workshop: Workshop) -> Iterator[tuple[DockerEngine, RegistryView]]:
    """A running Docker engine, and the repository of a stack on it and the embedded builder."""
    # The embedded stack makes the certificates, the base images and the emulation.
    workshop.prepare(*HERE, *THERE)
    folder = Path(tempfile.mkdtemp(prefix="fleet-drivers-"))
    engine = DockerEngine(folder / "engine")
    try:
        engine.start()
        engine.make_builder(
            (workshop.root / ".fleet/bin/buildctl").resolve().parent,
            host=workshop.registry.partition("/")[0],
            ca=workshop.root / ".fleet/tls/server.pem",
        )
        registry = workshop.declare_builders(
            STACK, {"fleet": HERE, "docker": THERE}, {"docker": engine.declared}
        )
        with (
            workshop.verified_in_short(IMAGE),
            closing(workshop.view(IMAGE, registry)) as view,
        ):
            yield engine, view
    finally:
        engine.stop()
        shutil.rmtree(folder)


def test_both_drivers_build_and_verify_their_platforms_and_one_tag_joins_them(
    workshop: Workshop, drivers: tuple[DockerEngine, RegistryView]
) -> None:
    _, view = drivers
    done = workshop.up(stack=STACK)
    assert done.builds() == [BUILT_THERE, BUILT_HERE]
    made = {name for _, _, name in done.done}
    assert {build.replace("/build:", "/verify:") for build in (BUILT_THERE, BUILT_HERE)} <= made
    assert view.platforms(VERSION) == {*HERE, *THERE}


def test_a_lost_engine_moves_no_tag_is_named_with_its_platforms_and_then_builds_what_lacks(
    workshop: Workshop, drivers: tuple[DockerEngine, RegistryView]
) -> None:
    engine, view = drivers
    before = view.tags()
    with gated(workshop, passing=HERE) as gate, ThreadPoolExecutor() as pool:
        running = pool.submit(workshop.up, None, stack=STACK)
        gate.wait_for(THERE)
        engine.lose()
        failed = running.result()
        assert failed.builds() == [BUILT_HERE], "the other builder went on, and took nothing over"
        assert BUILT_THERE in failed.ran.printed
        assert "Traceback" not in failed.ran.printed
        assert view.tags() == before

        told = workshop.make("up", f"STACK={STACK}", code=None).printed
        where = f"docker (unix://{engine.socket}) for {', '.join(THERE)}"
        assert "1 of 1 nodes can't build" in told
        assert f"{where}: Connection refused. Start the Docker engine there" in told
        assert "unchanged" not in told, "Pulumi's engine was not asked"
        assert view.tags() == before

        engine.start()
        gate.open()
        repaired = workshop.up(stack=STACK)
        assert repaired.builds() == [BUILT_THERE], "only what was lost is built"
        after = view.tags()
        assert after[LATEST] == after[VERSION] != before[VERSION]
        assert view.platforms(VERSION) == {*HERE, *THERE}
        assert workshop.up(stack=STACK).done == ()
