"""A declaration that follows releases, and the command that has it do so."""

from collections.abc import Mapping
from pathlib import Path

from fleet.cli.main import main

DECLARED = """\
# What shall be.
config:
  fleet:registry: registry.test/fleet
  fleet:builders: { linux/amd64: fleet }
  fleet:defaults:
    maintainer: multi-py
    platforms: [linux/amd64]
    pythons: ["3.9", "3.13"] # never 3.12
    bases: [slim]
  fleet:images:
    server:
      source: https://github.com/multi-py/server
      package: gunicorn # the one below
      releases: { max-versions: 3 }
      versions: ["22.0.0", "23.0.0", "27.0.0"]
      exclude:
        # What upstream says.
        - { python: "3.9", version: "27.0.0", because: needs Python 3.10 }
    web:
      source: https://github.com/multi-py/web
      package: uvicorn
      requires: [h11]
      # Kept by hand.
      versions: ["0.34.0"]
"""
FOLLOWED = """\
    server:
      source: https://github.com/multi-py/server
      package: gunicorn # the one below
      releases: { max-versions: 3 }
      versions: ["23.0.0", "27.0.0", "27.0.1"]
      exclude:
        # What upstream says.
        - { python: "3.9", version: "27.0.0", because: needs Python 3.10 }
        - { python: "3.9", version: "27.0.1", because: needs Python 3.10 }
    web:
"""
CYCLE = "      python-releases: { retire: at end of life }\n"


def declare(root: Path, text: str) -> None:
    (root / "Pulumi.prod.yaml").write_text(text)


def run(root: Path) -> int:
    return main(["versions", "--stack", "prod", "--root", str(root)])


def held(root: Path) -> Mapping[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
