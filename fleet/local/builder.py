"""The embedded builder: a BuildKit daemon on a socket of this checkout."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fleet.console import TroubleError
from fleet.local import processes
from fleet.local.child_environment import run
from fleet.local.disk_space import BUILDER_KEEPS, FOR_DAEMONS
from fleet.local.paths import Checkout
from fleet.local.requirements import Needs
from fleet.registry.transport import plain_hosts

NAME = "buildkitd"
"""The daemon's name."""

_ANSWER_SECONDS = 10.0
_PLATFORMS = "{{range .}}{{range .Platforms}}{{.OS}}/{{.Architecture}}/{{.Variant}} {{end}}{{end}}"


def start(checkout: Checkout, buildkitd: Path, needs: Needs) -> None:
    """Have BuildKit answer on the checkout's socket; a daemon that already does is kept.

    :raises TroubleError: when the daemon does not start, or can't build a platform.
    """
    processes.ensure(daemon(checkout, buildkitd, needs))
    require_platforms(
        checkout,
        needs,
        "Install qemu-user-static and binfmt-support, or name a builder of yours under "
        "fleet:builders.",
    )


def daemon(checkout: Checkout, buildkitd: Path, needs: Needs) -> processes.Daemon:
    """Return the daemon as it is wanted for ``needs``."""
    file = checkout.state / "etc" / "buildkitd.toml"
    return processes.Daemon(
        checkout=checkout,
        name=NAME,
        title="BuildKit",
        place=str(checkout.socket),
        argv=(str(buildkitd), "--config", str(file)),
        file=file,
        config=configuration(
            needs, authority=str(checkout.tls / "server.pem"), of_a_daemon=_of_a_daemon(checkout)
        ),
        reads=(checkout.tls / "server.pem",),
        answers=lambda: answers(checkout),
    )


def answers(checkout: Checkout) -> bool:
    """Tell whether a daemon with a worker answers the client, on the socket or in its container."""
    try:
        done = run([*client(checkout), "debug", "workers"], timeout=_ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def require_platforms(
    checkout: Checkout,
    needs: Needs,
    remedy: str,
    emulates: Callable[[str], bool] = lambda _: False,
) -> None:
    """Return when the builder can build every platform that it is to.

    What the processor and the kernel's emulators can run, only BuildKit knows: a 64-bit ARM may or
    may not run what is built for arm/v7. Emulators of its own it looks for when a step needs one,
    and never lists (its solver/llbsolver/ops/exec_binfmt.go); ``emulates`` says which it has.

    :raises TroubleError: naming those that it can't, and ``remedy``; or when it does not answer.
    """
    argv = [*client(checkout), "debug", "workers", "--format", _PLATFORMS]
    try:
        done = run(argv, timeout=60)
    except subprocess.TimeoutExpired as error:
        raise TroubleError(
            "BuildKit does not say within 60 s which platforms it builds.\nRun make down and rerun."
        ) from error
    known = {each.rstrip("/") for each in done.stdout.split()}
    missing = [each for each in needs.built_here if each not in known and not emulates(each)]
    if missing:
        raise TroubleError(
            f"BuildKit can't build {', '.join(missing)}: neither this processor nor an emulator "
            f"runs it.\n{remedy}"
        )


def client(checkout: Checkout) -> list[str]:
    """Return the command of the daemon's client, which is linked with what a person calls."""
    return [str(checkout.bin / "buildctl"), "--addr", f"unix://{checkout.socket}"]


def configuration(
    needs: Needs,
    *,
    authority: str,
    of_a_daemon: Sequence[str] = (),
    processors: int = 0,
    environment: Mapping[str, str] = os.environ,
) -> str:
    """Return BuildKit's TOML; ``authority`` is the path of the certificate of our registry.

    ``of_a_daemon`` are lines for one that is no container; ``processors`` are those that it has, 0
    for this machine's. JSON strings are TOML basic strings, so
    paths are quoted by it.
    """
    quoted = json.dumps
    lines = [
        *of_a_daemon,
        "[cdi]",
        "disabled = true",
        "[worker.containerd]",
        "enabled = false",
        "[worker.oci]",
        "enabled = true",
        "gc = true",
        f"maxUsedSpace = {BUILDER_KEEPS}",
        # Its cache gives way before the disk is full, where the stack's state lies too.
        f"minFreeSpace = {FOR_DAEMONS}",
        # Emulated steps keep a core busy each; more at a time only makes each of them slower.
        f"max-parallelism = {max(2, processors or os.cpu_count() or 1)}",
    ]
    if needs.port is not None:
        # Without an explicit http = false, BuildKit speaks plain HTTP to a loopback registry.
        lines += [f"[registry.{quoted(needs.host)}]", "http = false", f"ca = [{quoted(authority)}]"]
    if needs.mirror:
        # It is spoken to as this program does, also on a loopback host.
        plain = quoted(needs.mirror in plain_hosts(environment))
        lines += [f"[registry.{quoted(needs.mirror)}]", f"http = {plain}"]
    return "\n".join([*lines, ""])


def _of_a_daemon(checkout: Checkout) -> list[str]:
    quoted = json.dumps
    return [
        f"root = {quoted(str(checkout.state / 'buildkit'))}",
        "[grpc]",
        f"address = [{quoted(f'unix://{checkout.socket}')}]",
        # By default it lies in /run/buildkit, where the daemons of two checkouts take it in turn.
        "[otel]",
        f"socketPath = {quoted(str(checkout.socket.with_name('otel.sock')))}",
    ]
