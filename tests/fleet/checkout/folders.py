"""Small checkouts with asset folders, and git to commit them."""

import subprocess
from pathlib import Path

from fleet.checkout.image_source import read_assets
from fleet.plan.plan_inputs import Assets


def folder(root: Path, ignore: str = "*\n!start.sh\n!app\n") -> Path:
    """Make the folders of the image ``web``; return the one that is built."""
    image = root / "assets/web/image"
    (image / "app").mkdir(parents=True)
    (image / "Dockerfile").write_text("FROM scratch\n")
    (image / ".dockerignore").write_text(ignore)
    (image / "start.sh").write_text("#!/bin/sh\n")
    (image / "app/main.py").write_text("app = None\n")
    (image / "notes.swp").write_text("draft")
    verify = root / "assets/web/verify"
    verify.mkdir()
    (verify / "Dockerfile").write_text("ARG IMAGE\nFROM ${IMAGE}\n")
    (verify / ".dockerignore").write_text("*\n!verify.py\n")
    return image


def write(path: Path, text: str = "text\n") -> Path:
    """Write a file and the folders that hold it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def git(root: Path, *arguments: str) -> str:
    """Return what git answers, as somebody with a name."""
    settings = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(root), *settings, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def committed(root: Path) -> str:
    """Commit all that there is, and return the commit."""
    if not (root / ".git").exists():
        git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "a change")
    return git(root, "rev-parse", "HEAD")


def assets(root: Path) -> Assets:
    """Return the folders of ``web`` as they are read."""
    found = read_assets(root, "web")
    assert found is not None
    return found
