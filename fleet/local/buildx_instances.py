"""Builders as buildx keeps them: an instance file each, read by every buildx client.

The shape is that of ``NodeGroup`` in buildx's ``store/nodegroup.go`` (read at 0.35, which
pulumi-docker-build 0.0.22 embeds).
"""

import json
from pathlib import Path

from fleet.declaration.builder_nodes import KUBERNETES, Node


def path_of(buildx: Path, builder: str) -> Path:
    """Return the instance file: buildx keeps a builder by its name in lower case."""
    return buildx / "instances" / builder.lower()


def write(buildx: Path, builder: str, node: Node, *, called: str = "") -> None:
    """Describe ``builder`` to the buildx clients whose folder is ``buildx``.

    Its node is ``called`` so, by which a driver finds its container; by default as buildx does it.
    """
    path, text = path_of(buildx, builder), json.dumps(group(builder, node, called=called))
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def group(builder: str, node: Node, *, called: str = "") -> dict[str, object]:
    """Return the group of one node that ``docker buildx create --name BUILDER`` would write.

    Platforms stay empty: what a node can build, its daemon says itself.
    """
    only: dict[str, object] = {
        "Name": called or f"{builder}0",
        "Endpoint": _endpoint(builder, node),
        "Platforms": None,
        "DriverOpts": dict(node.options) or None,
        "Flags": None,
        "Files": None,
    }
    return {"Name": builder, "Driver": node.driver, "Nodes": [only], "Dynamic": False}


def _endpoint(builder: str, node: Node) -> str:
    if node.driver != KUBERNETES:
        return node.endpoint
    # With no kubeconfig named here, the client asks KUBECONFIG, and the cluster it runs in.
    return f"{KUBERNETES}:///{builder}?deployment={builder}0&kubeconfig="
