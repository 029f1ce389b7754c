"""Names of repositories, tags and manifests, as the OCI distribution specification spells them."""

import re
from dataclasses import dataclass
from typing import Self

from fleet.registry.errors import OciError

# OCI distribution specification 1.1, "Pulling manifests": <name>, <tag> and digests. Only
# sha256 is accepted, for every body is checked against its digest.
_NAME = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?")


def is_digest(text: str) -> bool:
    """Tell whether `text` is a complete sha256 digest."""
    return _DIGEST.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Tell whether `text` is a tag by the specification."""
    return _TAG.fullmatch(text) is not None


def is_host(text: str) -> bool:
    """Tell whether `text` is `host[:port]`."""
    return _HOST.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True, order=True)
class Repository:
    """A repository on a registry: `host[:port]/name`."""

    host: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `host[:port]/name`.

        :raises OciError: if the host or the name is missing or malformed.
        """
        host, _, name = text.partition("/")
        if not _HOST.fullmatch(host) or not _NAME.fullmatch(name):
            raise OciError(f"{text!r} is not a repository: write host[:port]/name in lower case")
        return cls(host=host, name=name)

    def __str__(self) -> str:
        return f"{self.host}/{self.name}"


@dataclass(frozen=True, kw_only=True, order=True)
class TagReference:
    """A tag in a repository: `host[:port]/name:tag`."""

    repository: Repository
    tag: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `host[:port]/name:tag`; the tag is never implied.

        :raises OciError: if a part is missing or malformed, or a digest is present.
        """
        head, colon, tag = text.rpartition(":")
        if not colon or "/" in tag or "@" in text or not _TAG.fullmatch(tag):
            raise OciError(f"{text!r} is not a tag: write host[:port]/name:tag")
        return cls(repository=Repository.parse(head), tag=tag)

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True, kw_only=True, order=True)
class ManifestReference:
    """A manifest by digest: `host[:port]/name@sha256:…`.

    `digest` is empty where a preview does not know it yet.
    """

    repository: Repository
    digest: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `host[:port]/name@[digest]`.

        :raises OciError: if a part is missing or malformed; an empty digest is allowed.
        """
        head, at, digest = text.partition("@")
        if not at or (digest and not is_digest(digest)):
            raise OciError(
                f"{text!r} is not a manifest: write host[:port]/name@sha256:<64 hex digits>"
            )
        return cls(repository=Repository.parse(head), digest=digest)

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}"
