"""A run that changes nothing with evidence, and one without, side by side.

    python -m benchmarks.evidence [--tags 50] [--times 3]

Two stacks as those of :mod:`benchmarks.growth`, of the same ``--tags`` version tags (3 platforms)
each. One of them declares no key, so nothing of it is signed. Their previews take turns,
``--times`` each. Prints processor seconds (the lowest of each), requests, and bytes of state of
each version tag, and their ratios.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.growth import Asked, Stack
from fleet.console import timed
from fleet.local import registry, signing_key
from providers.ociregistry.fields import TAG


class Side:
    """One of the two stacks, brought up; ``signed`` has it declare a key, its machine's own."""

    def __init__(self, root: Path, tags: int, *, signed: bool) -> None:
        asked = Asked(per_image=50, hashes=2, steps=(), profile=None)
        self.stack = Stack(root, tags, asked)
        here = self.stack.scratch.here
        self._log = here.state / "log" / "registry.log"
        if signed:
            signing_key.ensure(here)
            self.stack.environment = self.stack.scratch.environment()
        self.processor: list[float] = []
        self.requests: set[int] = set()

    def preview(self) -> None:
        """Measure a preview that changes nothing."""
        before = self._asked()
        self.processor.append(self.stack.step("preview").processor)
        self.requests.add(self._asked() - before)

    def figures(self) -> Mapping[str, float]:
        """Return the figures, those of requests and state for each version tag."""
        (requests,) = self.requests
        (path,) = (self.stack.scratch.here.state / "state").glob(".pulumi/stacks/*/*.json")
        resources = json.loads(path.read_bytes())["checkpoint"]["latest"]["resources"]
        signed = (r for r in resources if r["type"] == TAG and r["outputs"].get("signed"))
        kept = [[tag["inputs"]["evidence"], tag["outputs"]["signed"]] for tag in signed]
        tags = self.stack.tags
        return {
            "processor seconds": min(self.processor),
            "requests for each version tag": requests / tags,
            "state for each version tag, bytes": _size(resources) / tags,
            "of these what is kept of its evidence": _size(kept) / tags,
        }

    def _asked(self) -> int:
        return self._log.read_text("utf-8").count('" "')


def _size(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":")))


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evidence", description=__doc__)
    parser.add_argument("--tags", type=int, default=50)
    parser.add_argument("--times", type=int, default=3)
    chosen = parser.parse_args(arguments)
    registry.LOG["accesslog"] = {"disabled": False}
    sides: list[Side] = []
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        try:
            for signed in (False, True):
                with timed(f"bringing up {chosen.tags} tags, {signed=}"):
                    sides.append(
                        Side(Path(folder) / f"signed-{signed}", chosen.tags, signed=signed)
                    )
                    sides[-1].stack.bring_up()
            for _ in range(chosen.times):
                for side in sides:
                    side.preview()
            without, with_evidence = (side.figures() for side in sides)
        finally:
            for side in sides:
                side.stack.scratch.stop()
    print(f"{'':45} {'without':>10} {'with':>10} {'ratio':>7}")
    for name, value in without.items():
        other = with_evidence[name]
        ratio = f"{other / value:7.2f}" if value else ""
        print(f"{name:45} {value:10.2f} {other:10.2f} {ratio}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
