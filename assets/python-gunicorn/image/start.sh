#!/bin/sh
# Starts the WSGI application with gunicorn.
set -e
lib=${START_SH_TEST_LIB:-/usr/local/lib/start}
# shellcheck source=/dev/null
. "$lib/common.sh"
# shellcheck source=/dev/null
. "$lib/gunicorn.sh"

begin
read_settings
find_application
if reloading; then become_gunicorn --reload; else become_gunicorn; fi
