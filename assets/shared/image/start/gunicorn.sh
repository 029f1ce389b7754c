#!/bin/sh
# Becomes gunicorn; sourced after common.sh.
# shellcheck disable=SC2154 # $lib

# What nobody asked for is not said, so that gunicorn's own ways to say it work: gunicorn.conf.py of
# this folder has the defaults, and reads the application's.
become_gunicorn() { # flags of the start script's own
    words=$(quoted_words GUNICORN_EXTRA_FLAGS "$GUNICORN_EXTRA_FLAGS") || exit 1
    eval "set -- \"\$@\" $words"
    case $LOG_LEVEL in
        '') ;;
        trace) set -- --log-level debug "$@" ;; # gunicorn has no such level
        *) set -- --log-level "$LOG_LEVEL" "$@" ;;
    esac
    [ -z "$WORKERS" ] || set -- --workers "$WORKERS" "$@"
    # Gunicorn listens on every address that it is given.
    if gives_flag "$GUNICORN_EXTRA_FLAGS" -b --bind; then HOST='' PORT=''; fi
    if [ -n "$HOST$PORT" ]; then
        case $HOST in *:*) HOST=[$HOST] ;; esac
        set -- --bind "${HOST:-0.0.0.0}:${PORT:-80}" "$@"
    fi
    [ -z "$LOG_LEVEL" ] || export LOG_LEVEL
    # The last two words, as gunicorn_settings.py takes for granted: what comes last wins.
    exec gunicorn "$@" --config "$lib/gunicorn.conf.py" "$APP_MODULE"
}
