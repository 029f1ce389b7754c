import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import provider_pb2_grpc
from pulumi.runtime.proto.status_pb2 import Status

from fleet.registry.errors import OciError
from fleet.registry.interruption import readable
from providers.ociregistry.properties import wrap_map
from providers.ociregistry.schema import package_schema
from tests.providers.ociregistry.plugin_process import PLUGIN, started
from tests.providers.ociregistry.registry_fake import FakeRegistry


@pytest.fixture
def plugin(
    environment: dict[str, str], tmp_path: Path
) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    with running(environment, tmp_path) as stub:
        yield stub


@contextmanager
def running(
    environment: dict[str, str], tmp_path: Path
) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    with started(environment, tmp_path) as (process, stub):
        yield stub
        process.terminate()


def create(token: str, **properties: object) -> messages.CreateRequest:
    urn = f"urn:pulumi:dev::fleet::{token}::name"
    fields = PropertyValue.marshal_map(wrap_map(properties))
    return messages.CreateRequest(urn=urn, properties=fields)


def test_an_error_reaches_the_engine_as_one_message_without_a_traceback(
    plugin: provider_pb2_grpc.ResourceProviderStub, registry: FakeRegistry
) -> None:
    digest = "sha256:" + "a" * 64
    place = f"{registry.host}/team/app"
    request = create(
        "ociregistry:index:Tag", ref=f"{place}:t", owner="o", source=f"{place}@{digest}"
    )
    with pytest.raises(grpc.RpcError) as caught:
        plugin.Create(request)
    assert caught.value.details().startswith(f"{place}@{digest} is not in the registry")


def test_a_removal_that_fails_hands_the_engine_the_state_to_keep(
    plugin: provider_pb2_grpc.ResourceProviderStub, registry: FakeRegistry
) -> None:
    registry.push_index("team/app", "py3.8-LATEST")
    registry.tag_delete = registry.digest_delete = False
    request = create(
        "ociregistry:index:StalePointers",
        repository=f"{registry.host}/team/app",
        owner="o",
        pointers=[],
        grammar=[{"kind": "LATEST", "pattern": ".*-LATEST"}],
        policy={"LATEST": "remove"},
        maxRemovals=1.0,
    )
    with pytest.raises(grpc.RpcError) as caught:
        plugin.Create(request)
    trailers = dict(caught.value.trailing_metadata())
    status = Status.FromString(trailers["grpc-status-details-bin"])
    detail = messages.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert detail.id == f"{registry.host}/team/app"
    assert list(detail.reasons) == [caught.value.details()]


def test_a_resource_that_does_not_exist_is_named(
    plugin: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        plugin.Create(create("ociregistry:index:Image"))
    assert caught.value.details().startswith(
        "ociregistry:index:Image is not a resource of this provider"
    )


def test_an_unforeseen_error_names_its_place_in_the_source() -> None:
    with pytest.raises(ValueError, match="property name") as caught:
        json.loads("{")
    place = "error in the ociregistry provider itself (JSONDecodeError at decoder.py:"
    assert str(readable(caught.value)).startswith(place)
    assert str(readable(OciError("as it is"))) == "as it is"
    assert "of a server" not in str(readable(ValueError("of a server")))


def test_the_plugin_says_who_starts_it_when_run_by_hand() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "providers.ociregistry"],
        cwd=PLUGIN.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "this is a Pulumi plugin" in done.stderr) == (1, True)


@pytest.mark.parametrize("serves", [True, False])
def test_a_plugin_ends_after_an_engine_that_was_killed(
    environment: dict[str, str], serves: bool
) -> None:
    """Also if it was killed before the plugin served anything."""
    engine = (
        "import subprocess, sys, time\n"
        "started = subprocess.Popen([sys.argv[1], '127.0.0.1:1'])\n"
        "print(started.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", engine, PLUGIN],
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
    ) as killed:
        assert killed.stdout is not None
        plugin = int(killed.stdout.readline())
        if not serves:
            # Its shell has become Python by then, and knows its engine.
            while b"providers.ociregistry" not in Path(f"/proc/{plugin}/cmdline").read_bytes():
                time.sleep(0.01)
            killed.kill()
        port = int(killed.stdout.readline())
        if serves:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(Empty())
            killed.kill()
        # The plugin holds the other end of the pipe for as long as it lives.
        ended = bool(select.select([killed.stdout], [], [], 60)[0])
        if not ended:
            os.kill(plugin, signal.SIGKILL)
        assert ended


def test_every_type_that_the_schema_refers_to_is_there() -> None:
    schema = package_schema()
    names = {f'"#/types/{name}"' for name in schema["types"]}
    used = {f'"{part.split(chr(34))[0]}"' for part in json.dumps(schema).split('"$ref": "')[1:]}
    assert used == names


def test_a_wrong_setting_of_the_run_reaches_the_engine_as_one_message_without_a_traceback(
    environment: dict[str, str], tmp_path: Path
) -> None:
    nested = tmp_path / "nested.json"
    nested.write_text("[" * 100_000)
    environment |= {"FLEET_ALLOWED_REMOVALS": str(nested), "FLEET_VERIFY_CHILDREN": "some"}
    with running(environment, tmp_path) as plugin, pytest.raises(grpc.RpcError) as caught:
        plugin.Configure(messages.ConfigureRequest())
    assert caught.value.code() == grpc.StatusCode.UNKNOWN
    said = caught.value.details()
    assert "FLEET_VERIFY_CHILDREN is 'some'; write all, or leave it unset" in said
    assert "no name is removed: FLEET_ALLOWED_REMOVALS" in said
    assert "Error" not in said.partition("(")[0]
