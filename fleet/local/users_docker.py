"""The user's own Docker configuration, which is read and never written."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fleet.console import TroubleError
from fleet.local.paths import Checkout

CONFIG: Final = "config.json"
CONTEXTS: Final = "contexts"
DEFAULT: Final = "default"
"""The context that needs no file: the engine on its default socket."""


def folder(checkout: Checkout, env: Mapping[str, str]) -> Path:
    """Return the user's Docker configuration, also where ``make env`` has put ours before it."""
    named = env.get("DOCKER_CONFIG")
    return Path(named) if named and not checkout.holds(named) else Path.home() / ".docker"


def values(path: Path) -> dict[str, Any]:
    """Return the JSON object in the file at ``path``, empty where none can be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def context_folder(configuration: Path, name: str) -> Path:
    """Return where the context ``name`` lies: Docker keeps it by the digest of its name."""
    return configuration / CONTEXTS / "meta" / hashlib.sha256(name.encode()).hexdigest()


def endpoint(configuration: Path, env: Mapping[str, str]) -> str:
    """Return the endpoint that ``env`` or the context in use names; empty for Docker's default.

    Docker's client goes by DOCKER_HOST, DOCKER_CONTEXT and ``currentContext``, in this order.

    :raises TroubleError: when there is no such context, as Docker's client refuses it too.
    """
    if env.get("DOCKER_HOST"):
        return env["DOCKER_HOST"]
    current = values(configuration / CONFIG).get("currentContext")
    name = env.get("DOCKER_CONTEXT") or str(current or DEFAULT)
    if name == DEFAULT:
        return ""
    known = values(context_folder(configuration, name) / "meta.json")
    host = known.get("Endpoints", {}).get("docker", {}).get("Host", "")
    if not host:
        raise TroubleError(
            f"the Docker context {name} in use is not in {configuration}; DOCKER_CONTEXT or docker "
            "context use names another"
        )
    return str(host)
