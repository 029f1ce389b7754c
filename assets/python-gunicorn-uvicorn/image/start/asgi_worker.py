"""The gunicorn worker class that start.sh names: uvicorn's, with this image's settings.

gunicorn has no way to hand settings on to a uvicorn worker, so they are read from the environment.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from uvicorn_flags import config_settings

try:
    from uvicorn_worker import UvicornWorker as _UvicornWorker
except ImportError:  # distributions older than uvicorn-worker carry the class themselves
    from uvicorn.workers import UvicornWorker as _UvicornWorker


def worker_settings(environ: dict[str, str]) -> dict[str, Any]:
    """Return the `uvicorn.Config` arguments that LOG_LEVEL and UVICORN_EXTRA_FLAGS ask for.

    Only `trace` is passed on: every other level the worker takes over from gunicorn.
    """
    level = {"log_level": "trace"} if environ.get("LOG_LEVEL") == "trace" else {}
    return {**level, **config_settings(environ.get("UVICORN_EXTRA_FLAGS", ""))}


class UvicornWorker(_UvicornWorker):
    """Uvicorn's worker with the settings of the environment, and its trace log shown."""

    CONFIG_KWARGS = {**_UvicornWorker.CONFIG_KWARGS, **worker_settings(dict(os.environ))}  # noqa: RUF012

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn's worker routes its error and access logs to gunicorn's, but not this one.
        asgi_log = logging.getLogger("uvicorn.asgi")
        asgi_log.handlers = self.log.error_log.handlers
        asgi_log.propagate = False
