"""Git history of files: the commit that last touched them, and whether they differ from it."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.declaration.problems import DeclarationError, Problem

UNCOMMITTED = "uncommitted"
"""The revision of a folder that no commit holds: a copy of the files without their history."""


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit, and its time in seconds since 1970 UTC; ``clean`` if the files are as it has them.

    Where no commit holds any of the files, ``revision`` is ``UNCOMMITTED``.
    """

    revision: str
    epoch: int
    clean: bool

    @property
    def label(self) -> str:
        """Return the revision label of an image: its commit, ``-dirty`` if files differ from it."""
        known = self.clean or self.revision == UNCOMMITTED
        return self.revision if known else f"{self.revision}-dirty"


def last_commit(root: Path, place: str, pathspecs: Sequence[str]) -> Commit:
    """Return the last commit that touched what git's ``pathspecs`` name, ``place`` in messages.

    They name patterns rather than files, for a commit that took a file away touched it too.

    :raises DeclarationError: when the clone is too shallow to tell, or git can't read the history:
        with another revision, every image would be another.
    """
    if _git(root, "rev-parse", "--is-shallow-repository") == "true":
        what = "the clone is shallow, so the commit that last touched it is unknown"
        remedy = "Run `git fetch --unshallow` (in a workflow: fetch-depth: 0)"
        raise DeclarationError([Problem(path=place, what=what, remedy=remedy)])
    last = _git(root, "log", "-1", "--format=%H %ct", "--", *pathspecs)
    commit, _, seconds = last.partition(" ")
    if not commit:
        return Commit(revision=UNCOMMITTED, epoch=0, clean=False)
    # Files that git ignores or was told not to show are sent to a build like any other.
    every = ("--untracked-files=all", "--ignored=traditional")
    changed = _git(root, "status", "--porcelain", *every, "--", *pathspecs)
    return Commit(revision=commit, epoch=int(seconds), clean=not changed)


def head(root: Path) -> str:
    """Return the commit of a checkout, with `-dirty` where a known file differs; empty for none."""
    commit = _git(root, "log", "-1", "--format=%H")
    differs = commit and _git(root, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if differs else commit


def _git(root: Path, *arguments: str) -> str:
    """Return git's answer, or nothing where there is no history."""
    try:
        done = subprocess.run(
            # Without locks: a look at a checkout must not write to it, not even git's index.
            ["git", "--no-optional-locks", "-C", str(root), *arguments],
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return ""
    if (
        done.returncode
        and (root / ".git").exists()
        and "does not have any commits" not in done.stderr
    ):
        what = f"git can't read the history: {' '.join(done.stderr.split())}"
        remedy = "Mend that: the revision of every image comes from it"
        raise DeclarationError([Problem(path=str(root), what=what, remedy=remedy)])
    return done.stdout.strip() if done.returncode == 0 else ""
