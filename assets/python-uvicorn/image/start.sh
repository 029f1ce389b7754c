#!/bin/sh
# Starts the ASGI application with uvicorn.
set -e
START_LIB=${START_LIB:-/usr/local/lib/start}
# shellcheck source=/dev/null
. "$START_LIB/common.sh"
# shellcheck source=/dev/null
. "$START_LIB/uvicorn.sh"

source_prestart
# One process as long as nobody asks for more, and uvicorn's own variable still asks.
read_settings "${WEB_CONCURRENCY:-1}"
find_application
check_module
words=$(quoted_words UVICORN_EXTRA_FLAGS "$UVICORN_EXTRA_FLAGS") || exit 1
eval "set -- $words"
# uvicorn has no workers while it reloads.
if reloading; then set -- --reload "$@"; else set -- --workers "$WORKERS" "$@"; fi
become_uvicorn "$@"
