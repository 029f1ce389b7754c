"""An interrupted run, as the plugin hears of it: by the engine's `Cancel`, or by a signal."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import provider_pb2_grpc

from providers.ociregistry.properties import wrap_map
from tests.engine.reading import Reading
from tests.providers.ociregistry.plugin_process import started
from tests.providers.ociregistry.registry_fake import FakeRegistry

NAME, POINTER, OTHER, VERSION = "team/app", "py3.8-LATEST", "py3.9-LATEST", "py3.8-0.30.0"
TAG_DELETE = rf"DELETE .*/manifests/{POINTER}$"
SOON = 25.0  # what is waited for here takes 30 s and more


@dataclass
class Plugin:
    process: "subprocess.Popen[bytes]"
    stub: provider_pb2_grpc.ResourceProviderStub
    signalled: bool = False
    interrupted: threading.Event = field(default_factory=threading.Event)

    def end(self, by: str) -> None:
        """Interrupt the run as the engine does, or as a signal does."""
        if by == "Cancel":
            self.stub.Cancel(empty_pb2.Empty())
        else:
            self.signalled = True
            self.process.send_signal(signal.Signals[by])
        self.interrupted.set()


@pytest.fixture
def plugin(environment: dict[str, str], tmp_path: Path) -> Iterator[Plugin]:
    with started(environment, tmp_path) as (process, stub):
        begun = Plugin(process, stub)
        yield begun
        if not begun.signalled:
            process.terminate()
    assert process.returncode == 0


def create(plugin: Plugin, token: str, properties: dict[str, Any]) -> messages.CreateResponse:
    urn = f"urn:pulumi:dev::fleet::{token}::name"
    fields = PropertyValue.marshal_map(wrap_map(properties))
    made: messages.CreateResponse = plugin.stub.Create(
        messages.CreateRequest(urn=urn, properties=fields)
    )
    return made


@dataclass
class Removals:
    """Two stale pointers on one image, to be removed."""

    registry: FakeRegistry
    digest: str

    @property
    def tags(self) -> dict[str, str]:
        return self.registry.repositories[NAME].tags

    def create(self, plugin: Plugin) -> messages.CreateResponse:
        properties = {
            "repository": f"{self.registry.host}/{NAME}",
            "owner": "fleet/dev",
            "pointers": [],
            "grammar": [{"kind": "LATEST", "pattern": ".*-LATEST"}],
            "policy": {"LATEST": "remove"},
            "maxRemovals": 1.0,
            "stale": {POINTER: self.digest, OTHER: self.digest},
        }
        return create(plugin, "ociregistry:index:StalePointers", properties)

    def on_record(self) -> None:
        found = Reading(self.registry, NAME).undo()
        assert found == {POINTER: self.digest, OTHER: self.digest}


@pytest.fixture
def removals(registry: FakeRegistry) -> Removals:
    made = Removals(registry, registry.push_index(NAME, VERSION))
    made.tags.update({POINTER: made.digest, OTHER: made.digest})
    return made


def interrupted(
    plugin: Plugin, by: str, work: Callable[[], object], reached: Callable[[], bool]
) -> str:
    """Interrupt `work` once it is `reached`, and return what it fails with, soon after."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        deadline = time.monotonic() + 30
        while not reached() and time.monotonic() < deadline:
            time.sleep(0.01)
        begun = time.monotonic()
        plugin.end(by)
        error = running.exception(timeout=60)
    assert time.monotonic() - begun < SOON
    assert isinstance(error, grpc.RpcError)
    return str(error.details())


@pytest.mark.parametrize("by", ["Cancel", "SIGTERM", "SIGINT"])
def test_a_wait_ends_and_no_further_removal_begins(
    plugin: Plugin, removals: Removals, by: str
) -> None:
    removals.registry.fault(TAG_DELETE, status=429, headers={"Retry-After": "60"})

    def reached() -> bool:
        return any(line.startswith("DELETE") and POINTER in line for line in removals.registry.log)

    text = interrupted(plugin, by, lambda: removals.create(plugin), reached)
    assert "The run was interrupted" in text
    assert removals.tags == {VERSION: removals.digest, POINTER: removals.digest,
                             OTHER: removals.digest}  # fmt: skip
    removals.on_record()
    if by == "Cancel":
        begun = len(removals.registry.log)
        with pytest.raises(grpc.RpcError, match="The run was interrupted"):
            removals.create(plugin)
        assert len(removals.registry.log) == begun, "nothing is asked any more"


@pytest.mark.parametrize("by", ["Cancel", "SIGTERM"])
def test_a_removal_by_placeholder_that_was_begun_is_put_back(
    plugin: Plugin, removals: Removals, by: str
) -> None:
    removals.registry.tag_delete = False
    reached = threading.Event()

    def hold() -> None:
        reached.set()
        # However long a busy machine takes to interrupt it, it learns of that first.
        plugin.interrupted.wait(30)
        time.sleep(1)

    removals.registry.fault(rf"PUT .*/manifests/{POINTER}$", act=hold)
    text = interrupted(plugin, by, lambda: removals.create(plugin), reached.is_set)
    assert "The run was interrupted. Run again to finish it. " in text
    assert f"{POINTER} was put back on {removals.digest}" in text
    assert removals.tags[POINTER] == removals.tags[OTHER] == removals.digest
    assert removals.registry.pullable(NAME, POINTER)
    removals.on_record()


def test_a_copy_ends(plugin: Plugin, registry: FakeRegistry) -> None:
    registry.mount = False
    child = registry.push_image(f"{NAME}/build", "linux/amd64")
    reached, ended = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        ended.wait(30)

    registry.fault("GET .*/blobs/", times=9, act=hold)
    place = f"{registry.host}/{NAME}"
    index = registry.push_children(f"{NAME}/build", {"linux/amd64": child})
    inputs = {"ref": f"{place}:t", "owner": "fleet/dev", "source": f"{place}/build@{index}"}
    try:
        text = interrupted(
            plugin, "Cancel", lambda: create(plugin, "ociregistry:index:Tag", inputs),
            reached.is_set,
        )  # fmt: skip
    finally:
        ended.set()
    assert "The run was interrupted" in text
    assert "t" not in registry.repositories[NAME].tags
