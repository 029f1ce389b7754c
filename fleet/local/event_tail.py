"""The engine's event log, read while the engine writes it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO


class EventTail:
    """Reads what a log has more than at the last look; a line that has no end yet is left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._begun = b""

    def close(self) -> None:
        """Close the log."""
        if self._file:
            self._file.close()

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the events that came; what is not one is the report's to complain about."""
        if self._file is None:
            if not self._path.exists():
                return
            self._file = self._path.open("rb")
        *lines, self._begun = (self._begun + self._file.read()).split(b"\n")
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event
