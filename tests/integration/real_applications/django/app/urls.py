"""What a Django project answers, by path."""

import asyncio
import hashlib
import importlib.metadata
import os
from collections.abc import AsyncIterator
from pathlib import Path

from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.http import require_POST


async def seen(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "framework": "Django",
            "server": importlib.metadata.version("uvicorn"),
            "pid": os.getpid(),
            "scheme": request.scheme,
            "client": request.META["REMOTE_ADDR"],
        }
    )


async def chunks() -> AsyncIterator[str]:
    for number in range(1, 4):
        yield f"{number}\n"
        while not Path(f"/tmp/received-{number}").exists():
            await asyncio.sleep(0.05)


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(chunks(), content_type="text/plain")


@require_POST
def upload(request: HttpRequest) -> JsonResponse:
    length, digest = 0, hashlib.sha256()
    for part in request.FILES["file"].chunks():
        length += len(part)
        digest.update(part)
    return JsonResponse({"length": length, "sha256": digest.hexdigest()})


urlpatterns = [path("", seen), path("stream", stream), path("upload", upload)]
