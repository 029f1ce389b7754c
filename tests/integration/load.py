"""Requests at a steady rate to a server that restarts meanwhile.

Run as a program, `python -m tests.integration.load PORT MARK...` sends them to the loopback address
that it sees, prints ``at MARK`` when the request of that number is due, and at the end what became
of all, as JSON. Half of them come over a connection each, half over connections that are kept, as
a proxy's are.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx

from tests.integration.container import Container

REQUESTS = 2000
A_SECOND = 50
_TIMEOUT_SECONDS = 60
_ROOT = Path(__file__).parents[2]
# A connection that ends before the first byte of an answer.
_DROPS = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


@dataclass(kw_only=True)
class Outcome:
    """The outcome of the requests.

    `processes` are those that answered, in the order of the answers. `dropped` counts the kept
    connections that the server closed when a request was on its way: HTTP lets it, and has the
    client send the request again (RFC 9112, section 9.3.1). `failed` is what went wrong else.
    """

    processes: list[int] = field(default_factory=list)
    dropped: int = 0
    failed: list[str] = field(default_factory=list)


def under_load(containers: Mapping[str, Container], marks: Sequence[int]) -> dict[str, Outcome]:
    """Load all of ``containers`` at the same time; restart their servers at each of ``marks``."""
    with ExitStack() as stack:
        clients = {
            name: stack.enter_context(_client(container, marks))
            for name, container in containers.items()
        }
        for _ in marks:
            for name, client in clients.items():
                assert client.stdout
                assert client.stdout.readline().startswith("at "), name
                containers[name].signal("HUP")
        return {name: Outcome(**json.loads(client.communicate()[0]))
                for name, client in clients.items()}  # fmt: skip


def _client(container: Container, marks: Sequence[int]) -> "subprocess.Popen[str]":
    """Start a client in the container's network, but none of its other namespaces."""
    enter = ("nsenter", f"--net=/proc/{container.pid}/ns/net", "--", sys.executable)
    program = ("-m", "tests.integration.load", str(container.connection().port), *map(str, marks))
    return subprocess.Popen([*enter, *program], cwd=_ROOT, text=True, stdout=subprocess.PIPE)


class _Load:
    """The requests to one URL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.outcome = Outcome()

    async def run(self, marks: Sequence[int]) -> None:
        """Send each request when it is due, whatever became of those before."""
        of_one_request = httpx.Limits(max_keepalive_connections=0)
        async with (
            httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, limits=of_one_request) as new,
            httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as kept,
            asyncio.TaskGroup() as group,
        ):
            clock = asyncio.get_running_loop()
            began = clock.time()
            for number in range(REQUESTS):
                await asyncio.sleep(began + number / A_SECOND - clock.time())
                if number in marks:
                    print(f"at {number}", flush=True)  # noqa: T201 - read by `under_load`
                answer = self._again_where_dropped(kept, new) if number % 2 else new.get(self._url)
                group.create_task(self._noted(answer))

    async def _again_where_dropped(
        self, kept: httpx.AsyncClient, new: httpx.AsyncClient
    ) -> httpx.Response:
        try:
            return await kept.get(self._url)
        except _DROPS:
            self.outcome.dropped += 1
            return await new.get(self._url)

    async def _noted(self, answer: Awaitable[httpx.Response]) -> None:
        try:
            found = await answer
            found.raise_for_status()
            self.outcome.processes.append(found.json()["pid"])
        except (httpx.HTTPError, ValueError) as error:
            self.outcome.failed.append(repr(error))


def _main(port: str, *marks: str) -> None:
    load = _Load(f"http://127.0.0.1:{port}/")
    asyncio.run(load.run([int(mark) for mark in marks]))
    print(json.dumps(asdict(load.outcome)))  # noqa: T201 - read by `under_load`


if __name__ == "__main__":
    _main(*sys.argv[1:])
