"""What the program does before it declares a resource, step by step: one process, one stack.

    python -m benchmarks.planning --root CHECKOUT --stack NAME

Prints JSON: the seconds of each step, the number of version tags, builds and pointers, and the MiB
that the process grew by.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.watched import status_of
from fleet.plan import make_plan
from inputs.gather import gather
from inputs.stack import config_file, declaration_of_file


def measured(root: Path, stack: str) -> dict[str, float]:
    """Return what planning ``stack`` of the checkout at ``root`` cost."""
    before = _megabytes()
    times = [time.monotonic()]
    declaration = declaration_of_file(config_file(root, stack))
    times.append(time.monotonic())
    inputs = gather(root, stack, declaration)
    times.append(time.monotonic())
    plan = make_plan(declaration, inputs, owner=f"fleet/{stack}")
    times.append(time.monotonic())
    tags = [tag for image in plan.images for tag in image.tags]
    return {
        "read the declaration": times[1] - times[0],
        "read lock and assets": times[2] - times[1],
        "plan": times[3] - times[2],
        "tags": len(tags),
        "builds": sum(len(tag.builds) for tag in tags),
        "pointers": sum(len(image.pointers) for image in plan.images),
        "megabytes": _megabytes() - before,
    }


def _megabytes() -> float:
    return status_of(Path("/proc/self/status").read_text())["VmHWM"]


def main(arguments: list[str]) -> int:
    """Measure one stack and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planning", description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--stack", required=True)
    chosen = parser.parse_args(arguments)
    print(json.dumps(measured(chosen.root, chosen.stack)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
