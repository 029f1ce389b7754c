"""Ports of this machine: whether one is free."""

import errno
import socket

from fleet.console import TroubleError


def require_free(port: int, *, setting: str) -> None:
    """Return when nothing listens on ``port`` of either loopback address.

    :raises TroubleError: naming the port, the commands that tell who has it, and ``setting``, the
        place where another port is chosen.
    """
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            socket.create_server((address, port), family=family).close()
        except OSError as error:
            # A machine without IPv6 has no ::1 to be taken.
            if error.errno == errno.EADDRINUSE:
                raise TroubleError(
                    f"port {port} on {address} is taken.\nStop what has it (`ss -ltnp` or `lsof "
                    f"-i :{port}` names the process, `docker ps` the container), or choose another "
                    f"port in {setting}."
                ) from error
