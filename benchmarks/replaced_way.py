"""The way that this project replaced: a two-FROM Dockerfile, built for every tag at every run.

Each tag is one multi-platform build with BuildKit's plain client, pushed. On a fresh machine, which
is what a workflow's job gets, nothing is left of the tag before: the builder is pruned whole first.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fleet.lock.model import Lock
from fleet.plan.plan import Plan, VersionTag

FOLDER: Final = Path(__file__).parent / "replaced"
NAMESPACE: Final = "replaced"


@dataclass(frozen=True, kw_only=True)
class Job:
    """The build of one workflow's job: one tag for all its platforms."""

    reference: str
    platforms: tuple[str, ...]
    arguments: Mapping[str, str]


def jobs(plan: Plan, lock: Lock, host: str) -> list[Job]:
    """Return a job for each version tag of ``plan``, on the same bases with the same packages."""
    return [
        Job(
            reference=f"{host}/{NAMESPACE}/{tag.image}:{tag.tag}",
            platforms=tag.platforms,
            arguments={
                "BASE": lock.bases[f"{tag.python}-{tag.base}"].name,
                "BUILDER": lock.builders[tag.python].name,
                "PYTHON": tag.python,
                "REQUIREMENTS": " ".join(pins(tag)),
            },
        )
        for image in plan.images
        for tag in image.tags
    ]


def pins(tag: VersionTag) -> list[str]:
    """Return the distributions that the verification of ``tag`` expects, as pip spells pins."""
    expected = [json.loads(build.expectation) for build in tag.builds]
    packages: dict[str, str] = {}
    for each in (part for own in expected for part in (own, *own["platforms"].values())):
        packages |= each.get("packages", {})
    return sorted(f"{name}=={version}" for name, version in packages.items())


@dataclass(frozen=True, kw_only=True)
class Builder:
    """A BuildKit daemon, driven by its plain client.

    ``logins`` is the Docker configuration with the registry's login.
    """

    buildctl: Path
    socket: Path
    logins: Path

    def prune(self) -> None:
        """Leave nothing of earlier builds: layers, cache mounts, pulled images."""
        self._run(["prune", "--all"])

    def build(self, job: Job) -> None:
        """Build one tag for all its platforms, and push it."""
        self._run(build_words(job))

    def _run(self, words: Sequence[str]) -> None:
        argv = [str(self.buildctl), "--addr", f"unix://{self.socket}", *words]
        env = {**os.environ, "DOCKER_CONFIG": str(self.logins)}
        done = subprocess.run(argv, check=False, capture_output=True, text=True, env=env)
        if done.returncode:
            raise SystemExit(f"buildctl {words[0]} ended with {done.returncode}:\n{done.stderr}")


def build_words(job: Job) -> list[str]:
    """Return the arguments of ``buildctl`` that build and push ``job``."""
    words = ["build", "--progress", "plain", "--frontend", "dockerfile.v0"]
    words += ["--local", f"context={FOLDER}", "--local", f"dockerfile={FOLDER}"]
    words += ["--opt", f"platform={','.join(job.platforms)}"]
    for name, value in sorted(job.arguments.items()):
        words += ["--opt", f"build-arg:{name}={value}"]
    return [*words, "--output", f"type=image,name={job.reference},push=true"]


def run(builder: Builder, wanted: Iterable[Job], *, fresh: bool) -> float:
    """Build every job in turn; return the seconds of the builds alone.

    ``fresh`` gives each a builder without anything on it, as a machine of its own would.
    """
    seconds = 0.0
    for job in wanted:
        if fresh:
            builder.prune()
        begun = time.monotonic()
        builder.build(job)
        seconds += time.monotonic() - begun
    return seconds
