#!/bin/sh
# Starts the ASGI application: gunicorn with uvicorn workers, or uvicorn alone while RELOAD=true.
set -e
lib=${START_SH_TEST_LIB:-/usr/local/lib/start}
# shellcheck source=/dev/null
. "$lib/common.sh"
# shellcheck source=/dev/null
. "$lib/uvicorn.sh"
# shellcheck source=/dev/null
. "$lib/gunicorn.sh"

begin
read_settings
find_application
if reloading; then
    [ -z "$GUNICORN_EXTRA_FLAGS$GUNICORN_CMD_ARGS" ] ||
        note "gunicorn's settings are not used while RELOAD=true: uvicorn serves alone"
    # What means nothing to gunicorn's workers must not begin to mean something here.
    leave_out_uvicorns_variables
    become_uvicorn --reload
else
    become_gunicorn
fi
