"""Asset folders: what they hash to, and which commit last touched them."""

import hashlib
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from fleet.inputs import Assets
from fleet.problems import DeclarationError, Problem
from inputs.allow_list import NAME, allowed

SHARED = "shared"
"""The folder in assets/, and the named context of a build, that images have in common."""

_DIRTY = "-dirty"
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
    shared, checks = _shared(root, context), _shared(root, verification)
    files = tree_files(root / context, root / shared if shared else None)
    checked = tree_files(root / verification, root / checks if checks else None)
    hashed = tree_hash(files)
    revision, epoch = _last_commit(root, [part for part in (context, shared) if part])
    if revision.endswith((_DIRTY, UNCOMMITTED)):
        # One edit after the other is another image, which its label says too. What changes in a
        # named context alone, docker-build does not see (measured on 0.0.22).
        revision += f"-{hashed.removeprefix('sha256:')[:12]}"
    return Assets(
        context=context.as_posix(),
        verification=verification.as_posix(),
        shared_context=shared.as_posix() if shared else "",
        shared_verification=checks.as_posix() if checks else "",
        files=files,
        context_hash=hashed,
        verification_hash=tree_hash(checked),
        revision=revision,
        epoch=epoch,
    )


def tree_hash(files: Mapping[str, str]) -> str:
    """Return the SHA-256 over the path and digest of every file."""
    lines = "".join(f"{digest} {name}\n" for name, digest in files.items())
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def tree_files(folder: Path, shared: Path | None = None) -> dict[str, str]:
    """Return, by path, the SHA-256 of mode and content of every file that a build is sent.

    Those of the folder ``shared`` have its name before their path.
    """
    files = {
        path.relative_to(folder).as_posix(): _file_digest(path)
        for path in [folder / "Dockerfile", folder / NAME, *allowed(folder)]
    }
    if shared:
        for path in [shared / NAME, *allowed(shared)]:
            files[f"{SHARED}/{path.relative_to(shared).as_posix()}"] = _file_digest(path)
    return files


def _file_digest(path: Path) -> str:
    if path.is_symlink():
        kind, content = "link", os.fsencode(path.readlink())
    else:
        # git and BuildKit agree on the executable bit alone; umask must not move an identity.
        kind, content = ("x" if path.stat().st_mode & 0o100 else "-"), path.read_bytes()
    return f"sha256:{hashlib.sha256(kind.encode() + b' ' + content).hexdigest()}"


def _shared(root: Path, folder: Path) -> Path | None:
    """Return the folder that ``folder`` has a part in, where its Dockerfile copies from it.

    An image that does without must not be rebuilt because another's files changed.
    """
    if not re.search(rf"\bfrom={SHARED}\b", (root / folder / "Dockerfile").read_text()):
        return None
    return Path("assets") / SHARED / folder.name


def _last_commit(root: Path, folders: list[Path]) -> tuple[str, int]:
    """Return the last commit that touched ``folders`` and its time; ``-dirty`` if they differ."""
    if _git(root, "rev-parse", "--is-shallow-repository") == "true":
        raise DeclarationError(
            [
                Problem(
                    path=folders[0].as_posix(),
                    what="the clone is shallow, so the commit that last touched it is unknown",
                    remedy="Run `git fetch --unshallow` (in a workflow: fetch-depth: 0)",
                )
            ]
        )
    paths = [str(folder) for folder in folders]
    last = _git(root, "log", "-1", "--format=%H %ct", "--", *paths)
    commit, _, seconds = last.partition(" ")
    if not commit:
        return UNCOMMITTED, 0
    changed = _git(root, "status", "--porcelain", "--", *paths)
    return (f"{commit}{_DIRTY}" if changed else commit), int(seconds)


def _git(root: Path, *arguments: str) -> str:
    """Return git's answer, or nothing where there is no history.

    :raises DeclarationError: when there is a history that git refuses to read: with another
        revision, every image would be another.
    """
    try:
        done = subprocess.run(
            # Without locks: a look at a checkout must not write to it, not even git's index.
            ["git", "--no-optional-locks", "-C", str(root), *arguments],
            capture_output=True, text=True, check=False,
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
