"""runc for a Docker engine on a machine whose root lacks CAP_SYS_RESOURCE.

A privileged container, and a process in it, is to have every capability that the kernel knows, and
does not start where root itself has one less. BuildKit has no use for this one.
"""

import itertools
import json
import os
import sys
from pathlib import Path


def _edit(path: Path) -> None:
    given = json.loads(path.read_text())
    kinds = given.get("process", given).get("capabilities") or {}
    kinds |= {kind: [n for n in names if n != "CAP_SYS_RESOURCE"] for kind, names in kinds.items()}
    path.write_text(json.dumps(given))


for flag, value in itertools.pairwise(sys.argv):
    if flag in ("--bundle", "--process"):
        _edit(Path(value, "config.json") if flag == "--bundle" else Path(value))
os.execvp("runc", ["runc", *sys.argv[1:]])  # noqa: S606 - as it was called
