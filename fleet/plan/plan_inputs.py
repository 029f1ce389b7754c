"""What a plan is made from beside the declaration: the lock, and the digests of asset folders."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.lock.model import Lock


@dataclass(frozen=True, kw_only=True)
class Assets:
    """The asset folders of one image.

    ``context`` and ``verification`` are paths relative to the checkout, as are their Dockerfiles.
    ``shared_context`` and ``shared_verification`` are the folders that images have in common, sent
    along where a Dockerfile copies from them, else empty. ``files`` are the SHA-256 of each file
    that can reach the image, by path; ``compiling`` those of what makes wheels, which only images
    that take such wheels come from; ``context_hash`` and ``verification_hash`` those of all such
    files of image and verification. ``revision`` is the last commit that touched ``files``,
    ``epoch`` that commit's time in seconds since 1970 UTC.
    """

    context: str
    verification: str
    dockerfile: str
    verification_dockerfile: str
    shared_context: str
    shared_verification: str
    files: Mapping[str, str]
    compiling: Mapping[str, str]
    context_hash: str
    verification_hash: str
    revision: str
    epoch: int


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """All inputs of a plan.

    ``native`` is the platform of this machine; ``own_key`` is the public key that was made on it,
    empty where there is none. For error messages, ``stack`` is the one whose lock
    it is, and ``source`` names the files.
    """

    lock: Lock
    assets: Mapping[str, Assets]
    stack: str
    native: str = ""
    own_key: str = ""
    source: str = ""
