"""Token scopes of the distribution specification's token authentication."""

from collections import defaultdict

from fleet.registry.reference import Repository

PULL = "pull"
PUSH = "pull,push"
REMOVE = "delete,pull,push"
_REPOSITORY = "repository:"


def scope(repository: Repository, actions: str, *sources: Repository) -> tuple[str, ...]:
    """Return the scopes for `actions` on a repository and for pulling from `sources`."""
    pulls = (f"{_REPOSITORY}{source.name}:{PULL}" for source in sources)
    return (f"{_REPOSITORY}{repository.name}:{actions}", *pulls)


def repository_of(scopes: tuple[str, ...]) -> str:
    """Return the name of the repository that is acted on, '' where the scopes name none."""
    first = scopes[0] if scopes else ""
    return first.removeprefix(_REPOSITORY).rpartition(":")[0] if _REPOSITORY in first else ""


def pushing(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scopes with pushing to the repository as well, none where they have that."""
    first = scopes[0] if scopes else ""
    return (f"{first.removesuffix(PULL)}{PUSH}", *scopes[1:]) if first.endswith(f":{PULL}") else ()


def merge_scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Join scopes `type:name:actions` of one resource; sorted, each resource once."""
    actions: defaultdict[str, set[str]] = defaultdict(set)
    for each in scopes:
        resource, _, wanted = each.rpartition(":")
        actions[resource] |= set(wanted.split(","))
    return tuple(
        f"{resource}:{','.join(sorted(actions[resource]))}" for resource in sorted(actions)
    )
