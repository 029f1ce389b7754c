"""Runs the scripts of a rendered workflow as GitHub's runner does, with what it gives them."""

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.fleet.github.hub import REPOSITORY, TOKEN

_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")
# `shell: bash`, as GitHub documents it: strict, also about pipes.
_SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
_LIMIT_SECONDS = 1800


@dataclass(frozen=True, kw_only=True)
class Step:
    """The end of a step, and its output; a failure of a `tolerated` one fails no job."""

    name: str
    code: int
    printed: str
    tolerated: bool = False


@dataclass(kw_only=True)
class Runner:
    """A runner in the checkout `root`, for the API at `api`; `temp` is its scratch folder.

    Jobs share `temp`, so that what one hands over is where the next takes it from. `values` are
    what expressions such as `vars.NAME` stand for; what is not given is empty, as it is on GitHub.
    """

    root: Path
    temp: Path
    api: str
    event: Path
    values: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The text that the steps wrote to the job's page."""
        path = self.temp / "summary.md"
        return path.read_text() if path.exists() else ""

    @property
    def outputs(self) -> dict[str, str]:
        """The values that the steps handed to the job's outputs."""
        path = self.temp / "outputs"
        lines = path.read_text().splitlines() if path.exists() else []
        return dict(line.split("=", 1) for line in lines)

    def run(
        self,
        workflow: str,
        job: str,
        *,
        until: str = "",
        before: Mapping[str, Callable[[], None]] | None = None,
    ) -> list[Step]:
        """Run the scripts of a job; after a failure only those that run in spite of one.

        Actions are left out: nobody serves them here. `before` maps the names of steps to what
        others do just before them.
        """
        found = yaml.safe_load(workflow)
        assert found["defaults"]["run"]["shell"] == "bash"
        done: list[Step] = []
        common = {**found["env"], **found["jobs"][job].get("env", {})}
        for step in found["jobs"][job]["steps"]:
            failed = any(step.code and not step.tolerated for step in done)
            anyway = any(word in step.get("if", "") for word in ("!cancelled()", "always()"))
            if "run" not in step or (failed and not anyway):
                continue
            if before and step["name"] in before:
                before[step["name"]]()
            done.append(self._run(step, common))
            if until and step["run"] == until:
                break
        return done

    def _run(self, step: Mapping[str, Any], common: Mapping[str, str]) -> Step:
        given = {**common, **step.get("env", {})}
        told = {name: _EXPRESSION.sub(self._value, text) for name, text in given.items()}
        environment = {**os.environ, **self._defaults(), **self.variables, **told}
        done = subprocess.run(
            [*_SHELL, step["run"]],
            cwd=self.root, env=environment, text=True, check=False, timeout=_LIMIT_SECONDS,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        tolerated = bool(step.get("continue-on-error"))
        return Step(
            name=step["name"], code=done.returncode, printed=done.stdout, tolerated=tolerated
        )

    def _value(self, match: re.Match[str]) -> str:
        known = {
            "github.token": TOKEN,
            "github.actor": "somebody",
            "steps.app.outputs.token": TOKEN,
            "runner.temp": str(self.temp),
        }
        return {**known, **self.values}.get(match[1], "")

    def _defaults(self) -> dict[str, str]:
        head = subprocess.run(
            ["git", "-C", str(self.root), "rev-parse", "HEAD"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return {
            "CI": "true",
            "GITHUB_API_URL": f"{self.api}api/v3",
            "GITHUB_EVENT_PATH": str(self.event),
            "GITHUB_GRAPHQL_URL": f"{self.api}graphql",
            "GITHUB_OUTPUT": str(self.temp / "outputs"),
            "GITHUB_REF_NAME": "main",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": "1",
            "GITHUB_SHA": head.stdout.strip(),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
            "RUNNER_TEMP": str(self.temp),
        }
