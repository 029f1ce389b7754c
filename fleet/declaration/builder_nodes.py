"""The nodes behind the builders: BuildKit beyond this machine, declared by builder name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fleet.declaration.problems import Problems

EMBEDDED: Final = "fleet"
"""The builder that is started on this machine; every other one is declared or the user's own."""

REMOTE: Final = "remote"
CONTAINER: Final = "docker-container"
KUBERNETES: Final = "kubernetes"
CLOUD: Final = "cloud"

KEY_OPTIONS: Final = ("cacert", "cert", "key")
"""The options of a remote node that name the files of its certificates: all of them, or none."""

# Narrower than `fleet.http.addresses.is_loopback`: where *.localhost leads, the builder's own
# resolver decides.
_LOCAL_DAEMON = re.compile(r"tcp://(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]):")


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node of a builder: the driver that reaches it, its address, and the driver's options.

    ``endpoint`` is ``tcp://host:port`` or ``unix:///path`` for ``remote``, a Docker engine for
    ``docker-container``, and empty for the others: ``kubernetes`` takes the cluster that
    ``KUBECONFIG`` names, ``cloud`` the builder that Docker's own buildx made. ``options`` are
    those that buildx 0.35 takes (driver/*/factory.go), as text, but for what says nothing about a
    build that is pushed (default-load) and variables of the daemon, which may hold secrets (env.*).
    Files are paths on the machine that runs.
    """

    driver: str
    endpoint: str
    options: Mapping[str, str]

    @property
    def foreign(self) -> bool:
        """True if only a ``docker buildx`` on the machine knows the driver."""
        return self.driver == CLOUD


def parse_nodes(
    declared: Mapping[str, Any], builders: Mapping[str, str], problems: Problems
) -> dict[str, Node]:
    """Return the nodes by the name of their builder; one that no platform is built on is a problem.

    ``builders`` maps each platform to a builder's name.
    """
    found = {}
    for name, entry in declared.items():
        path, driver = f"fleet:builder-nodes.{name}", entry.get("driver", "")
        if name not in builders.values() and problems.is_sound(path):
            remedy = "Name it under fleet:builders, or remove it"
            problems.add(path, "no platform is built on it", remedy)
        options = entry.get("options", {}) if driver else {}
        node = Node(driver=driver, endpoint=entry.get("endpoint", ""), options=options)
        if driver == REMOTE and problems.is_sound(f"{path}.options"):
            _note_tls_faults(node, f"{path}.options", problems)
        found[name] = node
    return found


def _note_tls_faults(node: Node, path: str, problems: Problems) -> None:
    """Note what buildx would refuse at the first build, and a daemon that is open to everybody."""
    lacking = sorted({*KEY_OPTIONS} - node.options.keys())
    if node.endpoint.startswith("unix:"):
        if node.options:
            problems.add(path, "a socket needs no TLS", "Remove the options")
    elif node.endpoint and lacking and (node.options or not _LOCAL_DAEMON.match(node.endpoint)):
        what = f"{', '.join(lacking)} is missing: whoever reaches a BuildKit port builds as root"
        problems.add(path, what, "Name the certificates, or a port of 127.0.0.1")
