"""Where the record of a repository lies: that of a mirror lies beside the mirror's source."""

from collections.abc import Iterable

from fleet.console import TroubleError
from fleet.declaration.model import Declaration
from fleet.registry.errors import OciError
from fleet.registry.reference import Repository
from fleet.registry.undo_log import owner_at

Beside = tuple[Repository, str]
"""The public repository beside which a record lies, and the owner of the record."""


def beside(place: Repository, owner: str, source: Repository | None) -> Beside:
    """Return where the record of `place` lies, a mirror of `source` where there is one."""
    return (source, owner_at(owner, place)) if source else (place, owner)


def declared_mirrors(
    declaration: Declaration, places: Iterable[Repository]
) -> dict[Repository, Repository]:
    """Return those of `places` that are below a declared mirror, each with its source.

    Their images may be declared no more.
    """
    mirrors = {mirror.place for mirror in declaration.mirrors}
    found = {}
    for place in places:
        above, _, name = str(place).rpartition("/")
        if above in mirrors:
            found[place] = Repository.parse(f"{declaration.registry}/{name}")
    return found


def parse_place(image: str) -> Repository:
    """Return the repository that is named whole.

    :raises TroubleError: if it is none.
    """
    host = image.partition("/")[0]
    if host != "localhost" and not {".", ":"} & set(host):
        raise TroubleError(
            f"IMAGE={image}: {host} is not a host of a registry.\nWrite the last part of the "
            "repository's name, or the whole of it: ghcr.io/owner/python-uvicorn"
        )
    try:
        return Repository.parse(image)
    except OciError as error:
        raise TroubleError(f"IMAGE: {error}") from error
