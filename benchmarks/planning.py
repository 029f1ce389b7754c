"""What the program does before it declares a resource, step by step: one process, one stack.

    python -m benchmarks.planning --root CHECKOUT --stack NAME

Prints JSON: of each step its ``seconds`` and its ``processor`` seconds, git's included; the number
of version tags, builds and pointers; and the MiB that the process grew by.
"""

import argparse
import json
import resource
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.watched import status_of
from fleet.checkout.planning import gather
from fleet.checkout.stack_config import config_file, declaration_of_file
from fleet.plan.plan import make_plan

STEPS = ("read the declaration", "read lock and assets", "plan")
"""The steps, in their order."""


def measured(root: Path, stack: str) -> dict[str, Any]:
    """Return what planning ``stack`` of the checkout at ``root`` cost."""
    before = _megabytes()
    times = [_times()]
    declaration = declaration_of_file(config_file(root, stack))
    times.append(_times())
    inputs = gather(root, stack, declaration)
    times.append(_times())
    plan = make_plan(declaration, inputs, owner=f"fleet/{stack}")
    times.append(_times())
    tags = [tag for image in plan.images for tag in image.tags]
    ends = zip(STEPS, pairwise(times), strict=True)
    return {
        **{step: {key: end[key] - begin[key] for key in end} for step, (begin, end) in ends},
        "tags": len(tags),
        "builds": sum(len(tag.builds) for tag in tags),
        "pointers": sum(len(image.pointers) for image in plan.images),
        "megabytes": _megabytes() - before,
    }


def _times() -> dict[str, float]:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = time.process_time() + children.ru_utime + children.ru_stime
    return {"seconds": time.monotonic(), "processor": processor}


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
