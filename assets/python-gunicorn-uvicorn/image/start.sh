#!/bin/sh
# Starts the ASGI application: gunicorn with uvicorn workers, or uvicorn alone while RELOAD=true.
set -e
START_LIB=${START_LIB:-/usr/local/lib/start}
# shellcheck source=/dev/null
. "$START_LIB/common.sh"
# shellcheck source=/dev/null
. "$START_LIB/uvicorn.sh"
# shellcheck source=/dev/null
. "$START_LIB/gunicorn.sh"

# shellcheck disable=SC2120 # `set --` below gives it its arguments
serve_with_uvicorn() {
    [ -z "$GUNICORN_EXTRA_FLAGS" ] ||
        note "GUNICORN_EXTRA_FLAGS is not used while RELOAD=true: uvicorn serves alone"
    words=$(quoted_words UVICORN_EXTRA_FLAGS "$UVICORN_EXTRA_FLAGS") || exit 1
    eval "set -- $words"
    become_uvicorn --reload "$@"
}

names_worker_class() {
    for word in "$@"; do
        case $word in -k* | --worker-cl*) return 0 ;; esac
    done
    return 1
}

# shellcheck disable=SC2120
serve_with_gunicorn() {
    words=$(quoted_words GUNICORN_EXTRA_FLAGS "$GUNICORN_EXTRA_FLAGS") || exit 1
    eval "set -- $words"
    # gunicorn takes the last -k that it is given, so there must never be two.
    if names_worker_class "$@"; then
        [ -z "$UVICORN_EXTRA_FLAGS" ] ||
            fail "UVICORN_EXTRA_FLAGS has no effect with the worker class that" \
                "GUNICORN_EXTRA_FLAGS names; drop one of the two"
    else
        [ -z "$UVICORN_EXTRA_FLAGS" ] ||
            python3 "$START_LIB/uvicorn_flags.py" "$UVICORN_EXTRA_FLAGS" || exit 1
        set -- -k asgi_worker.UvicornWorker "$@"
    fi
    become_gunicorn "$@"
}

source_prestart
read_settings 4
find_application
# The application's own folders come first: nothing of ours may hide a module of theirs.
PYTHONPATH=$PYTHONPATH:$START_LIB
# The worker class reads it.
export UVICORN_EXTRA_FLAGS
check_module
# shellcheck disable=SC2119
if reloading; then serve_with_uvicorn; else serve_with_gunicorn; fi
