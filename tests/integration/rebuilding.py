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
    metadata = root / ".fleet" / "rebuilt.json"
    _buildctl(
        root,
        *_build(image, image["buildArgs"]),
        *("--metadata-file", str(metadata)),
        *("--output", f"type=oci,dest={os.devnull},oci-mediatypes=true,rewrite-timestamp=true"),
    )
    return str(json.loads(metadata.read_text())["containerimage.digest"])


def refused(workshop: Workshop, image: dict[str, Any], stage: str, **arguments: str) -> str:
    """Return what was printed by a build of a ``stage`` of ``image`` that fails, as it has to."""
    given = {**image["buildArgs"], **arguments}
    done = _called(workshop.root, *_build(image, given), "--opt", f"target={stage}")
    assert done.returncode
    return done.stderr


def _buildctl(root: Path, *arguments: str) -> None:
    done = _called(root, *arguments)
    assert done.returncode == 0, done.stderr[-4000:]


def _build(image: dict[str, Any], given: dict[str, str]) -> list[str]:
    """Return the words of a build of ``image`` with the build arguments in ``given``."""
    context = Path(image["context"]["location"])
    words = [
        *("build", "--no-cache", "--progress", "plain", "--frontend", "dockerfile.v0"),
        *("--local", f"context={context}", "--local", f"dockerfile={context}"),
        *("--opt", f"platform={image['platforms'][0]}"),
    ]
    for name, value in given.items():
        words += ["--opt", f"build-arg:{name}={value}"]
    for name, named in (image["context"].get("named") or {}).items():
        words += ["--local", f"{name}={named['location']}"]
        words += ["--opt", f"context:{name}=local:{name}"]
    return words


def _called(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    socket = f"unix://{root}/.fleet/run/buildkit.sock"
    return subprocess.run(
        [str(root / ".fleet/bin/buildctl"), "--addr", socket, *arguments],
        cwd=root, capture_output=True, text=True, check=False, timeout=_LIMIT_SECONDS,
        # The registry's login: base images are pulled with it.
        env={**os.environ, "DOCKER_CONFIG": str(root / ".fleet/docker")},
    )  # fmt: skip
