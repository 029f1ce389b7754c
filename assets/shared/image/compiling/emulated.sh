#!/bin/sh
# Becomes the command that it is given, which this platform may only be emulated for.
# QEMU's other models of arm64 check pointers in a way that takes many times as long. A processor
# that is not emulated knows nothing of this.
[ "$TARGETARCH" != arm64 ] || export QEMU_CPU=max,pauth-impdef=on
exec "$@"
