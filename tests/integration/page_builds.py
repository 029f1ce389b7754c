"""Images that users build, by the Dockerfiles of an image's page and with a package index."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import yaml

from tests.integration.rebuilding import buildctl
from tests.integration.registry_view import Pulled
from tests.integration.workshop import Workshop

_INDEX_OPTIONS = ("index-url", "extra-index-url", "trusted-host")


def built(workshop: Workshop, dockerfile: str, context: Path, reference: str) -> Pulled:
    """Build the text of a Dockerfile in the folder ``context``, push it, and pull it again.

    Steps have the network of this machine, and so reach what it reaches.
    """
    repository, _, tag = reference.rpartition(":")
    (context / f"{tag}.Dockerfile").write_text(dockerfile)
    # What was built, and whether it was: the client may also fail afterwards.
    made = context / f"{tag}.json"
    done = buildctl(
        workshop.root,
        *("build", "--progress", "plain", "--frontend", "dockerfile.v0"),
        *("--local", f"context={context}", "--local", f"dockerfile={context}"),
        *("--opt", f"filename={tag}.Dockerfile", "--opt", "platform=linux/amd64"),
        # An index, also of one platform alone.
        *("--opt", "build-arg:BUILDKIT_MULTI_PLATFORM=1"),
        *(word for base in _stand_ins(workshop) for word in ("--opt", base)),
        *("--output", f"type=image,push=true,name={reference}"),
        *("--metadata-file", str(made)),
    )
    assert made.exists(), (
        f"{reference} was not built. If pip finds no package: this test needs PyPI, or the"
        f" index that pip is configured for here\n{done.stderr[-6000:]}"
    )
    registry, _, name = repository.rpartition("/")
    with closing(workshop.view(name, registry)) as view:
        (image,) = view.pull(json.loads(made.read_text())["containerimage.digest"])
    return image


def _stand_ins(workshop: Workshop) -> Iterator[str]:
    """Yield what has the builder take a stand-in where a Dockerfile names an official image.

    There are none where Docker Hub can be reached.
    """
    path = workshop.root / ".fleet/bases.yaml"
    found: dict[str, str] = yaml.safe_load(path.read_text()) or {} if path.exists() else {}
    for tag, reference in found.items():
        yield f"context:python:{tag.removesuffix('-full')}=docker-image://{reference}"


def index_options() -> list[str]:
    """Return the lines of a requirements file that name the index pip is configured for here."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    )
    # What the environment says comes last, and wins.
    settings = sorted(listed.stdout.splitlines(), key=lambda line: line.startswith(":env:"))
    found = {}
    for line in settings:
        name, _, value = line.partition("=")
        found[name.rpartition(".")[2]] = value.strip("'")
    return [f"--{name} {found[name]}" for name in _INDEX_OPTIONS if name in found]
