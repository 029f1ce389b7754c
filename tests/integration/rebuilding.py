"""Building again what the program built, with the plain BuildKit client and no cache at all."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.integration.workshop import Workshop

_LIMIT_SECONDS = 1800


def rebuilt(workshop: Workshop, image: dict[str, Any]) -> str:
    """Return the digest of a build of ``image``, the inputs of a docker-build Image.

    Caches that commands mount are emptied before: compiled wheels lie there.
    """
    root = workshop.root
    _buildctl(root, "prune", "--filter", "type==exec.cachemount")
    context = Path(image["context"]["location"])
    metadata = root / ".fleet" / "rebuilt.json"
    arguments = [
        *("build", "--no-cache", "--progress", "plain", "--frontend", "dockerfile.v0"),
        *("--local", f"context={context}", "--local", f"dockerfile={context}"),
        *("--opt", f"platform={image['platforms'][0]}", "--metadata-file", str(metadata)),
        *("--output", f"type=oci,dest={os.devnull},oci-mediatypes=true,rewrite-timestamp=true"),
    ]
    for name, value in image["buildArgs"].items():
        arguments += ["--opt", f"build-arg:{name}={value}"]
    for name, named in (image["context"].get("named") or {}).items():
        arguments += ["--local", f"{name}={named['location']}"]
        arguments += ["--opt", f"context:{name}=local:{name}"]
    _buildctl(root, *arguments)
    return str(json.loads(metadata.read_text())["containerimage.digest"])


def _buildctl(root: Path, *arguments: str) -> None:
    socket = f"unix://{root}/.fleet/run/buildkit.sock"
    done = subprocess.run(
        [str(root / ".fleet/bin/buildctl"), "--addr", socket, *arguments],
        cwd=root, capture_output=True, text=True, check=False, timeout=_LIMIT_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
