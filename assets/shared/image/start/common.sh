#!/bin/sh
# What the start scripts of all images have in common: they source it, with START_LIB naming this
# folder. Every setting is an environment variable; the prestart script may set or change any.

# It can be moved, so that a start script runs outside a container too.
app_root=${APP_ROOT:-/app}

note() { printf 'start.sh: %s\n' "$*" >&2; }

fail() {
    note "$@"
    exit 1
}

# Sourced, not run, so that what it exports reaches the server.
source_prestart() {
    prestart=${PRE_START_PATH:-$app_root/prestart.sh}
    if [ ! -f "$prestart" ]; then
        [ -z "$PRE_START_PATH" ] ||
            fail "PRE_START_PATH names $prestart, which is no file; create it or unset PRE_START_PATH"
        return 0
    fi
    # Without a slash the shell would look for the name on PATH instead.
    case $prestart in */*) ;; *) prestart=./$prestart ;; esac
    trap 'note "$prestart ended with status $? before the server could start"' EXIT
    # shellcheck source=/dev/null
    . "$prestart"
    trap - EXIT
    # What it set for itself must not change how the rest of the start is read.
    unset IFS
    set -e +u
}

check_number() { # NAME VALUE HIGHEST
    case $2 in
        '' | *[!0-9]* | ??????*) ;;
        *) if [ "$2" -ge 1 ] && [ "$2" -le "$3" ]; then return 0; fi ;;
    esac
    fail "$1 is '$2'; give a whole number from 1 to $3"
}

read_settings() { # DEFAULT_WORKERS
    HOST=${HOST:-0.0.0.0}
    HOST=${HOST#[}
    HOST=${HOST%]}
    PORT=${PORT:-80}
    WORKERS=${WORKERS:-$1}
    check_number PORT "$PORT" 65535
    check_number WORKERS "$WORKERS" 1000

    LOG_LEVEL=$(printf '%s' "${LOG_LEVEL:-info}" | tr '[:upper:]' '[:lower:]')
    case $LOG_LEVEL in
        critical | error | warning | info | debug | trace) ;;
        *) fail "LOG_LEVEL is '$LOG_LEVEL'; give critical, error, warning, info, debug or trace" ;;
    esac

    case $(printf '%s' "${RELOAD:-false}" | tr '[:upper:]' '[:lower:]') in
        true) reload=yes ;;
        false | no | off | 0) reload=no ;;
        *) fail "RELOAD is '$RELOAD'; give true or false" ;;
    esac
    export LOG_LEVEL
}

reloading() { [ "$reload" = yes ]; }

find_application() {
    export PYTHONPATH="${PYTHONPATH:-$app_root}"
    [ -z "$APP_MODULE" ] || return 0
    if [ -z "$MODULE_NAME" ]; then
        if [ -f "$app_root/app/main.py" ]; then
            MODULE_NAME=app.main
        elif [ -f "$app_root/main.py" ]; then
            MODULE_NAME=main
        else
            fail "no application found: neither $app_root/app/main.py nor $app_root/main.py exists;" \
                "copy one there, or name yours with MODULE_NAME or APP_MODULE"
        fi
    fi
    APP_MODULE=$MODULE_NAME:${VARIABLE_NAME:-app}
}

# A missing module is told in one line here; from the server it is a traceback a worker.
check_module() {
    module=${APP_MODULE%%:*}
    module_path=$app_root/$(printf '%s' "$module" | tr . /)
    [ ! -f "$module_path.py" ] && [ ! -f "$module_path/__init__.py" ] || return 0
    # These move the server's module search, so only the server can tell.
    [ ! -f gunicorn.conf.py ] || return 0
    case " $GUNICORN_CMD_ARGS $GUNICORN_EXTRA_FLAGS $UVICORN_EXTRA_FLAGS" in
        *' --chdir'* | *' --pythonpath'* | *' --app-dir'* | *' -c'* | *' --config'*) return 0 ;;
    esac
    python3 "$START_LIB/start_checks.py" module "$module" || exit 1
}

quoted_words() { # NAME VALUE: the value split like a shell command line, quoted for eval
    [ -z "$2" ] || python3 "$START_LIB/start_checks.py" words "$1" "$2"
}
