#!/bin/sh
# What the start scripts of all images have in common: they source it, with this folder in $lib.
# Every setting is an environment variable; the prestart script may set or change any.
# shellcheck disable=SC2154 # $lib

# Tests run a start script outside a container, where nothing lies in its place.
app_root=${START_SH_TEST_APP:-/app}

note() { printf 'start.sh: %s\n' "$*" >&2; }

fail() {
    note "$@"
    exit 1
}

# The process that runs the start script becomes init.py, whose child sources the prestart script and
# then runs the start script again. Returns in that second run.
begin() {
    if [ "$START_SH_STEP" != serve ]; then
        unset IFS
        # shellcheck disable=SC2086,SC2163 # names
        export $start_sh_settings
        set -- "${START_SH_TEST_SCRIPT:-/start.sh}"
        if [ -n "$PRE_START_PATH" ] || [ -f "$app_root/prestart.sh" ]; then
            set -- "$lib/prestart.sh" "$1"
        else
            export START_SH_STEP=serve
        fi
        exec python3 -IS "$lib/init.py" /bin/sh "$@"
    fi
    unset START_SH_STEP
}

# A setting counts that the prestart script, or one that sources the start script, gave it without
# exporting it.
start_sh_settings="HOST PORT WORKERS WEB_CONCURRENCY LOG_LEVEL RELOAD MODULE_NAME VARIABLE_NAME
    APP_MODULE REQUIRE_APPLICATION PRE_START_PATH GUNICORN_EXTRA_FLAGS GUNICORN_CMD_ARGS
    UVICORN_EXTRA_FLAGS PYTHONPATH"

check_number() { # NAME VALUE HIGHEST
    case $2 in
        '' | *[!0-9]* | ??????*) ;;
        *) if [ "$2" -ge 1 ] && [ "$2" -le "$3" ]; then return 0; fi ;;
    esac
    fail "$1 is '$2'; give a whole number from 1 to $3"
}

# Empty stays empty: the servers tell what was asked for from their defaults.
read_settings() {
    HOST=${HOST#[}
    HOST=${HOST%]}
    [ -z "$PORT" ] || check_number PORT "$PORT" 65535
    [ -z "$WORKERS" ] || check_number WORKERS "$WORKERS" 1000
    # Gunicorn reads its own variable whatever else is given.
    if [ -n "$WORKERS" ] || [ -z "$WEB_CONCURRENCY" ]; then
        unset WEB_CONCURRENCY
    else
        check_number WEB_CONCURRENCY "$WEB_CONCURRENCY" 1000
    fi

    # Where nothing is given, nothing is run: each program takes its time under emulation.
    [ -z "$LOG_LEVEL" ] || LOG_LEVEL=$(printf '%s' "$LOG_LEVEL" | tr '[:upper:]' '[:lower:]')
    case $LOG_LEVEL in
        '' | critical | error | warning | info | debug | trace) ;;
        *) fail "LOG_LEVEL is '$LOG_LEVEL'; give critical, error, warning, info, debug or trace" ;;
    esac
    check_truth RELOAD "$RELOAD"
    check_truth REQUIRE_APPLICATION "$REQUIRE_APPLICATION"
}

check_truth() { # NAME VALUE
    is_true "$2" || case $2 in
        '' | [Ff][Aa][Ll][Ss][Ee] | [Nn][Oo] | [Oo][Ff][Ff] | 0) ;;
        *) fail "$1 is '$2'; give true or false" ;;
    esac
}

is_true() { case $1 in [Tt][Rr][Uu][Ee]) ;; *) return 1 ;; esac }

reloading() { is_true "$RELOAD"; }

find_application() {
    export PYTHONPATH="${PYTHONPATH:-$app_root}"
    if [ -z "$APP_MODULE" ]; then
        [ -n "$MODULE_NAME" ] || discover
        APP_MODULE=$MODULE_NAME:${VARIABLE_NAME:-app}
    fi
    module=${APP_MODULE%%:*}
    module_file=$module
    case $module in *.*) module_file=$(printf '%s' "$module" | tr . /) ;; esac
    module_path=$app_root/$module_file
    check_example
    check_module
}

discover() {
    if [ -f "$app_root/app/main.py" ]; then
        MODULE_NAME=app.main
    elif [ -f "$app_root/main.py" ]; then
        MODULE_NAME=main
    else
        fail "no application found: neither $app_root/app/main.py nor $app_root/main.py exists;" \
            "copy one there, or name yours with MODULE_NAME or APP_MODULE"
    fi
}

# Who forgot to copy an application would get answers all the same.
check_example() {
    # Where something else may come first, only the server can tell.
    if moves_search || [ -d "$module_path" ]; then return 0; fi
    case $PYTHONPATH in "$app_root" | "$app_root":*) ;; *) return 0 ;; esac
    [ "$(pwd -P)" = "$(cd "$app_root" && pwd -P)" ] || [ ! -e "$module_file.py" ] || return 0
    same_text "$module_path.py" "$lib/example.py" || return 0
    ! is_true "$REQUIRE_APPLICATION" ||
        fail "REQUIRE_APPLICATION is true, and $module_path.py is the example of this image;" \
            "copy your application there, or name it with MODULE_NAME or APP_MODULE"
    note "no application of yours was found, serving the example in $module_path.py"
}

# Not every base has cmp.
same_text() { # FILE FILE
    [ -f "$1" ] || return 1
    read -r first <"$1"
    read -r second <"$2"
    [ "$first" = "$second" ] && [ "$(cat "$1")" = "$(cat "$2")" ]
}

# A missing module is told in one line here; from the server it is a traceback a worker.
check_module() {
    [ ! -f "$module_path.py" ] && [ ! -f "$module_path/__init__.py" ] || return 0
    if moves_search; then return 0; fi
    python3 "$lib/start_checks.py" module "$module" || exit 1
}

# These move the server's module search, so only the server can tell what it finds.
moves_search() {
    [ ! -f gunicorn.conf.py ] || return 0
    gives_flag "$GUNICORN_CMD_ARGS $GUNICORN_EXTRA_FLAGS $UVICORN_EXTRA_FLAGS" \
        --chdir --pythonpath --app-dir -c --config
}

# Whether one of these flags is among the words, be they on one line or on lines of their own.
gives_flag() { # WORDS BEGINNING...
    given=$1
    shift
    set -f
    for word in $given; do
        for beginning; do
            case $word in "$beginning"*) set +f && return 0 ;; esac
        done
    done
    set +f
    return 1
}

quoted_words() { # NAME VALUE: the value split like a shell command line, quoted for eval
    # Isolated: a module of the application's may be named like one that this imports.
    [ -z "$2" ] || python3 -I "$lib/start_checks.py" words "$1" "$2"
}
