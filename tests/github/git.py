"""A branch of a repository: files with the hashes that git gives them, and a list of commits."""

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit of one path; `content` is `None` where the path was deleted."""

    sha: str
    parent: str
    message: str
    name: str
    email: str
    path: str
    content: bytes | None


def blob_sha(content: bytes) -> str:
    """Return what `git hash-object` says of `content`."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324 - git's own


@dataclass
class Branch:
    """`files` are what the newest commit holds."""

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)

    @property
    def head(self) -> str:
        return self.commits[-1].sha if self.commits else "0" * 40

    def commit(
        self, path: str, content: bytes | None, message: str = "by hand", name: str = "Somebody"
    ) -> Commit:
        """Write `path`, or delete it; as on GitHub, equal content makes a commit all the same."""
        email = f"{name.lower().replace(' ', '-')}@example.org"
        return self.record(path, content, message, name, email)

    def record(
        self, path: str, content: bytes | None, message: str, name: str, email: str
    ) -> Commit:
        """Write `path` as the person that `name` and `email` say."""
        parts = (self.head, path, message, name, email, str(content))
        commit = Commit(
            sha=hashlib.sha1("\0".join(parts).encode()).hexdigest(),  # noqa: S324 - shaped as git's
            parent=self.head, message=message, name=name, email=email, path=path, content=content,
        )  # fmt: skip
        self.commits.append(commit)
        if content is None:
            del self.files[path]
        else:
            self.files[path] = content
        return commit
