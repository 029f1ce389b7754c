"""`python -m tests.faults --schedules 200 --seed N`: the campaign; exit status 1 on a finding."""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.engine.registries import Distribution, Served
from tests.faults.campaign import Outcome, run_schedule
from tests.faults.kills import run_kills

Run = Callable[[Served, str, Path], Outcome]
_PROGRESS = 25


def main() -> int:
    """Run the schedules that the arguments ask for; return the exit status."""
    arguments = _arguments()
    begin = time.monotonic()
    _say(f"seed {arguments.seed}: {arguments.schedules} schedules, {arguments.engine} with kills")
    findings, outcomes = 0, []
    with tempfile.TemporaryDirectory(prefix="faults-") as made:
        folder = Path(made)
        with Distribution(folder / "registry") as registry:
            for run, number in _planned(arguments):
                try:
                    outcomes.append(run(registry, f"{arguments.seed}/{number}", folder))
                except AssertionError as error:
                    findings += 1
                    _say(f"FINDING {error}")
                if len(outcomes) % _PROGRESS == 0:
                    _say(f"{len(outcomes)} sound, {findings} findings so far")
    _report(outcomes, findings, time.monotonic() - begin)
    return int(findings > 0)


def _planned(arguments: argparse.Namespace) -> Iterator[tuple[Run, int]]:
    for number in range(arguments.first, arguments.first + arguments.schedules):
        yield run_schedule, number
    for number in range(arguments.first, arguments.first + arguments.engine):
        yield run_kills, number


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--schedules", type=int, default=200, help="schedules without the engine")
    parser.add_argument("--engine", type=int, default=2, help="schedules of kills with the engine")
    parser.add_argument("--first", type=int, default=0, help="number of the first, to repeat one")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return parser.parse_args()


def _report(outcomes: list[Outcome], findings: int, seconds: float) -> None:
    faults: Counter[str] = Counter()
    for outcome in outcomes:
        faults += outcome.faults
    _say(
        f"{len(outcomes)} schedules sound, {findings} findings, {seconds:.0f} s; "
        f"{sum(o.ups for o in outcomes)} ups, {sum(o.failed_ups for o in outcomes)} of them failed "
        f"by faults, {sum(o.kills for o in outcomes)} killed; "
        f"{sum(o.checks for o in outcomes)} independent checks; "
        f"{sum(o.swept for o in outcomes)} digests swept between ups; "
        f"{sum(o.raging for o in outcomes)} sweeps under faults, "
        f"{sum(o.stopped for o in outcomes)} of them stopped; "
        f"{sum(o.left for o in outcomes)} images that left and came back; "
        f"{sum(o.undoable for o in outcomes)} removals on record, all of whose digests pull"
    )
    for kind, count in faults.most_common():
        _say(f"  {count:6} {kind}")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command's answer


if __name__ == "__main__":
    sys.exit(main())
