"""The plugin's process: a gRPC server whose errors are single, readable messages."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import grpc.aio  # type: ignore[import-untyped]
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc
from pulumi.runtime.proto.status_pb2 import Status

from fleet.registry.interruption import readable
from providers.ociregistry.context import PartialFailureError, Session
from providers.ociregistry.properties import wrap_map
from providers.ociregistry.provider import OciProvider

VERSION = "0.1.0"
_ANSWER_SECONDS = 1.0
# How often a plugin looks whether its engine is still there: one that was killed ends no plugin.
_LOOK_SECONDS = 1.0
_GUARDED = frozenset(
    {
        "CheckConfig",
        "DiffConfig",
        "Configure",
        "Check",
        "Diff",
        "Create",
        "Read",
        "Update",
        "Delete",
    }
)


class _Requests(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """The engine's requests, each of which ends with an answer or with one readable message.

    An interrupt ends each wait and each copy at once, and refuses what comes after it. A write
    that was sent is waited for, and a removal that was begun is finished or put back.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._interrupted = False

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Return the handler of a request; that of `Cancel` is the engine's interrupt."""
        handler, name = await continuation(details), details.method.rpartition("/")[2]
        if name == "Cancel":
            self.interrupt()
        if name not in _GUARDED:
            return handler

        async def answer(request: Any, context: Any) -> Any:
            try:
                return await self._answer(handler.unary_unary(request, context))
            except PartialFailureError as error:
                return await context.abort_with_status(_partial(error))
            except Exception as error:  # noqa: BLE001 - every error ends as one message
                return await context.abort(grpc.StatusCode.UNKNOWN, str(readable(error)))

        return grpc.unary_unary_rpc_method_handler(
            answer, handler.request_deserializer, handler.response_serializer
        )

    async def _answer(self, request: Coroutine[Any, Any, Any]) -> Any:
        if self._interrupted:
            request.close()
            raise readable(asyncio.CancelledError())
        task = asyncio.ensure_future(request)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await task
        except asyncio.CancelledError as error:
            # Not so where the engine itself went away: it hears no answer.
            if self._interrupted:
                raise readable(error) from None
            raise

    def interrupt(self) -> None:
        """End what is under way, and refuse the rest."""
        self._interrupted = True
        for task in tuple(self._tasks):
            task.cancel()

    async def ended(self) -> None:
        """Return when nothing is under way any more."""
        if self._tasks:
            await asyncio.wait(self._tasks)


def _partial(error: PartialFailureError) -> Any:
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

    A signal to end is an interrupt: what is under way ends in order before the process does. So is
    the end of an engine that was killed.
    """
    session, parent = Session(), int(os.environ.get("FLEET_ENGINE_PID") or os.getppid())
    session.destroying = destroys(parent)
    session.log = _logger(engine, engine_pb2.LogSeverity.INFO)
    session.warn = _logger(engine, engine_pb2.LogSeverity.WARNING)
    requests = _Requests()
    server = grpc.aio.server(interceptors=[requests], options=_GRPC_CHANNEL_OPTIONS)
    provider = OciProvider(session)
    servicer = ProviderServicer(sys.argv[1:], VERSION, provider, engine_address=engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    while not stopping.is_set() and os.getppid() == parent:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _LOOK_SECONDS)
    requests.interrupt()
    await requests.ended()
    await server.stop(_ANSWER_SECONDS)


def destroys(process: int) -> bool:
    """Tell whether a process is `pulumi destroy`; false where its command line can't be read.

    The plugin protocol has no dry run of a deletion: the preview of a destroy reads the resources
    and asks no more. This decides what is logged, and nothing else.
    """
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False
    return bool({b"destroy", b"down", b"dn"} & set(command.split(b"\0")))


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
