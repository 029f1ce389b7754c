"""Building again what the program built, with the plain BuildKit client and no cache at all."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.integration.workshop import Workshop

_LIMIT_SECONDS = 1800


def emptied(workshop: Workshop) -> None:
    """Take from the builder all that it has kept."""
    _buildctl(workshop.root, "prune", "--all")


def rebuilt(workshop: Workshop, image: dict[str, Any], **arguments: str) -> str:
    """Return the digest of a build of ``image``, the inputs of a docker-build Image.

    ``arguments`` take the place of its own build arguments.
    """
    root = workshop.root
    metadata = root / ".fleet" / "rebuilt.json"
    # Where it goes has no part in the digest; what else the export says has.
    output = image["exports"][0]["raw"].replace(
        "type=image,push=true", f"type=oci,dest={os.devnull}"
    )
    _buildctl(
        root,
        *_build(image, {**image["buildArgs"], **arguments}),
        *("--metadata-file", str(metadata), "--output", output),
    )
    return str(json.loads(metadata.read_text())["containerimage.digest"])


def refused(workshop: Workshop, image: dict[str, Any], **arguments: str) -> str:
    """Return what was printed by a build of ``image`` that fails, as it has to."""
    done = _called(workshop.root, *_build(image, {**image["buildArgs"], **arguments}))
    assert done.returncode
    return done.stderr


def _buildctl(root: Path, *arguments: str) -> None:
    done = _called(root, *arguments)
    assert done.returncode == 0, done.stderr[-4000:]


def _build(image: dict[str, Any], given: dict[str, str]) -> list[str]:
    """Return the words of a build of ``image`` with the build arguments in ``given``."""
    context = Path(image["context"]["location"])
    dockerfile = Path(image["dockerfile"]["location"]).parent
    words = [
        *("build", "--no-cache", "--progress", "plain", "--frontend", "dockerfile.v0"),
        *("--local", f"context={context}", "--local", f"dockerfile={dockerfile}"),
        *("--opt", f"platform={','.join(image['platforms'])}"),
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
