"""Ports of this machine: whether one is free, and who holds it."""

import errno
import glob
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from fleet.console import TroubleError

_LISTENING = "0A"  # the kernel's TCP_LISTEN, as /proc/net/tcp prints it


def require_free(port: int, *, setting: str) -> None:
    """Return when nothing listens on ``port`` of either loopback address.

    :raises TroubleError: naming the port, who holds it if that can be seen, and ``setting``, the
        place where another port is chosen.
    """
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        if _is_taken(family, address, port):
            raise TroubleError(
                f"port {port} on {address} is taken by {holder(port) or 'another process'}. "
                f"Stop it, or choose another port in {setting}."
            )


def _is_taken(family: socket.AddressFamily, address: str, port: int) -> bool:
    try:
        socket.create_server((address, port), family=family).close()
    except OSError as error:
        # A machine without IPv6 has no ::1 to be taken.
        return error.errno == errno.EADDRINUSE
    return False


def holder(port: int) -> str | None:
    """Return the process that listens on ``port``, such as ``python3 (pid 12)``, if visible."""
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    # Of what ends meanwhile, or is another user's, this glob tells nothing.
    for name in glob.iglob("/proc/[0-9]*/fd/*"):  # noqa: PTH207 - pathlib's would raise
        with suppress(OSError):
            if str(Path(name).readlink()) in wanted:
                process = Path(name).parents[1]
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for row in map(str.split, Path(table).read_text().splitlines()[1:]):
                if row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port:
                    yield row[9]
