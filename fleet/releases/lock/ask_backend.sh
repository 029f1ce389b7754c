#!/bin/sh
# Asks the build backend of a source distribution what it requires: `sh ask_backend.sh IN OUT`.
# IN holds the archive `source.*`, `requirements.txt` with the pins of what builds it, and their files
# in `wheels`. OUT gets REPORT, as pip writes it, or ERROR: how it ended, and the end of what was
# printed. A third argument is the seconds that each step may take.
in=$1 out=$2 limit=${3:-600} work=$2-work python=$(command -v python3)
mkdir -p "$out" "$work/tmp"
cd "$work" || exit

clean() {
  timeout -s KILL "$limit" env -i HOME="$work" LANG=C.UTF-8 PATH="$work/venv/bin:$PATH" \
    PYTHONHASHSEED=0 TMPDIR="$work/tmp" "$python" "$@"
}

install() {
  clean -m pip --isolated --disable-pip-version-check --python "$work/venv" \
    install --no-deps --no-index --no-cache-dir "$@"
}

asked() {
  clean -m venv --without-pip "$work/venv" || return
  if [ -s "$in/requirements.txt" ]; then
    install --find-links "$in/wheels" -r "$in/requirements.txt" || return
  fi
  # A dry run asks the backend for its metadata (PEP 517) and builds nothing.
  install --dry-run --ignore-installed --use-pep517 --no-build-isolation \
    --report "$out/REPORT" "$in"/source.*
}

asked > log 2>&1 < /dev/null && exit
status=$?
{
  case $status in
    137) echo "killed, after $limit s or for want of memory:" ;;
    *) echo "ended with status $status:" ;;
  esac
  tail -c 1900 log
} > "$out/ERROR"
