#!/bin/sh
# Starts the ASGI application with uvicorn.
set -e
lib=${START_SH_TEST_LIB:-/usr/local/lib/start}
# shellcheck source=/dev/null
. "$lib/common.sh"
# shellcheck source=/dev/null
. "$lib/uvicorn.sh"

begin
read_settings
find_application
# One process as long as nobody asks for more, and uvicorn's own variable still asks. It has no workers
# while it reloads.
if reloading; then
    become_uvicorn --reload
else
    become_uvicorn --workers "${WORKERS:-${WEB_CONCURRENCY:-1}}"
fi
