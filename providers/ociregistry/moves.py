"""What this run moved and what it found moved, until the repository's remover enters it."""

from collections.abc import Mapping

from fleet.registry.history import BY_HAND, Sight
from fleet.registry.reference import Repository, TagReference


class Moves:
    """Filled by the resources of tags, read by the one that waits for all of them."""

    def __init__(self) -> None:
        self._why: dict[TagReference, str] = {}
        self._outside: dict[TagReference, str] = {}

    def found(self, ref: TagReference, digest: str) -> None:
        """Note what a tag was moved to outside of an update; an empty digest: it was gone."""
        self._outside[ref] = digest

    def made(self, ref: TagReference, why: str) -> None:
        """Note why this run moves a tag."""
        self._why[ref] = why

    def outside(self, repository: Repository) -> bool:
        """Tell whether a tag of a repository was moved outside."""
        return any(ref.repository == repository for ref in self._outside)

    def sights(self, repository: Repository, digests: Mapping[str, str]) -> dict[str, Sight]:
        """Return the tags of a repository, which name `digests` now."""
        refs = {tag: TagReference(repository=repository, tag=tag) for tag in digests}
        return {
            tag: Sight(
                digest=digests[tag],
                why=self._why.get(ref, ""),
                outside=self._outside.get(ref),
            )
            for tag, ref in refs.items()
        }


def run_of(environment: Mapping[str, str]) -> str:
    """Return the address of the workflow's run, or that it is a person's; never who that is."""
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    repository, run = (environment.get(f"GITHUB_{name}", "") for name in ("REPOSITORY", "RUN_ID"))
    if environment.get("GITHUB_ACTIONS") == "true" and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    return BY_HAND
