"""The GitHub repository of a fleet, as a stack declares it."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from fleet.declaration.config_reader import Pattern, Reader, one_of
from fleet.declaration.tags import PLATFORMS

KEYS = (
    "repository", "branch", "environment", "runner", "architecture", "check-runner", "emulation",
    "drift", "versions",
)  # fmt: skip
HOSTED: Final = "ubuntu-24.04"
"""The label of GitHub's own runner that jobs run on where no other is declared."""

# Each job of these has a machine of its own, which no other job has used or will use.
_FRESH = re.compile(r"ubuntu-(?:latest|[0-9]{2}\.[0-9]{2}(?P<arm>-arm)?)", re.IGNORECASE)
# Every runner that is not GitHub's own has these, by its system and machine, whatever else it has.
_GENERAL = frozenset({"self-hosted", "linux", "windows", "macos", "x64", "arm", "arm64"})

_REPOSITORY = Pattern(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?/[A-Za-z0-9._-]{1,100}",
    "is not a GitHub repository",
    "Write owner/name: multi-py/fleet",
)
_BRANCH = Pattern(
    r"(?!.*(?:\.\.|//|\.lock$|/$|\.$))[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}",
    "is not a branch name",
    "Write it as git shows it: main",
)
_ENVIRONMENT = Pattern(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", "is not an environment name", "Write it like registry"
)
_RUNNER = Pattern(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "is not a runner label", "Write it like ubuntu-24.04"
)
_ARCHITECTURE = one_of(
    (platform.removeprefix("linux/") for platform in PLATFORMS), "architecture of a runner"
)
_DRIFT = one_of(("report", "repair"), "answer to drift")
_VERSIONS = one_of(("propose", "merge"), "answer to a new release")


@dataclass(frozen=True, kw_only=True)
class GitHub:
    """Where the fleet's program lives on GitHub, and how its workflows run there.

    ``repository`` is ``owner/name``, ``environment`` the deployment environment of the jobs that
    hold secrets, ``runner`` the label that these run on, ``check_runner`` that of the jobs without
    secrets. ``architecture`` is the platform that ``runner`` builds natively, empty where that is
    not known; ``emulation`` says that the jobs build for the others by QEMU rather than on builders
    elsewhere. ``drift`` says what the scheduled job does with drift, ``versions`` what becomes of
    the pull request with new releases.
    """

    repository: str
    branch: str
    environment: str
    runner: str
    architecture: str
    check_runner: str
    emulation: bool
    drift: Literal["report", "repair"]
    versions: Literal["propose", "merge"]

    @property
    def owner(self) -> str:
        """The user or organisation that owns the repository."""
        return self.repository.partition("/")[0]

    @property
    def name(self) -> str:
        """The repository's name without its owner."""
        return self.repository.partition("/")[2]


def parse_github(reader: Reader) -> GitHub | None:
    """Return what the key ``github`` of ``reader`` declares, or ``None`` where it is absent."""
    if "github" not in reader.values:
        return None
    inner = reader.inner("github")
    inner.only(KEYS)
    runner = inner.text("runner", _RUNNER, HOSTED)
    return GitHub(
        repository=inner.text("repository", _REPOSITORY),
        branch=inner.text("branch", _BRANCH, "main"),
        environment=inner.text("environment", _ENVIRONMENT, "registry"),
        runner=runner,
        architecture=_architecture(inner, runner),
        check_runner=_check_runner(inner, runner),
        emulation=inner.flag("emulation", fallback=True),
        drift="repair" if inner.text("drift", _DRIFT, "report") == "repair" else "report",
        versions="merge" if inner.text("versions", _VERSIONS, "propose") == "merge" else "propose",
    )


def _architecture(reader: Reader, runner: str) -> str:
    """Return the platform that ``runner`` builds natively; only GitHub's own labels tell."""
    if "architecture" in reader.values:
        return f"linux/{reader.text('architecture', _ARCHITECTURE)}"
    known = _FRESH.fullmatch(runner)
    return f"linux/{'arm64' if known['arm'] else 'amd64'}" if known else ""


def _check_runner(reader: Reader, runner: str) -> str:
    """Return the runner of jobs without secrets, which run the code of anybody's pull request.

    A machine that is used again has what jobs with secrets leave on it: one runner for both is a
    problem, unless GitHub makes a new machine for each job.
    """
    found = reader.text("check-runner", _RUNNER, HOSTED)
    both = {found.lower(), runner.lower()}  # GitHub ignores case
    fresh = any(map(_FRESH.fullmatch, both))
    if not fresh and (len(both) == 1 or both & _GENERAL):
        what = (
            f"{found!r} may be the runner of the jobs with secrets too ({runner!r}), and pull "
            "requests of forks run their own code on it"
        )
        remedy = (
            "Name both by labels that the other does not have, or leave the key out: then it is "
            f"{HOSTED}"
        )
        reader.note("check-runner", what, remedy)
    return found
