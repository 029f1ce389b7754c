"""Running a pulled image as people do, with runc and nothing of the program's."""

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fleet.local.child_environment import child_environment
from tests.integration.container_network import Connection
from tests.integration.container_spec import Options, write_spec
from tests.integration.registry_view import Pulled
from tests.integration.root_filesystem import unpack

_READY_SECONDS = 90  # emulated starts take some ten of these on a busy machine
# Less than the 30 that gunicorn gives its workers: then it kills them.
_STOP_SECONDS = 20
_NUMBERS = itertools.count()
# Mounted where nobody else sees it, so that nothing is left behind, however the run ends.
_RUN = """\
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/rootfs"
exec runc run --bundle "$2" --pid-file "$2/pid" "$3"
"""
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Image:
    """One platform's image: its configuration, and the folder that it is unpacked in."""

    config: dict[str, Any]
    root: Path


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response of the server in a container."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Container:
    """A container that was started; see `started`."""

    def __init__(
        self, name: str, bundle: Path, process: "subprocess.Popen[bytes]", port: int
    ) -> None:
        self._name, self._bundle, self._process = name, bundle, process
        self._port = port

    @property
    def output(self) -> str:
        """All that it printed until now, on both streams."""
        return (self._bundle / "log").read_text("utf-8", "replace")

    @property
    def told(self) -> list[str]:
        """The lines of the start script's own."""
        return [line for line in self.output.splitlines() if line.startswith("start.sh: ")]

    def until(self, found: Callable[[], T | None], what: str) -> T:
        """Return what ``found`` returns, once that is something; fail where the container ended."""
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            ended = self._process.poll()
            if value := found():
                return value
            late = "in time" if time.monotonic() > deadline else ""
            if late or ended is not None:
                state = late or f"before it ended with status {ended}"
                raise AssertionError(f"not {what} {state}; it printed:\n{self.output}")
            time.sleep(0.02)

    def until_printed(self, text: str, times: int = 1) -> None:
        """Wait until ``text`` was printed that many times."""
        self.until(lambda: self.output.count(text) >= times or None, f"printed {text!r}")

    def get(self, path: str = "/", port: int = 0) -> Answer:
        """Return the first answer to a request from within the container's network."""
        return self.until(lambda: self._try_get(path, port), f"an answer to {path}")

    def connection(self, port: int = 0) -> Connection:
        """Return a connection to its own loopback address, not opened yet."""
        return Connection(self.pid, port or self._port)

    def signal(self, name: str) -> None:
        """Send a signal to its first process, as a runtime does to stop it."""
        subprocess.run(["runc", "kill", self._name, name], check=True, env=child_environment())

    def wait(self, at_most: int = _STOP_SECONDS) -> int:
        """Return its exit status; fail where it does not end."""
        try:
            return self._process.wait(at_most)
        except subprocess.TimeoutExpired:
            text = f"it did not end in {at_most} s; it printed:\n{self.output}"
            raise AssertionError(text) from None

    @property
    def pid(self) -> int:
        """The number that the machine gives to its first process."""
        path = self._bundle / "pid"
        return self.until(lambda: int((path.exists() and path.read_text()) or 0), "a process")

    @property
    def root(self) -> Path:
        """The root file system, as the container sees it."""
        return Path(f"/proc/{self.pid}/root")

    def processes(self) -> dict[int, str]:
        """Return the state of each process (`Z`: a zombie) by the container's own number."""
        found = {}
        for folder in (self.root / "proc").glob("[0-9]*"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                # After the name, in parentheses, which may hold any character.
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                found[int(folder.name)] = state
        return found

    def _try_get(self, path: str, port: int) -> Answer | None:
        with contextlib.closing(self.connection(port)) as connection:
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                return Answer(status=response.status, body=response.read())
            except OSError:
                return None


@contextlib.contextmanager
def unpacked(image: Pulled, folder: Path) -> Iterator[Image]:
    """Unpack ``image`` below ``folder``, for as long as needed."""
    root = folder / "image"
    try:
        unpack(image.layers, root)
        yield Image(config=image.config, root=root)
    finally:
        shutil.rmtree(root)


@contextlib.contextmanager
def started(image: Image, folder: Path, options: Options) -> Iterator[Container]:
    """Start ``image`` in namespaces of its own; kill what is left of it afterwards.

    ``folder`` takes what it writes; the image's own folder stays as it is.
    """
    number = next(_NUMBERS)
    name, bundle = f"fleet-test-{os.getpid()}-{number}", folder / f"container-{number}"
    for each in ("upper", "work", "rootfs"):
        (bundle / each).mkdir(parents=True)
    _lay(bundle / "upper", options)
    write_spec(bundle, image.config["config"], options)
    env = child_environment()
    command = ["unshare", "--mount", "sh", "-euc", _RUN, "sh", str(image.root), str(bundle), name]
    with (bundle / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env
        )
    try:
        yield Container(name, bundle, process, int(options.env.get("PORT", 80)))
    finally:
        if process.poll() is None:
            subprocess.run(
                ["runc", "kill", name, "KILL"], check=False, capture_output=True, env=env
            )
            process.wait()
        subprocess.run(["runc", "delete", "--force", name], check=True, env=env)


def _lay(upper: Path, options: Options) -> None:
    """Put the files of ``options`` over the image's, and hide what it is to lack."""
    for name, text in options.files.items():
        path = upper / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    for name in options.without:
        path = upper / name
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mknod(path, 0o020000, 0)  # an overlay's whiteout


class Runs:
    """Starts one of some images by name, with the options of `Options`."""

    def __init__(self, images: Mapping[str, Image], folder: Path) -> None:
        self._images, self._folder = images, folder

    def __call__(self, image: str, **options: Any) -> contextlib.AbstractContextManager[Container]:
        return started(self._images[image], self._folder, Options(**options))
