"""The GitHub repository of a fleet, as a stack declares it."""

from dataclasses import dataclass
from typing import Literal

from fleet.reader import Reader, one_of, pattern

KEYS = ("repository", "branch", "environment", "runner", "emulation", "drift", "versions")

_REPOSITORY = pattern(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?/[A-Za-z0-9._-]{1,100}",
    "is no GitHub repository",
    "Write owner/name: multi-py/fleet",
)
_BRANCH = pattern(
    r"(?!.*(?:\.\.|//|\.lock$|/$|\.$))[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}",
    "is no branch name",
    "Write it as git shows it: main",
)
_ENVIRONMENT = pattern(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", "is no environment name", "Write it like registry"
)
_RUNNER = pattern(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "is no runner label", "Write it like ubuntu-24.04"
)
_DRIFT = one_of(("report", "repair"), "answer to drift")
_VERSIONS = one_of(("propose", "merge"), "answer to a new release")


@dataclass(frozen=True, kw_only=True)
class GitHub:
    """Where the fleet's program lives on GitHub, and how its workflows run there.

    ``repository`` is ``owner/name``, ``environment`` the deployment environment of the jobs that
    hold secrets, ``runner`` the label that jobs run on; ``emulation`` says that they build for
    other platforms by QEMU rather than on builders elsewhere. ``drift`` says what the scheduled job
    does with drift, ``versions`` what becomes of the pull request with new releases.
    """

    repository: str
    branch: str
    environment: str
    runner: str
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
    return GitHub(
        repository=inner.text("repository", _REPOSITORY),
        branch=inner.text("branch", _BRANCH, "main"),
        environment=inner.text("environment", _ENVIRONMENT, "registry"),
        runner=inner.text("runner", _RUNNER, "ubuntu-24.04"),
        emulation=inner.flag("emulation", fallback=True),
        drift="repair" if inner.text("drift", _DRIFT, "report") == "repair" else "report",
        versions="merge" if inner.text("versions", _VERSIONS, "propose") == "merge" else "propose",
    )
