"""The Docker engine that has the containers and volumes of a checkout, kept in its state."""

import json
from pathlib import Path

from fleet.local import private_files, users_docker
from fleet.local.paths import Checkout


def endpoint(checkout: Checkout) -> str:
    """Return the engine's endpoint; empty where registry and builder are no containers."""
    return str(users_docker.values(_path(checkout)).get("endpoint", ""))


def write(checkout: Checkout, found: str) -> None:
    """Remember the endpoint ``found`` before anything is made there; an empty one is nothing."""
    if found:
        private_files.write(_path(checkout), json.dumps({"endpoint": found}))


def _path(checkout: Checkout) -> Path:
    return checkout.state / "docker-engine.json"
