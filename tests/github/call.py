"""One request to the stand-in for GitHub, and the answers that its parts give."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.registries.github import Answer

OWNER, NAME, ID = "team", "fleet", 4711
API = "https://api.github.com"
PLACE = f"{API}/repos/{OWNER}/{NAME}"
_BEGIN = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that the description allows: what its path and query say, and its body."""

    values: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


Handler = Callable[[Call], Answer]


@dataclass
class Clock:
    """Time that goes on by a second at each look."""

    seconds: int = 0

    def now(self) -> str:
        self.seconds += 1
        return (_BEGIN + timedelta(seconds=self.seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def answer(fields: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(fields).encode())


def error(status: int, message: str, documentation: str = "rest") -> Answer:
    url = f"https://docs.github.com/{documentation}"
    return answer({"message": message, "documentation_url": url, "status": str(status)}, status)


NOTHING = Answer(204)
