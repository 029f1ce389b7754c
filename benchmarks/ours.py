"""Our own way: what ``make up`` does once the daemons run, measured."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.scratch import Scratch
from fleet.checkout.lock_file import lock_file
from fleet.checkout.planning import gather
from fleet.checkout.stack_config import declaration_of_file
from fleet.local import prepare
from fleet.lock.model import Lock
from fleet.plan.plan import Plan, make_plan

_IMAGE = "docker-build:index:Image"
_WORK = frozenset({"create", "update", "replace", "create-replacement"})


@dataclass(frozen=True, kw_only=True)
class Update:
    """The work of one update; ``compiled`` are sets of wheels, which builds share.

    ``building``, ``verifying`` and ``compiling`` are seconds added up over resources.
    """

    seconds: float
    locking: float
    builds: int
    verifications: int
    compiled: int
    building: float
    verifying: float
    compiling: float

    def __str__(self) -> str:
        return (
            f"{self.builds} builds ({self.building:.0f} s in all), {self.verifications} "
            f"verifications ({self.verifying:.0f} s in all), {self.compiled} sets of wheels "
            f"({self.compiling:.0f} s in all), lock {self.locking:.1f} s"
        )


class Ours:
    """A scratch checkout whose daemons and bases are there, and whose stack was never up."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._ready = prepare.prepare(scratch.here, scratch.stack)

    @property
    def namespace(self) -> str:
        """The registry's namespace of all images, builds and wheels."""
        return declaration_of_file(self._scratch.config_file).registry.partition("/")[2]

    def plan(self) -> tuple[Plan, Lock]:
        """Return the plan of what is declared and locked, after locking what is new."""
        self._lock()
        root, stack = self._scratch.root, self._scratch.stack
        declaration = declaration_of_file(self._scratch.config_file)
        inputs = gather(root, stack, declaration)
        return make_plan(declaration, inputs, owner=f"fleet/{stack}"), inputs.lock

    def forget_lock(self) -> None:
        """Have the next update resolve everything, as after a fresh clone."""
        declaration = declaration_of_file(self._scratch.config_file)
        lock_file(self._scratch.root, self._scratch.stack, declaration).unlink()

    def update(self) -> Update:
        """Resolve what is new and bring the registry up.

        :raises SystemExit: with what the engine printed, when it failed.
        """
        locking = self._lock()
        log = self._scratch.here.state / "events.json"
        log.unlink(missing_ok=True)
        words = ["up", "--stack", self._scratch.stack, "--yes", "--skip-preview"]
        words += ["--continue-on-error", "--suppress-outputs", "--non-interactive"]
        begun = time.monotonic()
        done = subprocess.run(
            [str(self._ready.pulumi), *words, "--event-log", str(log)],
            cwd=self._scratch.root, env={**self._ready.env, "PULUMI_DEBUG_COMMANDS": "true"},
            check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        seconds = time.monotonic() - begun
        if done.returncode:
            raise SystemExit(f"pulumi up ended with {done.returncode}:\n{done.stdout}")
        events = [json.loads(line) for line in log.read_text().splitlines()]
        return summed(events, seconds=seconds + locking, locking=locking)

    def _lock(self) -> float:
        begun = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "fleet", "resolve", "--stack", self._scratch.stack],
            cwd=self._scratch.root, env=self._ready.env, check=True,
        )  # fmt: skip
        return time.monotonic() - begun


def summed(events: Iterable[dict[str, Any]], *, seconds: float, locking: float) -> Update:
    """Return what the engine's ``events`` say was built and verified."""
    begun: dict[str, float] = {}
    count: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    for event in events:
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            step = event.get(kind, {}).get("metadata")
            if not step or step["type"] != _IMAGE or step["op"] not in _WORK:
                continue
            if kind == "resourcePreEvent":
                begun[step["urn"]] = event["timestamp"]
                continue
            what = step["urn"].rpartition("/")[2].partition(":")[0]
            count[what] += 1
            spent[what] += event["timestamp"] - begun[step["urn"]]
    return Update(
        seconds=seconds,
        locking=locking,
        builds=count["build"],
        verifications=count["verify"],
        compiled=count["wheels"],
        building=spent["build"],
        verifying=spent["verify"],
        compiling=spent["wheels"],
    )
