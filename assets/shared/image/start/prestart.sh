#!/bin/sh
# Sources the application's prestart script, then becomes the start script START in a new shell. So
# of the prestart script there stays what a process keeps (what it exported, its directory, umask and
# limits), and no function or option of its own can change how the start goes on.
# shellcheck disable=SC1090 # the application's
set -e
start_sh_script=$1
set --
lib=${START_SH_TEST_LIB:-/usr/local/lib/start}
# shellcheck source=/dev/null
. "$lib/common.sh"

# The shell that its first line asks for; sourcing takes no notice of that line.
prestart_shell() { # FIRST LINE
    case $1 in '#!'*) ;; *) echo sh && return ;; esac
    set -f
    # shellcheck disable=SC2086 # words
    set -- ${1#'#!'}
    case $1 in */env | */busybox) shift ;; esac
    while case $1 in -*) ;; *) false ;; esac do shift; done
    case ${1##*/} in
        sh | dash | ash | '') echo sh ;;
        bash) echo bash ;;
        *) echo "$1" ;;
    esac
}

source_prestart() { # FILE
    trap 'printf "start.sh: %s ended with status %s before the server could start\n" \
        "$start_sh_prestart" "$?" >&2' EXIT
    if [ -n "$start_sh_text" ]; then eval "$start_sh_text"; else . "$1"; fi
    trap - EXIT
}

start_sh_prestart=${PRE_START_PATH:-$app_root/prestart.sh}
# Without a slash the shell would look for the name on PATH instead.
case $start_sh_prestart in */*) ;; *) start_sh_prestart=./$start_sh_prestart ;; esac
if [ -f "$start_sh_prestart" ]; then
    # As an editor of Windows writes it: a mark of the byte order, and lines that end in CR LF.
    start_sh_bom=$(printf '\357\273\277')
    start_sh_text=$(tr -d '\r' <"$start_sh_prestart" | sed "1s/^$start_sh_bom//")
    start_sh_first=$(printf '%s\n' "$start_sh_text" | sed -n 1p)
    # Unchanged, it is read from its file, so that the shell's messages name file and line.
    if [ "$start_sh_text" = "$(cat "$start_sh_prestart")" ]; then start_sh_text=; fi
    start_sh_shell=$(prestart_shell "$start_sh_first")
    case $start_sh_shell in
        sh) ;;
        bash)
            if [ -z "$BASH_VERSION" ]; then
                command -v bash >/dev/null ||
                    fail "$start_sh_prestart asks for bash ($start_sh_first), and this image has" \
                        "none; install bash, or write the script for sh"
                exec bash "$0" "$start_sh_script"
            fi
            ;;
        *)
            fail "$start_sh_prestart asks for $start_sh_shell ($start_sh_first); it is sourced, so" \
                "it can only be a script for sh or bash, which may run $start_sh_shell itself"
            ;;
    esac
    source_prestart "$start_sh_prestart"
elif [ -n "$PRE_START_PATH" ]; then
    fail "PRE_START_PATH names $start_sh_prestart, which is not a file; create it or unset" \
        "PRE_START_PATH"
fi
# What the prestart script may have set for itself.
unalias -a
unset IFS
# shellcheck disable=SC2086,SC2154,SC2163 # names, of common.sh
export $start_sh_settings
export START_SH_STEP=serve
exec /bin/sh "$start_sh_script"
