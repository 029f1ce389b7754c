"""A real Chromium without a window, driven by its DevTools protocol over two pipes.

https://chromedevtools.github.io/devtools-protocol/ names the methods. The pipe needs no library and
no port: messages are JSON, with a NUL behind each (``--remote-debugging-pipe``).
"""

import base64
import fcntl
import json
import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

_SECONDS: Final = 120.0
_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",  # root has no other way
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-pipe",
)


class Chromium:
    """One browser with one tab; what it logs is in ``logged``."""

    def __init__(self, program: str, profile: Path) -> None:
        ours, theirs = os.pipe(), os.pipe()
        # The browser reads from 3 and writes to 4, whatever these were before.
        reads, writes = (fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (ours[0], theirs[1]))
        self._out, self._in = ours[1], theirs[0]
        argv = [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._pid = os.posix_spawn(
            program,
            argv,
            {**os.environ, "HOME": str(profile)},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, reads, 3),
                (os.POSIX_SPAWN_DUP2, writes, 4),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setpgroup=0,
        )
        for fd in (ours[0], theirs[1], reads, writes):
            os.close(fd)
        self._held, self._number, self._session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._out)
        os.close(self._in)

    @property
    def logged(self) -> list[str]:
        """The complaints of the page and the browser, a refused script among them."""
        entries = (e["params"] for e in self.events if e["method"] == "Log.entryAdded")
        thrown = (e["params"] for e in self.events if e["method"] == "Runtime.exceptionThrown")
        return [
            *(entry["entry"]["text"] for entry in entries),
            *(each["exceptionDetails"]["text"] for each in thrown),
        ]

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        return self._until(lambda m: m.get("id") == self._number)

    def _until(self, wanted: Any) -> dict[str, Any]:
        deadline = time.monotonic() + _SECONDS
        while True:
            message = self._next(deadline)
            if "method" in message:
                self.events.append(message)
            if wanted(message):
                assert "error" not in message, message
                found: dict[str, Any] = message.get("result", {})
                return found

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._held:
            ready = select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))[0]
            assert ready, "the browser does not answer"
            read = os.read(self._in, 1 << 20)
            assert read, "the browser ended"
            self._held += read
        line, _, self._held = self._held.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def open(self, path: Path, fragment: str = "") -> None:
        """Show a file, once it is whole."""
        # From a page of its own: a mere change of fragment would load nothing.
        for url in ("about:blank", f"{path.as_uri()}{fragment}"):
            self.events.clear()
            self.call("Page.navigate", url=url)
            self._until(lambda m: m.get("method") == "Page.loadEventFired")

    def evaluate(self, expression: str) -> Any:
        """Return the value of JavaScript in the page; a promise is waited for."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def show_as(self, *, scheme: str, width: int, scale: float = 1.0) -> None:
        """Set the colour scheme, and the window's width in CSS pixels; zoom is fewer of those."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])
        size = {"width": width, "height": 900, "deviceScaleFactor": scale, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    @contextmanager
    def without_scripts(self) -> Iterator[None]:
        """Run no script of the page itself."""
        self.call("Emulation.setScriptExecutionDisabled", value=True)
        yield
        self.call("Emulation.setScriptExecutionDisabled", value=False)

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key and let it go."""
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def screenshot(self, path: Path) -> None:
        """Write what the window shows as PNG."""
        found = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(found["data"]))
