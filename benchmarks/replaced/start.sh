#!/bin/sh
# Starts the application the short way: enough for an image that is built, pushed and measured.
exec gunicorn --bind "${HOST:-0.0.0.0}:${PORT:-80}" --workers "${WORKERS:-4}" \
    --worker-class uvicorn_worker.UvicornWorker "${APP_MODULE:-main:app}"
