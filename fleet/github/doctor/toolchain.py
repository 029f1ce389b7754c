"""The engine: whether workflows may download it, or have to build it."""

from collections.abc import Iterator
from pathlib import Path

from fleet.declaration.github import GitHub
from fleet.github.doctor.finding import Finding, note, ok
from fleet.local.toolchain import published


def look(root: Path, github: GitHub) -> Iterator[Finding]:
    """Yield whether the archives that a job needs are recorded for its runner."""
    machine = (github.architecture or "linux/amd64").removeprefix("linux/")
    wanted = map(published.name_of, published.addresses(("linux", machine)))
    known = published.recorded(root)
    lacking = [name for name in wanted if name not in known]
    if lacking:
        yield note(
            f"toolchain: no SHA-256 is recorded of {', '.join(lacking)}, so each job builds this "
            "from Go modules, for which its runner needs Go 1.26, or 1.21 that may fetch it",
            "Run make checksums where get.pulumi.com can be reached, compare the result with the "
            f"releases on GitHub, and commit {published.RECORDED}",
        )
    else:
        yield ok("toolchain: the engine and its plugins are downloaded, and checked by SHA-256")
