"""A Flask application with a database."""

import hashlib
import importlib.metadata
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
database = SQLAlchemy(app)


@app.get("/")
def seen() -> dict[str, Any]:
    return {
        "framework": database.session.execute(text("SELECT 'Flask'")).scalar_one(),
        "server": importlib.metadata.version("gunicorn"),
        "pid": os.getpid(),
        "scheme": request.scheme,
        "client": request.remote_addr,
    }


def chunks() -> Iterator[str]:
    for number in range(1, 4):
        yield f"{number}\n"
        while not Path(f"/tmp/received-{number}").exists():
            time.sleep(0.05)


@app.get("/stream")
def stream() -> Response:
    return Response(chunks(), mimetype="text/plain")


@app.post("/upload")
def upload() -> dict[str, Any]:
    length, digest = 0, hashlib.sha256()
    stream = request.files["file"].stream
    while part := stream.read(1 << 16):
        length += len(part)
        digest.update(part)
    return {"length": length, "sha256": digest.hexdigest()}
