"""The commands of the engine and the machine around it."""

import os
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from fleet.checkout.planning import planned_builds
from fleet.checkout.split_stacks import stacks_of
from fleet.command import Commands, Run, add_lock_flags
from fleet.console import TroubleError, pass_on, say, show
from fleet.local import (
    backend,
    build_times,
    cleanup,
    disk_held,
    engine,
    environment,
    node_probe,
    prepare,
    run_report,
    run_stacks,
)
from fleet.local.moved_bases import with_moves
from fleet.local.paths import Checkout, checkout
from fleet.local.requirements import read_needs
from fleet.local.run_display import RunDisplay
from fleet.local.terminal import Terminal, is_terminal
from fleet.local.toolchain import published
from fleet.local.toolchain.plugins import missing_plugins
from fleet.reports.report import Report
from fleet.sigstore.workflow import NO_IDENTITY, can_identify
from providers.ociregistry.stale_pointers.allow_list import SETTING

_JSON = "print the report as JSON, one line per stack, and all else on stderr"


def add_to(commands: Commands) -> None:
    """Add the commands of this room."""
    for name, run in _COMMANDS.items():
        made = commands.add(
            name, run, interrupted=run_stacks.GOES_ON, takes_stack=name not in _OF_ALL_STACKS
        )
        if name == "lock":
            add_lock_flags(made)
        if name in {"up", "preview", "refresh"}:
            made.add_argument("--json", action="store_true", help=_JSON)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A stack of a checkout that a command is for, and whether its report is to be JSON.

    With ``is_part``, it is one of several that a fleet was split into.
    """

    here: Checkout
    stack: str
    as_json: bool
    is_part: bool


def _each(command: Callable[[Asked], int], *, builds: bool = False) -> Run:
    """Return ``command`` for each stack in turn, where that which is asked for was split."""

    def run(chosen: Namespace) -> int:
        here, as_json = checkout(chosen.root), getattr(chosen, "json", False)
        stacks = stacks_of(here.root, chosen.stack)

        def one(stack: str) -> int:
            is_part = bool(stacks)
            return command(Asked(here=here, stack=stack, as_json=as_json, is_part=is_part))

        if not stacks:
            return one(chosen.stack)
        return run_stacks.take(stacks, one, builds=builds)

    return run


def _up(asked: Asked) -> int:
    ready = prepare.prepare(asked.here, asked.stack, builds=True)
    # What others use is changed after a look at the preview, where there is someone to look.
    if ready.needs.port is None and is_terminal(sys.stdin):
        return _up_as_agreed(asked, ready)
    if _cannot_sign(ready):
        ran = _engine(asked, ready, ["preview"], ready.env, RunDisplay)
        if ran.code:
            return ran.code
        _refuse_unsigned(ran.report)
    return _updated(asked, ready, ready.env)


def _cannot_sign(ready: prepare.Ready) -> bool:
    return ready.needs.only_keyless and not can_identify(ready.env)


def _refuse_unsigned(report: Report | None) -> None:
    """Refuse an update without an identity, before any build, if a preview shows one to sign.

    :raises TroubleError: naming what would have to be signed.
    """
    entries = report.entries if report else ()
    tags = [entry.ref for entry in entries if entry.signs]
    if tags:
        raise TroubleError(f"{', '.join(tags)}: to be signed, and {NO_IDENTITY}")


def _up_as_agreed(asked: Asked, ready: prepare.Ready) -> int:
    """Update after a yes to the preview; then nothing is removed that it did not show."""
    aside = asked.as_json or not is_terminal(sys.stdout)
    ran = _engine(replace(asked, as_json=aside), ready, ["preview"], ready.env, RunDisplay)
    report = ran.report
    if report is None:
        return ran.code or 1
    Terminal(data=aside).draw(with_moves(report, ready.needs, ready.env))
    if _cannot_sign(ready):
        _refuse_unsigned(report)
    if not (report.complete or report.cut_short) or (ran.code and not report.failed):
        return ran.code or 1
    # A resource that fails ends the preview, and no update of what does not need it.
    what = "all else, and remove nothing" if report.cut_short else "as shown"
    if not _is_agreed(f"Update {asked.stack}: {what}?"):
        return ran.code or 1
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        path = Path(folder) / "shown.json"
        run_report.write_to(path, report)
        return _updated(asked, ready, {SETTING: str(path), **ready.env})


def _updated(asked: Asked, ready: prepare.Ready, env: Mapping[str, str]) -> int:
    planned, before = planned_builds(asked.here.root, asked.stack), build_times.read(asked.here)
    displays: list[RunDisplay] = []

    def display() -> RunDisplay:
        displays.append(RunDisplay(planned, before))
        return displays[-1]

    words = ["up", "--continue-on-error", "--yes", "--skip-preview"]
    code = _concluded(asked, _engine(asked, ready, words, env, display))
    for each in displays:
        build_times.add(asked.here, each.took)
    ready.remaining.conclude()
    if code:
        node_probe.report_unreachable(ready.needs)
    if asked.as_json:
        return code
    try:
        engine.print_status(asked.here, ready.pulumi, asked.stack, ready.env)
    except TroubleError as error:
        say(f"error: {error}")
        return code or 1
    return code


def _is_agreed(question: str) -> bool:
    """Ask the person at the terminal, on stderr; anything but a yes counts as no."""
    say(f"{question} [y/N]")
    with suppress(ValueError):
        return sys.stdin.readline().strip().lower() in {"y", "yes"}
    return False


def _preview(asked: Asked) -> int:
    ready = prepare.prepare(asked.here, asked.stack)
    return _looked(asked, ready, ["preview"])


def _refresh(asked: Asked) -> int:
    ready = prepare.prepare(asked.here, asked.stack)
    return _looked(asked, ready, ["refresh", "--yes", "--skip-preview"])


def _looked(asked: Asked, ready: prepare.Ready, words: list[str]) -> int:
    env = environment.for_reading(ready.env)
    ran = _engine(asked, ready, words, env, RunDisplay)
    if ran.report:
        ran = replace(ran, report=with_moves(ran.report, ready.needs, env))
    return _concluded(asked, ran)


def _concluded(asked: Asked, ran: engine.Ran) -> int:
    """Print and write the report of a command's last run; return the exit status.

    :raises TroubleError: when the report can't be written where ``FLEET_REPORT`` says.
    """
    if ran.report:
        if asked.is_part and not asked.as_json:
            pass_on(f"stack {asked.stack}")
        run_report.show(ran.report, as_json=asked.as_json, stack=asked.stack)
        run_report.write(ran.report)
    return ran.code


def _engine(
    asked: Asked,
    ready: prepare.Ready,
    words: list[str],
    env: Mapping[str, str],
    display: Callable[[], RunDisplay],
) -> engine.Ran:
    """Return what became of the engine, which fetches plugins only where the state needs them.

    These are of resources that the declaration has no more, or of an earlier release. Without
    them a run fails at its refresh, before it changed anything. ``display`` makes one for each run.
    """
    command, *options = words
    argv = [str(ready.pulumi), command, "--stack", asked.stack, "--non-interactive", *options]
    ran = engine.attempt(asked.here, argv, env, display(), aside=asked.as_json)
    lacking = _lacking(asked.here, ready) if ran.code else []
    if not lacking:
        return ran
    say(f"the state needs {', '.join(lacking)}, not installed here: once more, with leave to fetch")
    env = {k: v for k, v in env.items() if k != environment.NO_FETCHING}
    return engine.attempt(asked.here, argv, env, display(), aside=asked.as_json)


def _lacking(here: Checkout, ready: prepare.Ready) -> list[str]:
    try:
        state = engine.exported(here, ready.pulumi, ready.needs.stack, ready.env)
    except TroubleError:
        return []
    return missing_plugins(here, state or "{}")


def _status(asked: Asked) -> int:
    here = asked.here
    needs = read_needs(here.root, asked.stack)
    backend.require(here, needs, os.environ)
    env = environment.complete(here, needs)
    engine.print_status(here, here.bin / "pulumi", asked.stack, env)
    return 0


def _status_and_disk(chosen: Namespace) -> int:
    code = _each(_status)(chosen)
    if held := disk_held.report(checkout(chosen.root)):
        show(f"\n{held}")
    return code


def _lock(chosen: Namespace) -> int:
    here, refresh = checkout(chosen.root), chosen.refresh or ""
    prepare.lock(here, chosen.stack, refresh=refresh, newest=chosen.newest)
    return 0


def _env(chosen: Namespace) -> int:
    here = checkout(chosen.root)
    needs = read_needs(here.root, chosen.stack)
    environment.provide(here, needs)
    gone = environment.unset(here, needs, os.environ)
    print(environment.exports(environment.settings(here, needs, os.environ), gone), end="")
    return 0


def _checksums(chosen: Namespace) -> int:
    count = published.record(chosen.root)
    say(f"added the SHA-256 of {count} archives to {published.RECORDED}; compare and commit it")
    return 0


def _down(chosen: Namespace) -> int:
    cleanup.down(checkout(chosen.root))
    return 0


def _clean(chosen: Namespace) -> int:
    cleanup.clean(checkout(chosen.root))
    return 0


_COMMANDS: dict[str, Run] = {
    "up": _each(_up, builds=True),
    "preview": _each(_preview),
    "refresh": _each(_refresh),
    "lock": _lock,
    "status": _status_and_disk,
    "env": _env,
    "checksums": _checksums,
    "down": _down,
    "clean": _clean,
}
_OF_ALL_STACKS = {"checksums", "down", "clean"}
