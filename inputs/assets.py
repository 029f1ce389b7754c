"""Asset folders: what they hash to, and which commit last touched them."""

import hashlib
import os
import subprocess
from pathlib import Path

from fleet.inputs import Assets
from fleet.problems import DeclarationError, Problem
from inputs.allow_list import NAME, allowed

UNCOMMITTED = "uncommitted"
"""The revision of a folder that no commit holds: a copy of the files without their history."""


def read_assets(root: Path, image: str) -> Assets | None:
    """Return the asset folders of ``image`` below ``root``, or ``None`` where they lack.

    :raises DeclarationError: when a folder has no allow-list, or the clone is too shallow to tell
        which commit touched it last.
    """
    folder = Path("assets") / image
    context, verification = folder / "image", folder / "verify"
    if not all((root / part / "Dockerfile").is_file() for part in (context, verification)):
        return None
    revision, epoch = _last_commit(root, context)
    return Assets(
        context=context.as_posix(),
        verification=verification.as_posix(),
        context_hash=tree_hash(root / context),
        verification_hash=tree_hash(root / verification),
        revision=revision,
        epoch=epoch,
    )


def tree_hash(folder: Path) -> str:
    """Return the SHA-256 over path, mode and content of every file that a build is sent."""
    total = hashlib.sha256()
    for path in [folder / "Dockerfile", folder / NAME, *allowed(folder)]:
        if path.is_symlink():
            kind, content = "link", os.fsencode(path.readlink())
        else:
            # git and BuildKit agree on the executable bit alone; umask must not move an identity.
            kind, content = ("x" if path.stat().st_mode & 0o100 else "-"), path.read_bytes()
        name = path.relative_to(folder).as_posix()
        digest = hashlib.sha256(content).hexdigest()
        total.update(f"{kind} {digest} {name}\n".encode())
    return f"sha256:{total.hexdigest()}"


def _last_commit(root: Path, folder: Path) -> tuple[str, int]:
    """Return the last commit that touched ``folder`` and its time; ``-dirty`` when it differs."""
    if _git(root, "rev-parse", "--is-shallow-repository") == "true":
        raise DeclarationError(
            [
                Problem(
                    path=folder.as_posix(),
                    what="the clone is shallow, so the commit that last touched it is unknown",
                    remedy="Run `git fetch --unshallow` (in a workflow: fetch-depth: 0)",
                )
            ]
        )
    commit, _, seconds = _git(root, "log", "-1", "--format=%H %ct", "--", str(folder)).partition(
        " "
    )
    if not commit:
        return UNCOMMITTED, 0
    changed = _git(root, "status", "--porcelain", "--", str(folder))
    return (f"{commit}-dirty" if changed else commit), int(seconds)


def _git(root: Path, *arguments: str) -> str:
    """Return git's answer, or nothing where there is no history.

    :raises DeclarationError: when there is a history that git refuses to read: with another
        revision, every image would be another.
    """
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
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
