"""Asset folders: what counts of them, what it hashes to, and which commit touched it last."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleet.checkout.dockerignore import NAME, OF_DOCKERFILE, matching, pathspecs, patterns_of
from fleet.checkout.git import last_commit
from fleet.plan.plan_inputs import Assets

SHARED = "shared"
"""The folder in assets/, and the named context of a build, that images have in common."""

_WHEELS = Path("assets") / SHARED / "wheels"
_COMPILING = Path("assets") / SHARED / "image"
"""The context in which wheels are made."""


@dataclass(frozen=True, kw_only=True)
class _Part:
    """Build inputs in one folder: ``own`` ones by name, and what ``patterns`` admit.

    Its files have ``prefix`` before their paths.
    """

    folder: Path
    own: tuple[str, ...]
    patterns: tuple[str, ...]
    prefix: str = ""


def read_assets(root: Path, image: str) -> Assets | None:
    """Return the asset folders of ``image`` below ``root``, or ``None`` where they lack.

    A folder without a Dockerfile is built with the one that images share.

    :raises DeclarationError: when a folder has no allow-list, or the clone is too shallow to tell
        which commit touched it last.
    """
    folder = Path("assets") / image
    context, verification = _source(root, folder / "image"), _source(root, folder / "verify")
    if context is None or verification is None:
        return None
    parts = _parts(root, context)
    files = _files(parts)
    hashed = _tree_hash(files)
    revision, epoch = _revision(root, context.folder.as_posix(), parts, hashed)
    return Assets(
        context=context.folder.as_posix(),
        verification=verification.folder.as_posix(),
        dockerfile=context.dockerfile.as_posix(),
        verification_dockerfile=verification.dockerfile.as_posix(),
        shared_context=context.named,
        shared_verification=verification.named,
        files=files,
        compiling=_compiling(root),
        context_hash=hashed,
        verification_hash=_tree_hash(_files(_parts(root, verification))),
        revision=revision,
        epoch=epoch,
    )


@dataclass(frozen=True, kw_only=True)
class _Source:
    """A folder that is built, its Dockerfile, and what both share with others: ``shared``.

    Paths are relative to the checkout. ``takes`` tells whether the Dockerfile copies from
    ``shared``: an image that does without must not be rebuilt because another's files changed.
    """

    folder: Path
    shared: Path
    dockerfile: Path
    takes: bool

    @property
    def named(self) -> str:
        """The folder of the named context, empty where there is none."""
        return self.shared.as_posix() if self.takes else ""


def _source(root: Path, folder: Path) -> _Source | None:
    shared = Path("assets") / SHARED / folder.name
    own, common = folder / "Dockerfile", shared / "Dockerfile"
    dockerfile = own if (root / own).is_file() else common
    if not ((root / folder).is_dir() and (root / dockerfile).is_file()):
        return None
    takes = bool(re.search(rf"\bfrom={SHARED}\b", (root / dockerfile).read_text("utf-8")))
    return _Source(folder=folder, shared=shared, dockerfile=dockerfile, takes=takes)


def _tree_hash(files: Mapping[str, str]) -> str:
    """Return the SHA-256 over the path and digest of every file."""
    lines = "".join(f"{digest} {name}\n" for name, digest in files.items())
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def _files(parts: list[_Part]) -> dict[str, str]:
    """Return, by path, the SHA-256 of mode and content of every file that a build is sent.

    Those of the folder ``shared`` have its name before their path.
    """
    found = {}
    for part in parts:
        paths = [*(part.folder / name for name in part.own), *matching(part.folder, part.patterns)]
        for path in paths:
            name = path.relative_to(part.folder).as_posix()
            found[f"{part.prefix}{name}"] = _file_digest(path)
    return found


def _parts(root: Path, source: _Source) -> list[_Part]:
    folder, shared = root / source.folder, root / source.shared
    at_home = source.dockerfile.parent == source.folder
    here: tuple[str, ...] = ("Dockerfile", NAME)
    there: tuple[str, ...] = (NAME,)
    if not at_home:
        here, there = there, here
    parts = [_Part(folder=folder, own=here, patterns=patterns_of(folder))]
    if source.takes or not at_home:
        patterns = patterns_of(shared)
        parts.append(_Part(folder=shared, own=there, patterns=patterns, prefix=f"{SHARED}/"))
    return parts


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
