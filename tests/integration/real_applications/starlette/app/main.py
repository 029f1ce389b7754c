"""A Starlette application with sessions and templates."""

import asyncio
import hashlib
import importlib.metadata
import os
from collections.abc import AsyncIterator
from pathlib import Path

from jinja2 import Template
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket


async def seen(request: Request) -> JSONResponse:
    request.session["seen"] = True
    return JSONResponse(
        {
            "framework": Template("Star{{ rest }}").render(rest="lette"),
            "server": importlib.metadata.version("uvicorn"),
            "pid": os.getpid(),
            "scheme": request.url.scheme,
            "client": request.client.host if request.client else "",
        }
    )


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for message in websocket.iter_text():
        await websocket.send_text(message)


async def chunks() -> AsyncIterator[str]:
    for number in range(1, 4):
        yield f"{number}\n"
        while not Path(f"/tmp/received-{number}").exists():
            await asyncio.sleep(0.05)


async def stream(request: Request) -> StreamingResponse:
    return StreamingResponse(chunks(), media_type="text/plain")


async def upload(request: Request) -> JSONResponse:
    length, digest = 0, hashlib.sha256()
    async with request.form() as form:
        file = form["file"]
        while part := await file.read(1 << 16):
            length += len(part)
            digest.update(part)
    return JSONResponse({"length": length, "sha256": digest.hexdigest()})


app = Starlette(
    routes=[
        Route("/", seen),
        Route("/stream", stream),
        Route("/upload", upload, methods=["POST"]),
        WebSocketRoute("/echo", echo),
    ],
    middleware=[Middleware(SessionMiddleware, secret_key="of a test")],
)
