"""The end of the embedded default: daemons stopped, and its data removed when asked."""

import shutil
import subprocess
from pathlib import Path

from local import builder, registry
from local.checkout import Checkout
from local.say import say


def down(checkout: Checkout) -> None:
    """Stop what was started from this checkout, by pid; all data stays."""
    # The builder first: it may still be pushing to the registry.
    for name, stop in (("BuildKit", builder.stop), ("the registry", registry.stop)):
        record = stop(checkout)
        say(f"stopped {name} (pid {record.pid})" if record else f"{name} was not running")


def clean(checkout: Checkout) -> None:
    """Stop what runs and remove all state of this checkout; the user's cache stays."""
    down(checkout)
    if not checkout.state.exists():
        say("nothing to remove")
        return
    for mount in mounts_below(checkout.state, Path("/proc/self/mountinfo").read_text()):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
    shutil.rmtree(checkout.state)
    if checkout.socket.parent != checkout.run:
        shutil.rmtree(checkout.socket.parent, ignore_errors=True)
    say(f"removed {checkout.state}: the registry's images, BuildKit's cache and the stacks' state")
    say(f"kept {checkout.cache}: built tools and downloads, shared by your checkouts")


def mounts_below(folder: Path, mountinfo: str) -> list[str]:
    """Return the mount points below ``folder``, innermost first (proc_pid_mountinfo(5))."""
    points = [line.split()[4] for line in mountinfo.splitlines() if line]
    decoded = [point.replace("\\040", " ") for point in points]
    return sorted((p for p in decoded if Path(p).is_relative_to(folder)), reverse=True)
