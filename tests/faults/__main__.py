"""`python -m tests.faults --schedules 200 --seed N`: the campaign; exit status 1 on a finding."""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator

from tests.faults.at_once import Run, outcomes
from tests.faults.campaign import Outcome, run_schedule
from tests.faults.kills import run_kills

_PROGRESS = 25


def main() -> int:
    """Run the schedules that the arguments ask for; return the exit status."""
    arguments = _arguments()
    begin = time.monotonic()
    _say(f"seed {arguments.seed}: {arguments.schedules} schedules, {arguments.engine} with kills")
    findings, sound = 0, []
    for outcome in outcomes(_planned(arguments), arguments.workers):
        if isinstance(outcome, str):
            findings += 1
            _say(f"FINDING {outcome}")
        else:
            sound.append(outcome)
        if (len(sound) + findings) % _PROGRESS == 0:
            _say(f"{len(sound)} sound, {findings} findings so far")
    _report(sound, findings, time.monotonic() - begin)
    return int(findings > 0)


def _planned(arguments: argparse.Namespace) -> Iterator[tuple[Run, str]]:
    for run, count in ((run_schedule, arguments.schedules), (run_kills, arguments.engine)):
        for number in range(arguments.first, arguments.first + count):
            yield run, f"{arguments.seed}/{number}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--schedules", type=int, default=200, help="schedules without the engine")
    parser.add_argument("--engine", type=int, default=2, help="schedules of kills with the engine")
    parser.add_argument("--first", type=int, default=0, help="number of the first, to repeat one")
    parser.add_argument("--workers", type=int, default=1, help="how many run at the same time")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return parser.parse_args()


def _report(sound: list[Outcome], findings: int, seconds: float) -> None:
    faults: Counter[str] = Counter()
    for outcome in sound:
        faults += outcome.faults
    _say(
        f"{len(sound)} schedules sound, {findings} findings, {seconds:.0f} s; "
        f"{sum(o.ups for o in sound)} ups, {sum(o.failed_ups for o in sound)} of them failed "
        f"by faults, {sum(o.kills for o in sound)} killed; "
        f"{sum(o.checks for o in sound)} independent checks; "
        f"{sum(o.swept for o in sound)} digests swept between ups; "
        f"{sum(o.raging for o in sound)} sweeps under faults, "
        f"{sum(o.stopped for o in sound)} of them stopped; "
        f"{sum(o.left for o in sound)} images that left and came back; "
        f"{sum(o.undoable for o in sound)} removals on record, all of whose digests pull"
    )
    for kind, count in faults.most_common():
        _say(f"  {count:6} {kind}")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command's answer


if __name__ == "__main__":
    sys.exit(main())
