"""What went to a registry and what it keeps, from distribution's access log and its storage."""

import re
import shutil
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

_UPLOAD: Final = re.compile(
    r'"PUT /v2/(?P<repository>\S+)/blobs/uploads/\S+[?&]digest=(?P<digest>sha256(?::|%3A)\w{64})'
    r'\S* HTTP/[0-9.]+" 201 '
)


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One blob that was sent whole; a mount from another repository is none."""

    repository: str
    digest: str


def uploads(log: str) -> list[Upload]:
    """Return the uploads in an access log (Apache's combined format), in order."""
    return [
        Upload(repository=found["repository"], digest=unquote(found["digest"]))
        for found in _UPLOAD.finditer(log)
    ]


class Storage:
    """The registry's folder on disk (``rootdirectory`` of distribution's file system driver)."""

    def __init__(self, root: Path) -> None:
        self._root = root / "docker" / "registry" / "v2"

    def held(self, namespace: str) -> set[str]:
        """Return the digests of all blobs and manifests in the repositories of ``namespace``."""
        folder = self._root / "repositories" / namespace
        links = [*folder.rglob("_layers/sha256/*"), *folder.rglob("revisions/sha256/*")]
        return {f"sha256:{link.name}" for link in links}

    def forget(self, namespace: str) -> None:
        """Lose the repositories of ``namespace``, as if nothing was ever pushed there."""
        shutil.rmtree(self._root / "repositories" / namespace)

    def size(self, digests: Iterable[str]) -> int:
        """Return the bytes of ``digests``; one that was deleted meanwhile has none."""
        paths = (self._blob(digest) for digest in digests)
        return sum(path.stat().st_size for path in paths if path.exists())

    def sent(self, found: Sequence[Upload], without: AbstractSet[str]) -> int:
        """Return the bytes of uploads, each as often as it was sent, but for ``without``."""
        return sum(self.size([upload.digest]) for upload in found if upload.digest not in without)

    def _blob(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        return self._root / "blobs" / "sha256" / name[:2] / name / "data"
