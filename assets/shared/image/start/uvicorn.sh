#!/bin/sh
# Becomes uvicorn; sourced after common.sh.

become_uvicorn() { # its options: what comes last wins
    exec uvicorn --host "$HOST" --port "$PORT" --log-level "$LOG_LEVEL" "$@" "$APP_MODULE"
}
