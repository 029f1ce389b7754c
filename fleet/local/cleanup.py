"""The end of the embedded default: daemons stopped, and its data removed when asked."""

from fleet.console import say
from fleet.local import builder, mounts, processes, registry
from fleet.local.docker import daemons, record
from fleet.local.docker.engine import Engine, open_engine, require
from fleet.local.paths import Checkout


def down(checkout: Checkout) -> None:
    """Stop what was started from this checkout, by pid; all data stays."""
    if engine := _engine(checkout):
        daemons.down(checkout, engine)
        return
    # The builder first: it may still be pushing to the registry.
    for title, name in (("BuildKit", builder.NAME), ("the registry", registry.NAME)):
        known = processes.stop_daemon(checkout, name)
        say(f"stopped {title} (pid {known.pid})" if known else f"{title} was not running")
    # Sockets alone are beside it in a short folder.
    mounts.remove(checkout.short if checkout.uses_short else checkout.tmp)
    link = checkout.run / "buildkit.sock"
    if link.is_symlink() and (made := link.readlink().parent).name == checkout.short.name:
        # They were started with another XDG_RUNTIME_DIR.
        mounts.remove(made)


def clean(checkout: Checkout) -> None:
    """Stop what runs and remove all state of this checkout; the user's cache stays."""
    if engine := _engine(checkout):
        daemons.clean(checkout, engine)
    else:
        down(checkout)
    if not checkout.state.exists():
        say("nothing to remove")
        return
    mounts.remove(checkout.state)
    say(f"removed {checkout.state}: the registry's images, BuildKit's cache and the stacks' state")
    say(f"kept {checkout.cache}: built tools and downloads, shared by your checkouts")


def _engine(checkout: Checkout) -> Engine | None:
    """Return the Docker engine that has what was started, None where these are daemons.

    :raises TroubleError: when that engine does not answer.
    """
    endpoint = record.endpoint(checkout)
    if not endpoint:
        return None
    engine = open_engine(checkout, endpoint)
    require(engine)
    return engine
