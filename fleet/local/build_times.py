"""The seconds that builds took, kept beside the state of this machine: what a run may take."""

import json
from collections.abc import Mapping
from pathlib import Path

from fleet.local.paths import Checkout


def read(checkout: Checkout) -> dict[str, float]:
    """Return the seconds of each build by its name; none where none are known or readable."""
    try:
        found = json.loads(_path(checkout).read_text(encoding="utf-8"))
        return {str(name): float(seconds) for name, seconds in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def add(checkout: Checkout, took: Mapping[str, float]) -> None:
    """Keep what builds of a run took; a file that can't be written costs no run."""
    if took:
        try:
            text = json.dumps({**read(checkout), **took}, indent=0)
            _path(checkout).write_text(text, encoding="utf-8")
        except OSError:
            return


def _path(checkout: Checkout) -> Path:
    return checkout.state / "build-times.json"
