"""A clone of the project's last commit in a folder of its own, with its own registry and ports."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fleet.console import say
from fleet.local import cleanup, environment
from fleet.local.paths import Checkout, checkout
from fleet.local.requirements import Needs, read_needs

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """A clone at ``here`` that holds the stack ``stack``."""

    here: Checkout
    stack: str

    @property
    def root(self) -> Path:
        """The clone's folder."""
        return self.here.root

    @property
    def config_file(self) -> Path:
        """The stack's configuration."""
        return self.root / f"Pulumi.{self.stack}.yaml"

    @property
    def needs(self) -> Needs:
        """The requirements of the stack on this machine."""
        return read_needs(self.root, self.stack)

    def declare(self, config: Mapping[str, Any]) -> None:
        """Write the stack's configuration; ``config`` has no ``fleet:`` in its keys."""
        written = {f"fleet:{key}": value for key, value in config.items()}
        self.config_file.write_text(yaml.safe_dump({"config": written}, sort_keys=False))

    def environment(self) -> dict[str, str]:
        """Return the environment that the engine runs in."""
        return environment.complete(self.here, self.needs)

    def stop(self) -> None:
        """Stop the daemons of the clone, by pid."""
        cleanup.down(self.here)


def clone(root: Path, stack: str) -> Scratch:
    """Clone the project's last commit into ``root``; it runs in this process's own Python.

    :raises subprocess.CalledProcessError: when the project is not a git checkout.
    """
    changed = _git("status", "--porcelain", "--untracked-files=no")
    if changed:
        say("measuring the last commit: the changes since then are not in it")
    _git("clone", "--quiet", "--no-hardlinks", str(ROOT), str(root))
    (root / ".venv").symlink_to(sys.prefix)
    return Scratch(here=checkout(root), stack=stack)


def commit(root: Path) -> None:
    """Commit everything in the clone at ``root``, so that its folders have a revision."""
    who = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.org")
    git = ["git", "-C", str(root), *who, "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "benchmark"], check=True)


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout
