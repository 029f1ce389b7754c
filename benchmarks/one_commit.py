"""One side of :mod:`benchmarks.commits`: figures of the checkout that it is run in, as JSON.

It is run as a script whose modules are those of another commit, so it takes of these only what
commits have in common: ``growth.Stack`` and ``against_replaced.Contest``.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_PER_IMAGE = 50
_NEW_VERSION = "0.35.0"


def growth(tags: int) -> dict[str, float]:
    """Return what a preview of ``tags`` version tags costs that changes nothing."""
    module: Any = importlib.import_module("benchmarks.growth")
    asked = module.Asked(per_image=_PER_IMAGE, hashes=2, steps=("preview",), profile=None)
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        stack = module.Stack(Path(folder) / "clone", tags, asked)
        try:
            # There are commits whose benchmark does not log in to the registry that it starts.
            _docker_config().share(stack.scratch.here, stack.scratch.needs, os.environ)
            stack.bring_up()
            found = stack.step("preview")
            exported = subprocess.run(
                [stack.pulumi, "stack", "export", "--stack", module.STACK],
                cwd=stack.scratch.root, env=stack.environment, check=True, stdout=subprocess.PIPE,
            )  # fmt: skip
            resources = json.loads(exported.stdout)["deployment"]["resources"]
            return {
                f"preview of {tags} tags, processor seconds": found.processor,
                f"preview of {tags} tags, seconds": found.seconds,
                f"preview of {tags} tags, MiB": found.megabytes,
                "resources for each version tag": len(resources) / tags,
                "state for each version tag, bytes": stack.state_megabytes() * 2**20 / tags,
            }
        finally:
            stack.scratch.stop()


def _docker_config() -> Any:
    """Return the module of that name: earlier commits have it in another room."""
    try:
        return importlib.import_module("fleet.local.docker_config")
    except ModuleNotFoundError:
        return importlib.import_module("local.docker_config")


def dev(_: int) -> dict[str, float]:
    """Return what updates of the stack ``dev`` take by the clock."""
    module: Any = importlib.import_module("benchmarks.against_replaced")
    # A short path: sockets live below it.
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        contest = module.Contest(Path(folder) / "c", module.Matrix())
        try:
            contest.builder.prune()
            contest.ours.forget_lock()
            cold, unchanged = contest.ours.update(), contest.ours.update()
            begun = time.monotonic()
            # The environment is the one that measures; it is not to be made anew.
            make = ["make", "-s", "-o", "venv", "up"]
            subprocess.run(make, cwd=contest.scratch.root, check=True, stdout=sys.stderr)
            made = time.monotonic() - begun
            contest.declare_version(_NEW_VERSION)
            return {
                "dev from nothing, seconds": cold.seconds,
                "dev unchanged, seconds": unchanged.seconds,
                "dev unchanged, make up, seconds": made,
                "dev with a new version, seconds": contest.ours.update().seconds,
            }
        finally:
            contest.scratch.stop()


PARTS: Mapping[str, Callable[[int], dict[str, float]]] = {"growth": growth, "dev": dev}
"""What is measured, by name."""


def main(arguments: list[str]) -> int:
    """Print the figures of the parts that are named, as one line of JSON."""
    parser = argparse.ArgumentParser(prog="one_commit.py")
    parser.add_argument("--tags", type=int, required=True)
    parser.add_argument("parts", nargs="+", choices=PARTS)
    chosen = parser.parse_args(arguments)
    found: dict[str, float] = {}
    for part in chosen.parts:
        found |= PARTS[part](chosen.tags)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
