"""Running a pulled image as a container, with runc and nothing of the program's."""

import contextlib
import gzip
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.integration.registry_view import Pulled
from tests.ports import free_port

_READY_SECONDS = 90  # emulated starts take some ten of these on a busy machine


@contextlib.contextmanager
def unpacked(image: Pulled, folder: Path) -> Iterator[Path]:
    """Lay the layers of ``image`` over one another in ``folder``, for as long as needed."""
    root = folder / "rootfs"
    root.mkdir(parents=True)
    try:
        for layer in image.layers:
            with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as archive:
                archive.extractall(root, filter=_no_devices)  # noqa: S202 - our own images
        yield root
    finally:
        shutil.rmtree(folder)


def _no_devices(member: tarfile.TarInfo, _: str) -> tarfile.TarInfo | None:
    return None if member.isdev() else member


@contextlib.contextmanager
def running(image: Pulled, folder: Path) -> Iterator[str]:
    """Run ``image`` as its configuration says; yield the URL that it answers on."""
    port = free_port()
    with unpacked(image, folder):
        _write_spec(folder, image, port)
        name = f"fleet-test-{os.getpid()}-{port}"
        path = folder.parent / f"{folder.name}.log"
        log = path.open("wb")
        started = subprocess.Popen(
            ["runc", "run", "--bundle", str(folder), name],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield f"http://127.0.0.1:{port}/"
        except OSError as error:
            error.add_note(f"{image.platform} printed:\n{path.read_text()}")
            raise
        finally:
            subprocess.run(["runc", "kill", name, "TERM"], check=False, capture_output=True)
            try:
                started.wait(timeout=20)
            except subprocess.TimeoutExpired:
                started.send_signal(signal.SIGKILL)
                started.wait()
            subprocess.run(["runc", "delete", "--force", name], check=False, capture_output=True)
            log.close()


def ran(image: Pulled, folder: Path, script: str) -> str:
    """Run a shell script in ``image``, unpacked in ``folder``; return what it printed."""
    _write_spec(folder, image, 0, args=["sh", "-c", script])
    name = f"fleet-test-{os.getpid()}-script"
    done = subprocess.run(
        ["runc", "run", "--bundle", str(folder), name],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False, timeout=_READY_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def answer(url: str) -> bytes:
    """Return the body of the first HTTP 200, asked for until there is one."""
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 - loopback
                assert response.status == 200
                return bytes(response.read())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _write_spec(folder: Path, image: Pulled, port: int, args: list[str] | None = None) -> None:
    subprocess.run(["runc", "spec", "--bundle", str(folder)], check=True)
    path = folder / "config.json"
    spec = json.loads(path.read_text())
    config = image.config["config"]
    spec["process"] |= {
        "terminal": False,
        "args": args or [*(config.get("Entrypoint") or []), *config["Cmd"]],
        "env": [*config["Env"], "HOST=127.0.0.1", f"PORT={port}", "WORKERS=1"],
        "cwd": config.get("WorkingDir") or "/",
    }
    spec["root"]["readonly"] = False
    spec["linux"]["namespaces"] = [
        space for space in spec["linux"]["namespaces"] if space["type"] != "network"
    ]
    # Without a network namespace of its own, a container may not mount a fresh sysfs.
    spec["mounts"] = [mount for mount in spec["mounts"] if mount["type"] != "sysfs"]
    path.write_text(json.dumps(spec))
