"""What a declared node may be: its name, and by driver its endpoint and its options."""

import re
from collections.abc import Mapping
from typing import Final

from fleet.declaration.config_reader import Fault, Pattern, Rule, one_of

EMBEDDED: Final = "fleet"
"""The builder that is started on this machine; every other one is declared or the user's own."""

REMOTE: Final = "remote"
CONTAINER: Final = "docker-container"
KUBERNETES: Final = "kubernetes"
CLOUD: Final = "cloud"

KEY_OPTIONS: Final = ("cacert", "cert", "key")
"""The options of a remote node that name the files of its certificates: all of them, or none."""

_RESERVED = {EMBEDDED: "the embedded builder's", "default": "that of Docker's own builder"}
# What buildx accepts as the name of a builder (store/util.go), without what Kubernetes refuses in
# the name of the deployment that is made for it.
_NAME = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
_LONGEST_NAME = 50  # a Deployment's pods carry it as a label of at most 63, with suffixes

_FILE = Pattern(
    r"/[^\x00-\x1f\x7f]{1,255}",
    "is not an absolute path",
    "Write where the file lies on the machine that runs: /etc/buildkit/ca.pem",
)
_HOST_NAME = Pattern(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}", "is not a host name", "Write a DNS name")
_WHOLE = Pattern(r"[1-9][0-9]{0,8}", "is not a whole number", "Write digits alone, in quotes")
_SWITCH = one_of(("true", "false"), "switch")
_QUANTITY = Pattern(
    r"[0-9]+(?:\.[0-9]+)?(?:m|[kKMGTPE]i?|[bkmg])?",
    "is not a quantity",
    'Write it as Kubernetes or Docker does: "500m", "4Gi", "8g"',
)
_DURATION = Pattern(
    r"(?:[0-9]+(?:ms|s|m|h))+", "is not a duration", 'Write it with its unit: "300s" or "10m"'
)
_LABEL = Pattern(
    r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?",
    "is not a name of Kubernetes'",
    "Use lower-case letters, digits, - and .",
)
_WORD = Pattern(
    r"[A-Za-z0-9][A-Za-z0-9_.,:/-]{0,199}",
    "has a character that is not allowed here",
    "Use letters, digits and _ . , : / -",
)
_IMAGE = Pattern(
    r"[a-z0-9][A-Za-z0-9._:/@-]{0,254}",
    "is not an image reference",
    "Write it as moby/buildkit:v0.31.1, best with its digest",
)
_PAIRS = Pattern(
    r"[A-Za-z0-9_./-]+=[^,=\x00-\x1f\x7f]*(?:,[A-Za-z0-9_./-]+=[^,=\x00-\x1f\x7f]*)*",
    "is not a list of key=value",
    'Write it as "kubernetes.io/arch=arm64,pool=builds"',
)
_TOLERATION = r"(?:key|operator|value|effect|tolerationSeconds)=[A-Za-z0-9_./-]+"
_TOLERATIONS = Pattern(
    rf"{_TOLERATION}(?:[,;]{_TOLERATION})*",
    "is not a list of tolerations",
    'Write it as "key=builds,operator=Exists,effect=NoSchedule", several parted by ;',
)

# The options that buildx 0.35 takes (driver/*/factory.go), but for those that say nothing about a
# build which is pushed (default-load), and variables of the daemon, which may hold secrets (env.*).
OPTIONS: Final[Mapping[str, Mapping[str, Rule]]] = {
    REMOTE: {"cacert": _FILE, "cert": _FILE, "key": _FILE, "servername": _HOST_NAME},
    KUBERNETES: {
        "image": _IMAGE,
        "namespace": _LABEL,
        "replicas": _WHOLE,
        "requests.cpu": _QUANTITY,
        "requests.memory": _QUANTITY,
        "requests.ephemeral-storage": _QUANTITY,
        "limits.cpu": _QUANTITY,
        "limits.memory": _QUANTITY,
        "limits.ephemeral-storage": _QUANTITY,
        "persistent-volume-claim.requests.storage": _QUANTITY,
        "nodeselector": _PAIRS,
        "tolerations": _TOLERATIONS,
        "annotations": _PAIRS,
        "labels": _PAIRS,
        "serviceaccount": _LABEL,
        "schedulername": _LABEL,
        "rootless": _SWITCH,
        "loadbalance": one_of(("sticky", "random"), "way to spread builds"),
        "qemu.install": _SWITCH,
        "qemu.image": _IMAGE,
        "timeout": _DURATION,
    },
    CONTAINER: {
        "image": _IMAGE,
        "network": _WORD,
        "memory": _QUANTITY,
        "cpu-quota": _WHOLE,
        "cpu-period": _WHOLE,
        "cpu-shares": _WHOLE,
        "cpuset-cpus": _WORD,
        "restart-policy": _WORD,
    },
    CLOUD: {},
}
_PORT = r":(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_ADDRESS = r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])"
ENDPOINTS: Final[Mapping[str, Rule]] = {
    REMOTE: Pattern(
        rf"tcp://{_ADDRESS}{_PORT}|unix:///[^\x00-\x20\x7f]+",
        "is not an address of a BuildKit daemon",
        "Write tcp://host:port or unix:///path/of/the/socket",
    ),
    CONTAINER: Pattern(
        rf"ssh://[A-Za-z0-9._-]+@{_ADDRESS}(?:{_PORT})?|unix:///[^\x00-\x20\x7f]+|[A-Za-z0-9._-]+",
        "is not an address of a Docker engine",
        "Write ssh://user@host, unix:///path, or a name that `docker context ls` shows",
    ),
}
INSTEAD: Final[Mapping[str, str]] = {
    KUBERNETES: "the cluster is the one that KUBECONFIG names",
    CLOUD: "the builder is made by `docker buildx create --driver cloud ORGANISATION/BUILDER`",
}
"""What says where the drivers build that take no endpoint."""


def name_fault(name: str) -> Fault | None:
    """Tell what is wrong with the name of a builder that a node is declared for."""
    if name in _RESERVED:
        return Fault(f"this name is {_RESERVED[name]}", "Give the node another name")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        remedy = f"Use lower-case letters, digits and -, {_LONGEST_NAME} of them at most"
        return Fault("is not a name for a builder", remedy)
    return None
