#!/bin/sh
# Becomes uvicorn; sourced after common.sh.
# shellcheck disable=SC2154 # $lib

become_uvicorn() { # flags of the start script's own
    words=$(quoted_words UVICORN_EXTRA_FLAGS "$UVICORN_EXTRA_FLAGS") || exit 1
    eval "set -- \"\$@\" $words"
    tell_overridden
    HOST=${HOST:-0.0.0.0}
    PORT=${PORT:-80}
    check_port
    case $APP_MODULE in
        *:*'()')
            APP_MODULE=${APP_MODULE%'()'}
            set -- --factory "$@"
            ;;
        *:*'('*')')
            # uvicorn gives a factory no arguments.
            export START_SH_APPLICATION="$APP_MODULE" PYTHONPATH="$PYTHONPATH:$lib/modules"
            APP_MODULE=start_sh_application:create
            set -- --factory "$@"
            ;;
    esac
    exec uvicorn --host "$HOST" --port "$PORT" --log-level "${LOG_LEVEL:-info}" "$@" "$APP_MODULE"
}

# uvicorn has variables of its own for these; that of a Kubernetes service is an address.
tell_overridden() {
    for name in HOST PORT WORKERS LOG_LEVEL; do
        eval "value=\$UVICORN_$name"
        case $value in '' | *://*) ;; *) note "UVICORN_$name is not used; give it as $name" ;; esac
    done
}

# Asked only where the kernel may refuse, for it takes a start of Python.
check_port() {
    first=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null || echo 1024)
    if [ "$PORT" -ge "$first" ] || may_bind_any_port; then return 0; fi
    if gives_flag "$UVICORN_EXTRA_FLAGS" --port --uds --fd; then return 0; fi
    python3 -I "$lib/start_checks.py" port "$HOST" "$PORT" || exit 1
}

may_bind_any_port() { # CAP_NET_BIND_SERVICE is the tenth (capabilities(7))
    while read -r name value; do
        if [ "$name" = CapEff: ]; then
            [ $((0x$value >> 10 & 1)) -eq 1 ]
            return
        fi
    done </proc/self/status
    return 1
}

leave_out_uvicorns_variables() {
    env | grep -q '^UVICORN_' || return 0
    # shellcheck disable=SC2046 # names
    unset $(python3 "$lib/uvicorn_flags.py")
}
