#!/bin/sh
# Becomes gunicorn; sourced after common.sh.

become_gunicorn() { # its options: what comes last wins
    gunicorn_level=$LOG_LEVEL
    # gunicorn has no such level.
    [ "$LOG_LEVEL" != trace ] || gunicorn_level=debug
    case $HOST in *:*) HOST=[$HOST] ;; esac
    exec gunicorn --bind "$HOST:$PORT" --workers "$WORKERS" --log-level "$gunicorn_level" "$@" \
        "$APP_MODULE"
}
