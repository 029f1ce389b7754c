"""A FastAPI application with a database, settings from the environment and typed answers."""

import asyncio
import hashlib
import importlib.metadata
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Request, UploadFile, WebSocket
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from pydantic_settings import BaseSettings
from sqlalchemy import create_engine, text


class Settings(BaseSettings):
    database: str = "sqlite://"


class Seen(BaseModel):
    framework: str
    server: str
    pid: int
    scheme: str
    client: str


class Received(BaseModel):
    length: int
    sha256: str


app = FastAPI()
engine = create_engine(Settings().database)


@app.get("/")
def seen(request: Request) -> Seen:
    with engine.connect() as connection:
        framework = connection.execute(text("SELECT 'FastAPI'")).scalar_one()
    return Seen(
        framework=framework,
        server=importlib.metadata.version("uvicorn"),
        pid=os.getpid(),
        scheme=request.url.scheme,
        client=request.client.host if request.client else "",
    )


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for message in websocket.iter_text():
        await websocket.send_text(message)


async def chunks() -> AsyncIterator[str]:
    for number in range(1, 4):
        yield f"{number}\n"
        while not Path(f"/tmp/received-{number}").exists():
            await asyncio.sleep(0.05)


@app.get("/stream")
async def stream() -> StreamingResponse:
    return StreamingResponse(chunks(), media_type="text/plain")


@app.post("/upload")
async def upload(file: Annotated[UploadFile, "a form's field"]) -> Received:
    length, digest = 0, hashlib.sha256()
    while part := await file.read(1 << 16):
        length += len(part)
        digest.update(part)
    return Received(length=length, sha256=digest.hexdigest())
