"""Where things lie: the state of a checkout, and the cache that a user's checkouts share."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

SOCKET_PATH_LIMIT = 107
"""Bytes of a Unix socket's path: ``sun_path`` holds 108 with its terminator (unix(7))."""


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A checkout at ``root``; its state lies below ``root/.fleet``, made builds in ``cache``."""

    root: Path
    cache: Path

    @property
    def state(self) -> Path:
        """The directory of everything that belongs to this checkout alone."""
        return self.root / ".fleet"

    @property
    def bin(self) -> Path:
        """Links to the tools that a person calls."""
        return self.state / "bin"

    @property
    def run(self) -> Path:
        """Records of the running daemons."""
        return self.state / "run"

    @property
    def log(self) -> Path:
        """Logs of the daemons."""
        return self.state / "log"

    @property
    def etc(self) -> Path:
        """Configuration files written for the daemons."""
        return self.state / "etc"

    @property
    def tls(self) -> Path:
        """The registry's certificate, its authority and the bundle of trusted authorities."""
        return self.state / "tls"

    @property
    def docker_config(self) -> Path:
        """A Docker configuration directory of our own, so that the user's is never touched."""
        return self.state / "docker"

    @property
    def pulumi_home(self) -> Path:
        """Pulumi's plugins and workspace settings for this checkout."""
        return self.state / "pulumi"

    @property
    def bases_file(self) -> Path:
        """Which base images have a stand-in, by ``{python}-{base}``."""
        return self.state / "bases.yaml"

    @property
    def socket(self) -> Path:
        """BuildKit's socket: in the checkout, or in a short directory if the path is too long."""
        inside = self.run / "buildkit.sock"
        if len(os.fsencode(inside)) <= SOCKET_PATH_LIMIT:
            return inside
        return _short_directory(self.root) / "buildkit.sock"

    def holds(self, path: str) -> bool:
        """Tell whether ``path`` lies in this checkout's state."""
        return Path(path).resolve().is_relative_to(self.state.resolve())


def _short_directory(root: Path) -> Path:
    name = f"fleet-{hashlib.sha256(os.fsencode(root)).hexdigest()[:12]}"
    return Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp") / name  # noqa: S108 - made 0700, owner checked


def checkout(root: Path | None = None) -> Checkout:
    """Return the checkout at ``root``, by default the one that this package belongs to."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    here = root or Path(__file__).resolve().parent.parent
    return Checkout(root=here, cache=Path(base) / "image-fleet")
