"""The plugin's process: a gRPC server whose errors are single, readable messages."""

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import grpc.aio  # type: ignore[import-untyped]
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc
from pulumi.runtime.proto.status_pb2 import Status

from providers.ociregistry.errors import OciError
from providers.ociregistry.provider import OciProvider
from providers.ociregistry.session import Session
from providers.ociregistry.stale_resource import RemovalFailedError
from providers.ociregistry.wire import wrap_map

VERSION = "0.1.0"


def message_of(error: Exception) -> str:
    """Return what a person is to read of an error, without a traceback.

    An error that nobody foresaw names its place in the source, for a report.
    """
    if isinstance(error, OciError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown place"
    return f"error in the ociregistry provider itself ({type(error).__name__} at {place}): {error}"


class _Servicer(ProviderServicer):
    """Turns exceptions into statuses, where the base class lets them out as tracebacks."""

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return await _guarded(super().Check(request, context), context)

    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return await _guarded(super().Diff(request, context), context)

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        answer = super().Create(request, context)  # type: ignore[no-untyped-call]
        return await _guarded(answer, context)

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        answer = super().Read(request, context)  # type: ignore[no-untyped-call]
        return await _guarded(answer, context)

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        answer = super().Update(request, context)  # type: ignore[no-untyped-call]
        return await _guarded(answer, context)

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        answer = super().Delete(request, context)  # type: ignore[no-untyped-call]
        return await _guarded(answer, context)


async def _guarded(answer: Awaitable[Any], context: Any) -> Any:
    try:
        return await answer
    except RemovalFailedError as error:
        return await context.abort_with_status(_partial(error))
    except Exception as error:  # noqa: BLE001 - every error ends as one message
        return await context.abort(grpc.StatusCode.UNKNOWN, message_of(error))


def _partial(error: RemovalFailedError) -> Any:
    """Return a status with the state to keep, as the engine reads it from the trailers."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.resource_id,
        properties=PropertyValue.marshal_map(wrap_map(error.properties)),
        reasons=[str(error)],
    )
    carried = Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    carried.details.add().Pack(detail)
    status = grpc.Status()
    status.code = grpc.StatusCode.UNKNOWN
    status.details = str(error)
    status.trailing_metadata = (("grpc-status-details-bin", carried.SerializeToString()),)
    return status


async def serve(engine: str) -> None:
    """Serve until the engine ends the process; the port goes to standard output."""
    session = Session()
    session.log = _logger(engine, engine_pb2.LogSeverity.INFO)
    session.warn = _logger(engine, engine_pb2.LogSeverity.WARNING)
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    servicer = _Servicer(sys.argv[1:], VERSION, OciProvider(session), engine_address=engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


def _logger(engine: str, severity: Any) -> Callable[[str, str], Awaitable[None]]:
    async def log(message: str, urn: str) -> None:
        async with grpc.aio.insecure_channel(engine) as channel:
            stub = engine_pb2_grpc.EngineStub(channel)
            await stub.Log(engine_pb2.LogRequest(severity=severity, message=message, urn=urn))

    return log


def main() -> None:
    """Run the plugin; the engine's address is the first argument."""
    engine = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")
    if not engine:
        sys.exit("this is a Pulumi plugin: `pulumi` starts it and gives it the engine's address")
    try:
        asyncio.run(serve(engine))
    except KeyboardInterrupt:
        return
