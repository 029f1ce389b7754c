"""A stack whose platforms are built on two nodes, one of them lost in the middle.

``near`` builds linux/amd64 behind a socket, ``far`` the others behind TLS on a port. A gate in the
Dockerfile holds the builds of ``far`` until the test has acted.
"""

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.gate import gated
from tests.integration.node import NodeDaemon
from tests.integration.registry_view import RegistryView
from tests.integration.workshop import IMAGE, Steps, Workshop
from tests.ports import free_port

STACK = "nodes"
VERSION, LATEST = "py3.13-slim-0.34.0", "py3.13-slim-LATEST"
NEAR = ("linux/amd64",)
FAR = ("linux/arm64", "linux/arm/v7")
BUILD = f"{IMAGE}/build:{VERSION}"
NEAR_BUILD, FAR_BUILD = f"{BUILD}-near", f"{BUILD}-far"


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """The two nodes, BuildKit's client, the repository that they build for, and the first `up`."""

    near: NodeDaemon
    far: NodeDaemon
    buildctl: Path
    view: RegistryView
    first: Steps

    @contextmanager
    def without_far(self) -> Iterator[None]:
        """Lose one node for the length of a block."""
        self.far.lose()
        try:
            yield
        finally:
            self.far.start(self.buildctl)


@pytest.fixture(scope="module")
def nodes(workshop: Workshop) -> Iterator[Nodes]:
    """Two running nodes and a stack on them, brought up once."""
    # The embedded stack makes the certificates, the base images and the emulation.
    workshop.prepare(*NEAR, *FAR)
    buildctl = (workshop.root / ".fleet/bin/buildctl").resolve()
    folder = Path(tempfile.mkdtemp(prefix="fleet-nodes-"))
    host, ca = workshop.registry.partition("/")[0], workshop.root / ".fleet/tls/server.pem"
    near = NodeDaemon(folder / "near", f"unix://{folder}/near.sock", host=host, ca=ca, tls=False)
    far = NodeDaemon(folder / "far", f"tcp://127.0.0.1:{free_port()}", host=host, ca=ca, tls=True)
    try:
        for node in (near, far):
            node.start(buildctl)
        registry = workshop.declare_builders(
            STACK, {"near": NEAR, "far": FAR}, {"near": near.declared, "far": far.declared}
        )
        with (
            workshop.verified_in_short(IMAGE),
            closing(workshop.view(IMAGE, registry)) as view,
        ):
            first = workshop.up(stack=STACK)
            yield Nodes(near=near, far=far, buildctl=buildctl, view=view, first=first)
    finally:
        for node in (near, far):
            node.stop()
        shutil.rmtree(folder)


def test_both_nodes_build_their_platforms_over_a_socket_and_over_tls(
    workshop: Workshop, nodes: Nodes
) -> None:
    assert nodes.first.builds() == [FAR_BUILD, NEAR_BUILD]
    assert nodes.view.platforms(VERSION) == {*NEAR, *FAR}
    assert workshop.up(stack=STACK).done == ()


def test_a_node_lost_in_the_middle_costs_its_own_platforms_and_moves_no_name(
    workshop: Workshop, nodes: Nodes
) -> None:
    before = nodes.view.tags()
    with gated(workshop, passing=NEAR) as gate, ThreadPoolExecutor() as pool:
        running = pool.submit(workshop.up, None, stack=STACK)
        gate.wait_for(FAR)
        with nodes.without_far():
            failed = running.result()
        gate.open()
        assert failed.builds() == [NEAR_BUILD], "the other node went on, and took nothing over"
        assert nodes.view.tags() == before, "no name moved, whole or in part"
        assert nodes.view.platforms(VERSION) == {*NEAR, *FAR}
        assert FAR_BUILD in failed.ran.printed
        assert "Traceback" not in failed.ran.printed

        repaired = workshop.up(stack=STACK)
        assert repaired.builds() == [FAR_BUILD], "only what was lost is built"
        after = nodes.view.tags()
        assert after[LATEST] == after[VERSION] != before[VERSION]
        assert nodes.view.platforms(VERSION) == {*NEAR, *FAR}
        assert workshop.up(stack=STACK).done == ()


def test_a_node_that_is_away_stops_an_up_with_its_name_and_reason_and_no_preview(
    workshop: Workshop, nodes: Nodes
) -> None:
    before = nodes.view.tags()
    with nodes.without_far():
        told = workshop.make("up", f"STACK={STACK}", code=None).printed
        workshop.make("preview", f"STACK={STACK}")
    far = f"far ({nodes.far.address}) for {', '.join(FAR)}"
    assert f"{far}: Connection refused. Start buildkitd there" in told
    assert "1 of 2 nodes" in told
    assert "unchanged" not in told, "the engine was not asked"
    assert nodes.view.tags() == before
