"""What most commands need: GitHub's API, the job that they run in, and the stack."""

from dataclasses import dataclass

from fleet.github.api import Api
from fleet.github.context import Context


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job of a workflow that works on ``stack``."""

    api: Api
    context: Context
    stack: str

    @property
    def root(self) -> str:
        """The repository's path in the API."""
        return f"/repos/{self.context.repository}"
