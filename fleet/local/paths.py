"""Where things lie: the state of a checkout, and the cache that a user's checkouts share."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from fleet.command import ROOT
from fleet.console import TroubleError
from fleet.local import private_files, reach

SOCKET_PATH_LIMIT = 107
"""Bytes of a Unix socket's path: ``sun_path`` holds 108 with its terminator (unix(7))."""

# As long as the longest that BuildKit makes below TMPDIR: a random folder, and a name in it.
_LONGEST = Path("tmp", "buildkitd", ".buildkit-ssh-sock0123456789", "ssh_auth_sock")

_INSTEAD_OF_LOGS = """\
Because this file is here, the engine keeps no log of each run in a folder of this name: 77 kB a
version tag and run, and 40% of the engine's processor time. To have logs, remove the file;
`pulumi logs` reads them.
"""


class _Place:
    """A place below a checkout's ``.fleet``, as a field that is read."""

    def __init__(self, *parts: str) -> None:
        self._parts = parts

    def __get__(self, checkout: "Checkout", owner: object) -> Path:
        return checkout.root.joinpath(".fleet", *self._parts)


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A checkout at ``root``; its state lies below ``root/.fleet``, made builds in ``cache``.

    Below the state, ``bin`` has links to the tools that a person calls, ``run`` the records of the
    running daemons, ``tls`` the registry's certificate and the bundle of trusted ones,
    ``signing`` the key that signs what is built for the registry on this machine, ``auth`` the
    registry's login and what it is checked against. ``docker_config`` is a Docker configuration
    with no login but that of the registry on this machine, ``docker_config_elsewhere`` one for
    registries elsewhere, with the user's logins; ``pulumi_home`` has Pulumi's plugins and workspace
    settings. ``bases_file`` says which base images have a stand-in, by ``{python}-{base}``.
    """

    root: Path
    cache: Path

    state = _Place()
    bin = _Place("bin")
    run = _Place("run")
    tls = _Place("tls")
    signing = _Place("signing")
    auth = _Place("auth")
    docker_config = _Place("docker")
    docker_config_elsewhere = _Place("docker-elsewhere")
    pulumi_home = _Place("pulumi")
    bases_file = _Place("bases.yaml")

    @property
    def socket(self) -> Path:
        """BuildKit's socket."""
        return (self.short if self.uses_short else self.run) / "buildkit.sock"

    @property
    def tmp(self) -> Path:
        """Folders for what the daemons leave behind."""
        return (self.short if self.uses_short else self.state) / "tmp"

    @property
    def short(self) -> Path:
        """A directory with a short path, whose name no other checkout has."""
        name = f"fleet-{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]}"
        return Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp") / name  # noqa: S108 - made 0700, owner checked

    @property
    def uses_short(self) -> bool:
        """True if the sockets lie in the short directory: their paths would be too long here."""
        return len(os.fsencode(self.state / _LONGEST)) > SOCKET_PATH_LIMIT

    def make_state(self) -> None:
        """Have the directory of the state, open to this user alone: keys and logins lie in it.

        Of the engine's home, the first time, only a file where its folder of logs would be: the
        engine then goes on without (pkg/logging/encrypted.go of 3.259, which has no setting).
        """
        private_files.make_folder(self.state)
        if not self.pulumi_home.exists():
            private_files.write(self.pulumi_home / "logs", _INSTEAD_OF_LOGS)

    def make_run(self) -> None:
        """Have the directories that a daemon needs, and a link to a socket in the short one.

        :raises TroubleError: when the short directory belongs to someone else, or can't be made.
        """
        self.make_state()
        self.run.mkdir(exist_ok=True)
        if not self.uses_short:
            return
        try:
            self.short.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self.short.lstat()
        except OSError as error:
            raise TroubleError(
                f"{self.short} can't be made ({error.strerror}); the sockets are to lie there, "
                f"because a path below {self.root} would be too long.\nSet XDG_RUNTIME_DIR to a "
                "folder of this user."
            ) from error
        if found.st_uid != os.geteuid() or found.st_mode & 0o077 or self.short.is_symlink():
            raise TroubleError(
                f"{self.short} is not private to this user.\nRemove it, or set XDG_RUNTIME_DIR."
            )
        link = self.run / "buildkit.sock"
        link.unlink(missing_ok=True)
        link.symlink_to(self.socket)

    def require_cache(self) -> None:
        """Return when this user may make what is kept in the cache; nothing is made.

        :raises TroubleError: when the folder is another user's.
        """
        there = reach.nearest(self.cache)
        if not os.access(there, os.W_OK | os.X_OK):
            raise TroubleError(
                f"{self.cache} is to hold built tools and base images, and this user may not write "
                f"to {there}.\nSet XDG_CACHE_HOME to a folder of this user, and rerun."
            )

    def holds(self, path: str) -> bool:
        """Tell whether ``path`` lies in this checkout's state."""
        return Path(path).resolve().is_relative_to(self.state.resolve())


def checkout(root: Path = ROOT) -> Checkout:
    """Return the checkout at ``root``, by default the one that this package belongs to."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Checkout(root=root, cache=Path(base) / "image-fleet")
