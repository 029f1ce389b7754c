#!/bin/sh
# Starts the WSGI application with gunicorn.
set -e
START_LIB=${START_LIB:-/usr/local/lib/start}
# shellcheck source=/dev/null
. "$START_LIB/common.sh"
# shellcheck source=/dev/null
. "$START_LIB/gunicorn.sh"

source_prestart
read_settings 4
find_application
check_module
words=$(quoted_words GUNICORN_EXTRA_FLAGS "$GUNICORN_EXTRA_FLAGS") || exit 1
eval "set -- $words"
if reloading; then set -- --reload "$@"; fi
become_gunicorn "$@"
