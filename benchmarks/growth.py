"""What a growing fleet costs a run that changes nothing: planning, previews and an update.

    python -m benchmarks.growth [--tags 50 500 5000] [--per-image 50] [--hashes 2] [--no-up]
        [--profile FOLDER]

For each number of version tags (three platforms each): a clone of the last commit with a registry
of its own, its stack brought up by the real engine and program without a build (see
:mod:`benchmarks.foreseen`), then measured with the real plugins. Every measured run fails unless it
finds nothing to change. Prints seconds, the peak memory of all processes together, memory and
processor time by process, and at the end the exponent of each cost: 1 is linear, 2 quadratic. With
``--profile``, one more preview at each size writes where the program's time goes (``pstats``).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks import planning, synthetic
from benchmarks.scratch import ROOT, clone, commit
from benchmarks.watched import Ran, run
from fleet.checkout.lock_file import lock_file
from fleet.checkout.stack_config import declaration_of_file
from fleet.console import say, timed
from fleet.local import certificates, docker_config, engine, registry
from fleet.local.toolchain import toolchain
from fleet.lock.serialization import values_of
from tests.ports import free_port

STACK = "growth"
_QUIET = ("--stack", STACK, "--suppress-outputs", "--non-interactive")
_PROFILED = """\
import atexit, cProfile
profile = cProfile.Profile()
profile.enable()
atexit.register(lambda: profile.dump_stats({path!r}))"""
_NOTHING = (*_QUIET, "--expect-no-changes")
STEPS: Mapping[str, tuple[str, ...]] = {
    "preview without refresh": ("preview", "--refresh=false", *_NOTHING),
    "preview": ("preview", *_NOTHING),
    "up": ("up", "--yes", "--skip-preview", *_NOTHING),
}
"""What is measured, by name; ``preview`` and ``up`` refresh first, as Pulumi.yaml says."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The size of the stacks (tags per image, hashes per distribution), and the steps to run."""

    per_image: int
    hashes: int
    steps: tuple[str, ...]
    profile: Path | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One step at one size."""

    tags: int
    step: str
    seconds: float
    processor: float
    megabytes: float
    detail: str = ""

    def __str__(self) -> str:
        return (
            f"{self.tags:6} {self.step:24} {self.seconds:8.1f} s, of processors "
            f"{self.processor:8.1f} s {self.megabytes:7.0f} MiB  {self.detail}"
        ).rstrip()


class Stack:
    """A stack of ``tags`` version tags in a clone below ``root``, its registry running."""

    def __init__(self, root: Path, tags: int, asked: Asked) -> None:
        self.tags = tags
        self.scratch = clone(root, STACK)
        port = free_port()
        config = synthetic.config(tags, asked.per_image, f"localhost:{port}/team")
        self.scratch.declare(config)
        self._give_assets(config["images"])
        self._write_lock(asked.hashes)
        here, needs = self.scratch.here, self.scratch.needs
        here.state.mkdir(exist_ok=True)
        certificates.ensure(here)
        docker_config.share(here, needs, os.environ)
        self.environment = self.scratch.environment()
        tools = toolchain.ensure(here, needs, toolchain.survey(here, needs), self.environment)
        assert tools.registry is not None
        self.pulumi = str(tools.pulumi)
        registry.start(here, tools.registry, port=port, stack_file=self.scratch.config_file.name)
        engine.select(here, tools.pulumi, STACK, self.environment)

    def bring_up(self) -> None:
        """Have the state and the registry hold everything, without a build."""
        with self._foreseen() as port:
            environment = {
                **self.environment,
                "PULUMI_DEBUG_PROVIDERS": f"docker-build:{port}",
                # The engine writes the whole state at every step else, which nothing here needs.
                "PULUMI_SKIP_CHECKPOINTS": "true",
            }
            up = ("up", "--yes", "--skip-preview", "--refresh=false", *_QUIET)
            self._run(up, environment)

    def plan(self) -> list[Figures]:
        """Return what planning costs, in a process of its own."""
        argv = [sys.executable, "-m", "benchmarks.planning", "--root", str(self.scratch.root)]
        done = subprocess.run(
            [*argv, "--stack", STACK], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
        )
        found: dict[str, Any] = json.loads(done.stdout)
        size = ", ".join(f"{found[key]:.0f} {key}" for key in ("tags", "builds", "pointers"))
        return [
            Figures(
                tags=self.tags,
                step=step,
                **found[step],
                megabytes=found["megabytes"],
                detail=size if step == "plan" else "",
            )
            for step in planning.STEPS
        ]

    def step(self, name: str) -> Figures:
        """Return what a run of the engine costs that finds nothing to change."""
        ran = self._run(STEPS[name], self.environment)
        kinds = sorted(ran.usage.items(), key=lambda item: -item[1].megabytes)
        detail = ", ".join(f"{k} {u.megabytes:.0f} MiB {u.seconds:.0f} s" for k, u in kinds)
        return Figures(
            tags=self.tags,
            step=name,
            seconds=ran.seconds,
            processor=sum(usage.seconds for usage in ran.usage.values()),
            megabytes=ran.megabytes,
            detail=detail,
        )

    def profile(self, path: Path) -> None:
        """Write where the program's time goes in a preview without refresh."""
        program = self.scratch.root / "__main__.py"
        text = program.read_text()
        program.write_text(f"{_PROFILED.format(path=str(path))}\n{text}")
        self._run(STEPS["preview without refresh"], self.environment)
        program.write_text(text)

    def state_megabytes(self) -> float:
        """Return the size of the state's file in MiB."""
        folder = self.scratch.here.state / "state"
        (path,) = folder.glob(f".pulumi/stacks/*/{STACK}.json")
        return path.stat().st_size / 2**20

    def _run(self, words: tuple[str, ...], environment: Mapping[str, str]) -> Ran:
        ran = run([self.pulumi, *words], cwd=self.scratch.root, env=environment)
        if ran.code:
            raise SystemExit(f"pulumi {' '.join(words)} ended with {ran.code}:\n{ran.printed}")
        return ran

    def _give_assets(self, images: Mapping[str, object]) -> None:
        """Give every image the folders of a shipped one, committed, as a fleet has them."""
        folder = self.scratch.root / "assets"
        shipped = next(path for path in sorted(folder.iterdir()) if (path / "verify").is_dir())
        for name in images:
            shutil.copytree(shipped, folder / name)
        commit(self.scratch.root)

    def _write_lock(self, hashes: int) -> None:
        declared = declaration_of_file(self.scratch.config_file)
        path = lock_file(self.scratch.root, STACK, declared)
        path.parent.mkdir(parents=True)
        values = values_of(synthetic.lock(declared, hashes=hashes))
        path.write_text(yaml.dump(values, Dumper=yaml.CSafeDumper))

    @contextmanager
    def _foreseen(self) -> Iterator[int]:
        """Serve a plugin that builds nothing, for the length of a block; yield its port."""
        here = self.scratch.here
        (plugin,) = (here.pulumi_home / "plugins").glob("*/pulumi-resource-docker-build")
        module = [sys.executable, "-P", "-m", "benchmarks.foreseen"]
        process = subprocess.Popen(
            [*module, str(plugin), str(here.tls / "server.pem"), str(here.auth / "password")],
            # The plugin reads Dockerfiles and contexts by paths relative to the project.
            cwd=self.scratch.root, env={**self.environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()
            process.wait()


def measure(tags: int, asked: Asked) -> Iterator[Figures]:
    """Make a stack of ``tags`` version tags, and yield the figures of each step."""
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        stack = Stack(Path(folder) / "clone", tags, asked)
        try:
            yield from stack.plan()
            with timed(f"bringing up {tags} tags without builds"):
                stack.bring_up()
            say(f"the state has {stack.state_megabytes():.1f} MiB")
            for step in asked.steps:
                yield stack.step(step)
            if asked.profile:
                stack.profile(asked.profile.absolute() / f"program-{tags}.prof")
        finally:
            stack.scratch.stop()


def exponents(found: list[Figures]) -> Iterator[str]:
    """Yield a line per step: how its time and memory grew with the number of tags."""
    for step in dict.fromkeys(figures.step for figures in found):
        rows = [figures for figures in found if figures.step == step]
        if len(rows) > 1:
            time, processor, memory = (
                synthetic.exponent([(row.tags, getattr(row, cost)) for row in rows])
                for cost in ("seconds", "processor", "megabytes")
            )
            yield (
                f"{step:24} grows by tags^{time:.2f} in time, ^{processor:.2f} in processor time, "
                f"^{memory:.2f} in memory"
            )


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--tags", type=int, nargs="+", default=[50, 500, 5000])
    parser.add_argument("--per-image", type=int, default=50)
    parser.add_argument("--hashes", type=int, default=2)
    parser.add_argument("--no-up", action="store_true")
    parser.add_argument("--profile", type=Path, metavar="FOLDER")
    chosen = parser.parse_args(arguments)
    steps = tuple(step for step in STEPS if step != "up" or not chosen.no_up)
    asked = Asked(
        per_image=chosen.per_image, hashes=chosen.hashes, steps=steps, profile=chosen.profile
    )
    found = []
    for tags in chosen.tags:
        for figures in measure(tags, asked):
            found.append(figures)
            print(figures, flush=True)
    print(*exponents(found), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
