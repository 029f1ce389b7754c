"""The Docker engine that has the containers and volumes of a checkout, kept in its state."""

import json
import secrets
from pathlib import Path
from typing import Any, Final

from fleet.local import private_files, users_docker
from fleet.local.paths import Checkout

_FILE: Final = "docker-engine.json"


def endpoint(checkout: Checkout) -> str:
    """Return the engine's endpoint; empty where registry and builder are no containers."""
    return str(_known(checkout).get("endpoint", ""))


def identity(checkout: Checkout) -> str:
    """Return what the names of this checkout's containers and volumes have in common.

    It is made once and moves with the checkout. The same path may be that of another checkout, in
    another container of the same engine; a copy of the checkout gets one of its own.
    """
    known = _known(checkout)
    if not known.get("id"):
        known = {"id": secrets.token_hex(6), "endpoint": ""}
        _write(checkout, known)
    return str(known["id"])


def write(checkout: Checkout, found: str) -> None:
    """Remember the endpoint ``found`` before anything is made there."""
    _write(checkout, {"id": identity(checkout), "endpoint": found})


def _write(checkout: Checkout, values: dict[str, Any]) -> None:
    private_files.write(_path(checkout.root), json.dumps(values | {"root": str(checkout.root)}))


def _known(checkout: Checkout) -> dict[str, Any]:
    """Return what is on record, nothing where it is that of the checkout that this is a copy of."""
    known = users_docker.values(_path(checkout.root))
    written_at = known.get("root", "")
    if written_at not in ("", str(checkout.root)):
        other = users_docker.values(_path(Path(written_at)))
        if other.get("id") == known.get("id"):
            return {}
    return known


def _path(root: Path) -> Path:
    return root / ".fleet" / _FILE
