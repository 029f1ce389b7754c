"""What this run moved and what it found moved, until the repository's remover enters it."""

from collections.abc import Mapping

from fleet.registry.history import BY_HAND, Sight
from fleet.registry.reference import Repository, TagReference


class Moves:
    """Filled by the resources of tags, read by the one that waits for all of them."""

    def __init__(self) -> None:
        self._why: dict[TagReference, tuple[str, str]] = {}
        self._outside: dict[TagReference, str] = {}

    def found(self, ref: TagReference, digest: str) -> None:
        """Note what a tag was moved to outside of an update; an empty digest: it was gone."""
        self._outside[ref] = digest

    def made(self, ref: TagReference, why: str, digest: str) -> None:
        """Note why this run moves a tag, and to what."""
        self._why[ref] = why, digest

    def outside(self, repository: Repository) -> bool:
        """Tell whether a tag of a repository was moved outside."""
        return any(ref.repository == repository for ref in self._outside)

    def sights(self, repository: Repository, digests: Mapping[str, str]) -> dict[str, Sight]:
        """Return the tags of a repository, which name `digests` now.

        Of a resource of several tags that failed at one, the program knows no digest: this run
        does, of those that it moved before.
        """
        found = {}
        for tag, digest in digests.items():
            ref = TagReference(repository=repository, tag=tag)
            why, made = self._why.get(ref, ("", ""))
            found[tag] = Sight(digest=digest or made, why=why, outside=self._outside.get(ref))
        return found


def run_of(environment: Mapping[str, str]) -> str:
    """Return the address of the workflow's run, or that it is a person's; never who that is."""
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    repository, run = (environment.get(f"GITHUB_{name}", "") for name in ("REPOSITORY", "RUN_ID"))
    if environment.get("GITHUB_ACTIONS") == "true" and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    return BY_HAND
