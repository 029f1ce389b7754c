"""Real registries on loopback: distribution over plain HTTP, deletion on or off."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import httpx

from tests.engine.tools import registry_binary
from tests.ports import free_port


class Served(Protocol):
    """Anything that answers as a registry over plain HTTP."""

    @property
    def host(self) -> str:
        """Return `address:port`."""


def wait_for_registry(
    process: "subprocess.Popen[bytes]",
    host: str,
    log: Path,
    *,
    status: int = httpx.codes.OK,
    seconds: float = 30,
) -> None:
    """Wait until a registry that was started answers with `status`.

    :raises RuntimeError: with the end of its `log`, if it ends or takes longer.
    """
    deadline = time.monotonic() + seconds
    with httpx.Client(trust_env=False) as http:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if http.get(f"http://{host}/v2/").status_code == status:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
    raise RuntimeError(f"not a registry on {host}: {log.read_text()[-2000:]}")


class Distribution:
    """One distribution process with its storage below `root`; a context manager.

    The port and the storage stay the same over `stop` and `start`.
    """

    def __init__(self, root: Path, *, delete: bool = True, port: int | None = None) -> None:
        self.root = root
        self.delete = delete
        self.host = f"127.0.0.1:{port or free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Return what the provider needs in its environment to reach this registry."""
        return {"FLEET_PLAIN_HTTP": self.host}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process and wait until it answers."""
        self.root.mkdir(parents=True, exist_ok=True)
        path = self.root / "registry.json"
        path.write_text(self._configuration())
        with (self.root / "registry.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(registry_binary()), "serve", str(path)],
                # It holds little: a quarter of its time went into collecting garbage.
                env={**os.environ, "OTEL_TRACES_EXPORTER": "none", "GOGC": "800"},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        wait_for_registry(self._process, self.host, self.root / "registry.log")

    def stop(self) -> None:
        """End the process; the data stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def wipe(self, repository: str = "") -> None:
        """Lose one repository without those below it, or everything, as a volume is lost."""
        if repository:
            shutil.rmtree(self._manifests(repository))
        else:
            self.stop()
            shutil.rmtree(self.root / "storage")
            self.start()

    def lose(self, repository: str, reference: str) -> None:
        """Lose a tag or a manifest from the storage, which needs no deletion by the registry."""
        manifests = self._manifests(repository)
        algorithm, _, encoded = reference.partition(":")
        revision = manifests / "revisions" / algorithm / encoded
        shutil.rmtree(revision if encoded else manifests / "tags" / reference)

    def _manifests(self, repository: str) -> Path:
        repositories = self.root / "storage" / "docker" / "registry" / "v2" / "repositories"
        return repositories / repository / "_manifests"

    def _configuration(self) -> str:
        # distribution reads JSON, for JSON is YAML.
        return json.dumps(
            {
                "version": "0.1",
                "log": {"level": "warn", "accesslog": {"disabled": True}},
                "storage": {
                    "filesystem": {"rootdirectory": str(self.root / "storage")},
                    "delete": {"enabled": self.delete},
                },
                "http": {"addr": self.host},
            }
        )
