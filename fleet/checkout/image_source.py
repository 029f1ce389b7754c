"""Asset folders: what counts of them, what it hashes to, and which commit touched it last."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleet.checkout.dockerfile_copies import taken
from fleet.checkout.dockerignore import (
    NAME,
    OF_DOCKERFILE,
    heads,
    matching,
    pathspecs,
    patterns_of,
    within,
)
from fleet.checkout.git import last_commit
from fleet.plan.plan_inputs import Assets

SHARED = "shared"
"""The folder in assets/, and the named context of a build, that images have in common."""

_WHEELS = Path("assets") / SHARED / "wheels"
_COMPILING = Path("assets") / SHARED / "image"
"""The context in which wheels are made."""


@dataclass(frozen=True, kw_only=True)
class _Part:
    """Build inputs in one folder: its allow-list, its Dockerfile, and what ``patterns`` admit.

    Its files have ``prefix`` before their paths.
    """

    folder: Path
    own: tuple[str, ...]
    patterns: tuple[str, ...]
    prefix: str = ""


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
    parts = _parts(root / context, root / shared if shared else None)
    files = _files(parts)
    hashed = tree_hash(files)
    revision, epoch = _revision(root, context.as_posix(), parts, hashed)
    return Assets(
        context=context.as_posix(),
        verification=verification.as_posix(),
        shared_context=shared.as_posix() if shared else "",
        shared_verification=checks.as_posix() if checks else "",
        files=files,
        compiling=_compiling(root),
        context_hash=hashed,
        verification_hash=tree_hash(
            tree_files(root / verification, root / checks if checks else None)
        ),
        revision=revision,
        epoch=epoch,
    )


def tree_hash(files: Mapping[str, str]) -> str:
    """Return the SHA-256 over the path and digest of every file."""
    lines = "".join(f"{digest} {name}\n" for name, digest in files.items())
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def tree_files(folder: Path, shared: Path | None = None) -> dict[str, str]:
    """Return, by path, the SHA-256 of mode and content of every file that a build is sent.

    Those of the folder ``shared`` have its name before their path, and are only those that the
    Dockerfile takes, where it lets that be known.
    """
    return _files(_parts(folder, shared))


def _files(parts: list[_Part]) -> dict[str, str]:
    found = {}
    for part in parts:
        paths = [*(part.folder / name for name in part.own), *matching(part.folder, part.patterns)]
        for path in paths:
            name = path.relative_to(part.folder).as_posix()
            found[f"{part.prefix}{name}"] = _file_digest(path)
    return found


def _parts(folder: Path, shared: Path | None) -> list[_Part]:
    patterns = patterns_of(folder)
    parts = [_Part(folder=folder, own=("Dockerfile", NAME), patterns=patterns)]
    if shared:
        narrowed = _narrowed(shared, (folder / "Dockerfile").read_text("utf-8"), patterns)
        parts.append(_Part(folder=shared, own=(NAME,), patterns=narrowed, prefix=f"{SHARED}/"))
    return parts


def _narrowed(shared: Path, dockerfile: str, own: tuple[str, ...]) -> tuple[str, ...]:
    """Return patterns of what counts of ``shared``: what ``dockerfile`` takes, or all of it.

    docker-build looks for the files of the ``own`` allow-list in every context and builds when one
    changed (its version 0.0.22), so those count as well.
    """
    patterns = patterns_of(shared)
    places = taken(dockerfile, SHARED)
    # A link that is taken brings along what it leads to.
    if places is None or any(path.is_symlink() for path in matching(shared, patterns)):
        return patterns
    return within(patterns, [*places, *heads(own)])


def _compiling(root: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that makes wheels; none where no image has any made."""
    folder = root / _WHEELS
    if not (folder / "Dockerfile").is_file():
        return {}
    patterns, context = patterns_of(folder, OF_DOCKERFILE), root / _COMPILING
    # A reason names the context's files by their paths in it, like the others of ``shared``.
    own = {f"{SHARED}/{folder.name}/{n}": folder / n for n in ("Dockerfile", OF_DOCKERFILE)}
    sent = {f"{SHARED}/{p.relative_to(context).as_posix()}": p for p in matching(context, patterns)}
    return {name: _file_digest(path) for name, path in sorted({**own, **sent}.items())}


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
    text = (root / folder / "Dockerfile").read_text("utf-8")
    if not re.search(rf"\bfrom={SHARED}\b", text):
        return None
    return Path("assets") / SHARED / folder.name


def _revision(root: Path, place: str, parts: list[_Part], hashed: str) -> tuple[str, int]:
    """Return the commit that last touched what ``parts`` hold, and its time.

    It is that of the patterns and not of the files, for what a commit took away is a change too.
    """
    wanted = [
        spec
        for part in parts
        for spec in pathspecs(part.folder.relative_to(root), (*part.own, *part.patterns))
    ]
    commit = last_commit(root, place, wanted)
    if commit.clean:
        return commit.revision, commit.epoch
    # One edit after the other is another image, which its label says too. What changes in a
    # named context alone, docker-build does not see (measured on 0.0.22).
    return f"{commit.label}-{hashed.removeprefix('sha256:')[:12]}", commit.epoch
