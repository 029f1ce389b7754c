"""The GitHub repository of a fleet, as a stack declares it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from fleet.declaration.problems import Problems
from fleet.declaration.schema import fields

HOSTED: Final = "ubuntu-24.04"
"""The label of GitHub's own runner that jobs run on where no other is declared."""

# Each job of these has a machine of its own, which no other job has used or will use.
_FRESH = re.compile(r"ubuntu-(?:latest|[0-9]{2}\.[0-9]{2}(?P<arm>-arm)?)", re.IGNORECASE)
# Every runner that is not GitHub's own has these, by its system and machine, whatever else it has.
_GENERAL = frozenset({"self-hosted", "linux", "windows", "macos", "x64", "arm", "arm64"})


@dataclass(frozen=True, kw_only=True)
class GitHub:
    """The repository of the fleet's program on GitHub, and the settings of its workflows.

    ``repository`` is ``owner/name``, ``environment`` the deployment environment of the jobs that
    hold secrets, ``runner`` the label that these run on, ``check_runner`` that of the jobs without
    secrets. ``architecture`` is the platform that ``runner`` builds natively, empty where that is
    not known; ``emulation`` says that the jobs build for the others by QEMU rather than on builders
    elsewhere. ``drift`` says what the scheduled job does with drift, ``versions`` what becomes of
    the pull request with new releases. ``pages`` says that GitHub Pages publishes the catalog.
    """

    repository: str
    branch: str = "main"
    environment: str = "registry"
    runner: str = HOSTED
    architecture: str
    check_runner: str = HOSTED
    emulation: bool = True
    drift: Literal["report", "repair"] = "report"
    versions: Literal["propose", "merge"] = "propose"
    pages: bool = False

    @property
    def owner(self) -> str:
        """The user or organisation that owns the repository."""
        return self.repository.partition("/")[0]

    @property
    def name(self) -> str:
        """The repository's name without its owner."""
        return self.repository.partition("/")[2]


def parse_github(declared: Mapping[str, Any] | None, problems: Problems) -> GitHub | None:
    """Return what the key ``github`` declares, or ``None`` where it is absent."""
    if declared is None:
        return None
    own = {"architecture": _architecture(declared, declared.get("runner", HOSTED))}
    found = GitHub(**{"repository": "", **fields(declared), **own})
    _note_shared_runner(found.check_runner, found.runner, problems)
    return found


def _architecture(declared: Mapping[str, Any], runner: str) -> str:
    """Return the platform that ``runner`` builds natively; only GitHub's own labels tell."""
    if "architecture" in declared:
        return f"linux/{declared['architecture']}"
    known = _FRESH.fullmatch(runner)
    return f"linux/{'arm64' if known['arm'] else 'amd64'}" if known else ""


def _note_shared_runner(check: str, runner: str, problems: Problems) -> None:
    """Note a runner of jobs without secrets, which run anybody's code, that may have others too.

    A machine that is used again has what jobs with secrets leave on it: one runner for both is a
    problem, unless GitHub makes a new machine for each job.
    """
    both = {check.lower(), runner.lower()}  # GitHub ignores case
    fresh = any(map(_FRESH.fullmatch, both))
    if not fresh and (len(both) == 1 or both & _GENERAL):
        what = (
            f"{check!r} may be the runner of the jobs with secrets too ({runner!r}), and pull "
            "requests of forks run their own code on it"
        )
        remedy = (
            "Name both by labels that the other does not have, or leave the key out: then it is "
            f"{HOSTED}"
        )
        problems.add("fleet:github.check-runner", what, remedy)
