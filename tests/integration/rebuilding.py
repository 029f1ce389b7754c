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
    _checked(workshop.root, "prune", "--all")


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
    _checked(
        root,
        *_build(image, {**image["buildArgs"], **arguments}),
        *("--metadata-file", str(metadata), "--output", output),
    )
    return str(json.loads(metadata.read_text())["containerimage.digest"])


def refused(workshop: Workshop, image: dict[str, Any], **arguments: str) -> str:
    """Return what was printed by a build of ``image`` that fails, as it has to."""
    done = buildctl(workshop.root, *_build(image, {**image["buildArgs"], **arguments}))
    assert done.returncode
    return done.stderr


def _checked(root: Path, *arguments: str) -> None:
    done = buildctl(root, *arguments)
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


def buildctl(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Call BuildKit's client for the builder of the checkout in ``root``."""
    socket = f"unix://{root}/.fleet/run/buildkit.sock"
    return subprocess.run(
        [str(root / ".fleet/bin/buildctl"), "--addr", socket, *arguments],
        cwd=root, capture_output=True, text=True, check=False, timeout=_LIMIT_SECONDS,
        env={
            **os.environ,
            # The registry's login: base images are pulled with it.
            "DOCKER_CONFIG": str(root / ".fleet/docker"),
            # It fails where its traces are not delivered 50 ms after a build, whatever became of
            # that (buildkit v0.31, cmd/buildctl/common/trace.go); a busy machine takes longer.
            "OTEL_TRACES_SAMPLER": "always_off",
        },
    )  # fmt: skip
