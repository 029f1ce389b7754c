"""The plugin's process: a gRPC server whose errors are single, readable messages."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import grpc  # type: ignore[import-untyped]
import grpc.aio  # type: ignore[import-untyped]
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc
from pulumi.runtime.proto.status_pb2 import Status

from fleet.registry.interruption import readable
from providers.ociregistry.calls import Calls
from providers.ociregistry.context import Session
from providers.ociregistry.engine_command import destroys
from providers.ociregistry.properties import wrap_map
from providers.ociregistry.provider import OciProvider
from providers.ociregistry.stale_pointers.resource import RemovalFailedError

VERSION = "0.1.0"
_ANSWER_SECONDS = 1.0


class _Servicer(ProviderServicer):
    """Turns exceptions into statuses, where the base class lets them out as tracebacks."""

    def __init__(self, calls: Calls, provider: OciProvider, engine: str) -> None:
        super().__init__(sys.argv[1:], VERSION, provider, engine_address=engine)
        self._calls = calls

    async def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """End in order: the engine was interrupted, and waits for what is under way."""
        self._calls.interrupt()
        return await super().Cancel(request, context)  # type: ignore[no-untyped-call]

    async def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        answer = super().Configure(request, context)
        return await self._guarded(answer, context)

    async def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        answer = super().CheckConfig(request, context)
        return await self._guarded(answer, context)

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return await self._guarded(super().Check(request, context), context)

    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return await self._guarded(super().Diff(request, context), context)

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        answer = super().Create(request, context)  # type: ignore[no-untyped-call]
        return await self._guarded(answer, context)

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        answer = super().Read(request, context)  # type: ignore[no-untyped-call]
        return await self._guarded(answer, context)

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        answer = super().Update(request, context)  # type: ignore[no-untyped-call]
        return await self._guarded(answer, context)

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        answer = super().Delete(request, context)  # type: ignore[no-untyped-call]
        return await self._guarded(answer, context)

    async def _guarded(self, answer: Coroutine[Any, Any, Any], context: Any) -> Any:
        try:
            return await self._calls.answer(answer)
        except RemovalFailedError as error:
            return await context.abort_with_status(_partial(error))
        except Exception as error:  # noqa: BLE001 - every error ends as one message
            return await context.abort(grpc.StatusCode.UNKNOWN, str(readable(error)))


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
    """Serve until the engine ends the process; the port goes to standard output.

    A signal to end is an interrupt: what is under way ends in order before the process does.
    """
    session = Session()
    session.destroying = destroys(os.getppid())
    session.log = _logger(engine, engine_pb2.LogSeverity.INFO)
    session.warn = _logger(engine, engine_pb2.LogSeverity.WARNING)
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    calls = Calls()
    servicer = _Servicer(calls, OciProvider(session), engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
    calls.interrupt()
    await calls.ended()
    await server.stop(_ANSWER_SECONDS)


def _logger(engine: str, severity: Any) -> Callable[[str, str], Awaitable[None]]:
    async def log(message: str, urn: str) -> None:
        async with grpc.aio.insecure_channel(engine) as channel:
            stub = engine_pb2_grpc.EngineStub(channel)
            # A message that is lost must not cost what was done, nor end a refresh.
            with contextlib.suppress(grpc.RpcError):
                await stub.Log(engine_pb2.LogRequest(severity=severity, message=message, urn=urn))

    return log


def main() -> None:
    """Run the plugin; the engine's address is the first argument."""
    engine = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")
    if not engine:
        sys.exit("this is a Pulumi plugin: `pulumi` starts it and gives it the engine's address")
    asyncio.run(serve(engine))
