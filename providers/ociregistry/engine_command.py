"""The command of the engine that this plugin serves.

The plugin protocol has no dry run of a deletion: the preview of `pulumi destroy` reads the
resources and asks no more. Only the engine's command line tells it from any other refresh. It
decides what is logged, and nothing else.
"""

from pathlib import Path

_DESTROY = frozenset({b"destroy", b"down", b"dn"})


def destroys(process: int) -> bool:
    """Tell whether a process is `pulumi destroy`; false where its command line can't be read."""
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False
    return bool(_DESTROY & set(command.split(b"\0")))
