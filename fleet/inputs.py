"""What a plan is made from beside the declaration: the lock, and the digests of asset folders."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.lock import Lock


@dataclass(frozen=True, kw_only=True)
class Assets:
    """The asset folders of one image.

    ``context`` and ``verification`` are paths relative to the checkout; ``context_hash`` and
    ``verification_hash`` the SHA-256 of what BuildKit is sent from each; ``revision`` the last
    commit that touched the context, ``epoch`` that commit's time in seconds since 1970 UTC.
    """

    context: str
    verification: str
    context_hash: str
    verification_hash: str
    revision: str
    epoch: int


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """All inputs of a plan; ``source`` names the lock's file in error messages."""

    lock: Lock
    assets: Mapping[str, Assets]
    source: str = ""
