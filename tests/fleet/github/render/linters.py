"""What judges workflows: run on files in a scratch repository, for the tools look for one."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_BIN = Path(sys.executable).parent


class Judged(NamedTuple):
    """The end of a judge, and its output."""

    code: int
    printed: str


def lay(root: Path, files: Mapping[str, str]) -> Path:
    """Write the files of a repository."""
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def zizmor(root: Path, persona: str = "pedantic") -> Judged:
    """Audit everything in a repository as strictly as `persona`, without asking GitHub."""
    flags = [
        f"--persona={persona}",
        "--offline",
        "--no-progress",
        "--no-config",
        "--strict-collection",
    ]
    return run([str(_BIN / "zizmor"), *flags, "."], root)


def schemas(root: Path) -> list[Judged]:
    """Compare workflows and Dependabot's file with GitHub's schemas, which the tool brings."""
    workflows = sorted(map(str, (root / ".github/workflows").iterdir()))
    return [
        run([str(_BIN / "check-jsonschema"), "--builtin-schema", schema, *paths], root)
        for schema, paths in (
            ("vendor.github-workflows", workflows),
            ("vendor.dependabot", [".github/dependabot.yml"]),
        )
    ]


def actionlint(program: Path, root: Path) -> Judged:
    """Check the workflows of a repository, and their scripts by shellcheck.

    Of labels it knows those of GitHub's own runners; others are told it.
    """
    config = root / "actionlint.yaml"
    config.write_text("self-hosted-runner: {labels: [big, small]}\n")
    told = ["-config-file", str(config), "-shellcheck", str(_BIN / "shellcheck"), "-pyflakes="]
    return run([str(program), *told], root)


def run(argv: list[str], root: Path) -> Judged:
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
    return Judged(done.returncode, done.stdout + done.stderr)
