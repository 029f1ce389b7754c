"""The example application of an image that was built the replaced way."""

from collections.abc import Awaitable, Callable
from typing import Any


async def app(
    scope: dict[str, Any], _receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """Answer every HTTP request with one line."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"Hello\n"})
