"""The registries that a whole stack runs on, and what befalls one behind the program's back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.reading import Reading
from tests.engine.seeding import delete
from tests.fleet.upkeep.logged import LoggedDistribution
from tests.registries.front import Front, fronting
from tests.registries.kinds import LIVE, Kind

PLAIN = Kind(name="distribution", real=True)
on_each_kind = pytest.mark.parametrize("live", LIVE, ids=[k.name for k in LIVE], indirect=True)
"""Runs a test on each of them; where it is missing, the fixture `live` is `PLAIN`."""


@dataclass(frozen=True, kw_only=True)
class LiveRegistry:
    """A distribution process, spoken to directly or, where it passes for GitHub's, by a front."""

    kind: Kind
    storage: LoggedDistribution
    front: Front | None = None

    @property
    def host(self) -> str:
        """Return `address:port`."""
        return self.front.host if self.front else self.storage.host

    @property
    def environment(self) -> dict[str, str]:
        """Return what the provider needs in its environment to reach this registry."""
        return self.front.environment if self.front else self.storage.environment

    def requests(self) -> list[str]:
        """Return `METHOD path` of every request that reached it, the API's included."""
        return list(self.front.log) if self.front else self.storage.requests()

    def delete(self, repository: str, reference: str) -> set[str]:
        """Lose a tag or a digest in the way that this kind has; return the tags that went.

        Somebody asks the registry for it; on GitHub, somebody deletes the version, with all its
        tags.
        """
        if self.front and self.front.github:
            digest = Reading(self.storage, repository).digest(reference)
            return set(self.front.github.delete_version(repository, str(digest)))
        delete(self.storage, repository, reference)
        return set() if reference.startswith("sha256:") else {reference}

    def wipe(self, repository: str = "") -> None:
        """Lose one repository without those below it, or all that the registry has."""
        self.storage.wipe(repository)
        github = self.front.github if self.front else None
        if github is not None:
            for package in [repository] if repository else list(github.pushed):
                github.forget(package)


@contextmanager
def running_live(kind: Kind, folder: Path) -> Iterator[LiveRegistry]:
    """Run a real registry of a kind, with its files in `folder`."""
    with ExitStack() as stack:
        storage = stack.enter_context(LoggedDistribution(folder, delete=kind.deletes))
        front = stack.enter_context(fronting(storage.host, ghcr=True)) if kind.ghcr else None
        yield LiveRegistry(kind=kind, storage=storage, front=front)
        assert front is None or front.github is None or front.github.violations == []


@pytest.fixture
def live(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveRegistry]:
    """Distribution, or the kind that a test marked by `on_each_kind` is run with."""
    with running_live(getattr(request, "param", PLAIN), tmp_path / "registry") as started:
        yield started


@pytest.fixture
def distribution(live: LiveRegistry) -> LoggedDistribution:
    """The registry of a test that runs on distribution alone."""
    return live.storage
