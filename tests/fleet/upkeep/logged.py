"""A distribution registry whose own log tells every request."""

import json
import re
from typing import Protocol

from tests.engine.registries import Distribution

_REQUEST = re.compile(r"http\.request\.method=(\S+) .*http\.request\.uri=\"?([^\s\"]+)")


class LoggedDistribution(Distribution):
    """Distribution that logs the requests that it answered."""

    def requests(self) -> list[str]:
        """Return `METHOD uri` of every request since the start, in the order of answers."""
        lines = (self.root / "registry.log").read_text().splitlines()
        found = (_REQUEST.search(line) for line in lines if "response completed" in line)
        return [f"{match[1]} {match[2]}" for match in found if match]

    def _configuration(self) -> str:
        fields = json.loads(super()._configuration())
        fields["log"]["level"] = "info"
        return json.dumps(fields)


class Logged(Protocol):
    """A registry that tells what reached it."""

    def requests(self) -> list[str]:
        """Return `METHOD uri` of every request since the start."""


class Requests:
    """The requests of a registry from now on."""

    def __init__(self, registry: Logged) -> None:
        self._registry = registry
        self._from = len(registry.requests())

    def writes(self) -> list[str]:
        """Return the requests that are not reads; fail where there was no request at all."""
        lines = self._registry.requests()[self._from :]
        assert lines, "the registry logged no request"
        return [line for line in lines if not line.startswith(("GET ", "HEAD "))]
