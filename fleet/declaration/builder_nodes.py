"""The nodes behind the builders: BuildKit beyond this machine, declared by builder name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fleet.declaration.config_reader import Fault, Reader, one_of
from fleet.declaration.node_validators import (
    CLOUD,
    ENDPOINTS,
    INSTEAD,
    KEY_OPTIONS,
    OPTIONS,
    REMOTE,
    name_fault,
)

_KEYS = ("driver", "endpoint", "options")
# Narrower than `is_loopback`: where *.localhost leads, the builder's own resolver decides.
_LOOPBACK = re.compile(r"tcp://(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]):")
_UNUSED = Fault("no platform is built on it", "Name it under fleet:builders, or remove it")


@dataclass(frozen=True, kw_only=True)
class Node:
    """Where a builder builds: the driver that reaches it, its address, and the driver's options.

    ``endpoint`` is ``tcp://host:port`` or ``unix:///path`` for ``remote``, a Docker engine for
    ``docker-container``, and empty for the others: ``kubernetes`` takes the cluster that
    ``KUBECONFIG`` names, ``cloud`` the builder that Docker's own buildx made. ``options`` are
    buildx's, as text; files are paths on the machine that runs.
    """

    driver: str
    endpoint: str
    options: Mapping[str, str]

    @property
    def foreign(self) -> bool:
        """Whether only a ``docker buildx`` on the machine knows the driver."""
        return self.driver == CLOUD


def nodes(reader: Reader, builders: Mapping[str, str]) -> Mapping[str, Node]:
    """Return the nodes at ``builder-nodes`` by the name of their builder.

    ``builders`` maps each platform to a builder's name. A fault is noted in ``reader``'s problems
    and yields no exception; so is a node that no platform is built on.
    """
    inner = reader.inner("builder-nodes")
    used = set(builders.values())
    found = {}
    for key, entry in inner.values.items():
        name = str(key)
        fault = name_fault(name) or (_UNUSED if name not in used else None)
        if fault:
            inner.note(name, *fault)
        if isinstance(entry, Mapping):
            found[name] = _node(Reader(path=inner.at(name), values=entry, problems=inner.problems))
        else:
            inner.note(name, "is not a mapping", "Write driver and endpoint below its name")
    return found


def _node(reader: Reader) -> Node:
    reader.only(_KEYS)
    driver = reader.text("driver", one_of(OPTIONS, "driver"))
    node = Node(driver=driver, endpoint=_endpoint(reader, driver), options=_options(reader, driver))
    if driver == REMOTE and isinstance(reader.values.get("options", {}), Mapping):
        _note_tls_faults(reader, node)
    return node


def _endpoint(reader: Reader, driver: str) -> str:
    rule = ENDPOINTS.get(driver)
    if rule:
        return reader.text("endpoint", rule)
    if driver and "endpoint" in reader.values:
        what = f"the driver {driver} takes no endpoint"
        reader.note("endpoint", what, f"Remove it; {INSTEAD[driver]}")
    return ""


def _options(reader: Reader, driver: str) -> dict[str, str]:
    rules = OPTIONS.get(driver)
    if rules is None:  # which options there are, only a known driver says
        return {}
    inner = reader.inner("options")
    if rules:
        inner.only(rules)
    elif inner.values:
        what = f"the driver {driver} takes no options here"
        reader.note("options", what, f"Remove them; {INSTEAD[driver]}")
    return {key: inner.text(key, rules[key]) for key in rules if key in inner.values}


def _note_tls_faults(reader: Reader, node: Node) -> None:
    """Note what buildx would refuse at the first build, and a daemon that is open to everybody."""
    lacking = sorted({*KEY_OPTIONS} - node.options.keys())
    if node.endpoint.startswith("unix:"):
        if node.options:
            reader.note("options", "a socket needs no TLS", "Remove the options")
    elif node.endpoint and lacking and (node.options or not _LOOPBACK.match(node.endpoint)):
        what = f"{', '.join(lacking)} is missing: whoever reaches a BuildKit port builds as root"
        reader.note("options", what, "Name the certificates, or a port of 127.0.0.1")
