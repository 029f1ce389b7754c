#!/bin/sh
# BuildKit's client, run in the container of the builder.
#
#   buildctl.sh DOCKER ENDPOINT CONTAINER [ARGUMENT ...]
#
# A folder that is named by --local, and the logins of DOCKER_CONFIG, are copied into the container
# for as long as the client runs. --addr is left out: there is but one builder there. Standard
# input is read where the client reads it: for dial-stdio, and for a build without a frontend.
set -eu
docker=$1 endpoint=$2 container=$3
shift 3
in_docker() {
    "$docker" --host "$endpoint" "$@" </dev/null
}

send() {
    # The variable keeps macOS from adding files of its own.
    COPYFILE_DISABLE=1 tar -C "$1" -chf - "$2" |
        "$docker" --host "$endpoint" cp - "$container:$3"
}

scratch="/tmp/fleet-client-$$-$(date +%s)"
used=
clean() {
    test -z "$used" || in_docker exec "$container" rm -rf "$scratch"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM
use() {
    test -n "$used" || in_docker exec "$container" mkdir -m 700 "$scratch"
    used=yes
}

if [ -f "${DOCKER_CONFIG-}/config.json" ]; then
    use
    send "$DOCKER_CONFIG" config.json "$scratch"
fi
count=$# copied=0 reads=
while [ "$count" -gt 0 ]; do
    word=$1
    shift
    count=$((count - 1))
    case $word in
    --local)
        word="--local=$1"
        shift
        count=$((count - 1))
        ;;
    --addr)
        shift
        count=$((count - 1))
        continue
        ;;
    --addr=*) continue ;;
    build | b | dial-stdio) reads=yes ;;
    --frontend | --frontend=*) reads= ;;
    esac
    case $word in
    --local=*=*)
        named=${word#--local=}
        copied=$((copied + 1))
        use
        in_docker exec "$container" mkdir "$scratch/$copied"
        send "${named#*=}" . "$scratch/$copied"
        word="--local=${named%%=*}=$scratch/$copied"
        ;;
    esac
    set -- "$@" "$word"
done
set -- --env "DOCKER_CONFIG=$scratch" "$container" buildctl "$@"
set -- "$docker" --host "$endpoint" exec ${reads:+--interactive} "$@"
test -n "$reads" || exec </dev/null
# Whoever ends this program then ends the client with it.
test -n "$used" || exec "$@"
"$@"
