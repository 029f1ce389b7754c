"""Token scopes of the distribution specification's token authentication."""

from providers.ociregistry.reference import Repository

PULL = "pull"
PUSH = "pull,push"
REMOVE = "delete,pull,push"


def scope(repository: Repository, actions: str, *sources: Repository) -> tuple[str, ...]:
    """Return the scopes for `actions` on a repository and for pulling from `sources`."""
    pulls = (f"repository:{source.name}:{PULL}" for source in sources)
    return (f"repository:{repository.name}:{actions}", *pulls)
