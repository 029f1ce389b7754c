"""Random faults that a seed decides, whatever order parallel requests come in."""

import random
import re
import threading
from collections import Counter

from tests.faults.proxy import Fault

# A removal by overwriting is what a registry without tag deletion asks for.
_NO_TAG_DELETION = Fault(kind="status", status=405)
_ANYWHERE = (
    Fault(kind="status", status=429, retry_after="1"),
    Fault(kind="status", status=500),
    Fault(kind="status", status=502),
    Fault(kind="status", status=503, retry_after="2"),
    Fault(kind="unauthorized"),
    Fault(kind="reset"),
    Fault(kind="reset-after"),
    Fault(kind="truncate"),
    Fault(kind="other-digest"),
)
# Of a request while faults strike: what stalls costs a test as much.
DEADLINE_SECONDS = 2.0
# Where nothing stalls, so that a machine that is busy with other work fails no request.
CALM_DEADLINE_SECONDS = 60.0
_SLOW = (Fault(kind="stall"), Fault(kind="drip"))
_READING = (Fault(kind="other-body"), Fault(kind="truncate"))
NOT_FOUND = Fault(kind="status", status=404)
LISTING = (
    Fault(kind="stale-list"),
    Fault(kind="list", body=b'{"tags":[]}'),
    Fault(kind="list", body=b'{"tags":null}'),
    Fault(kind="list", body=b'{"tags":["py3'),
    NOT_FOUND,
)


class Chaos:
    """A schedule for a proxy: none, random, one thing always, or the end from one request on.

    `struck` is set when that request comes. `deletes_tags` false lets the registry refuse the
    deletion of tags, but not of digests.
    """

    def __init__(self, seed: str, *, deletes_tags: bool = True) -> None:
        self.seed = seed
        self.rate = 0.0
        self.kill_at = -1
        self.kill_after_effect = False
        self.killed = False
        self.struck = threading.Event()
        self._misled: tuple[str, Fault] | None = None
        self._deletes_tags = deletes_tags
        self._count = 0
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def calm(self) -> None:
        """Let every request pass."""
        self.rate, self.kill_at, self.killed, self._misled = 0.0, -1, False, None
        self.struck.clear()

    def rage(self, rate: float) -> None:
        """Let a share of the requests fail."""
        self.calm()
        self.rate = rate

    def doom(self, kill_at: int, *, after_effect: bool) -> None:
        """Cut everything off from the request of this number on, counted from now.

        With `after_effect` that request itself is still carried out.
        """
        self.calm()
        self._count, self.kill_at, self.kill_after_effect = 0, kill_at, after_effect

    def mislead(self, pattern: str, fault: Fault) -> None:
        """Let every request whose `METHOD path` matches fail alike: a registry that is sure."""
        self.calm()
        self._misled = (pattern, fault)

    def __call__(self, line: str) -> Fault | None:
        with self._lock:
            self._count += 1
            self._seen[line] += 1
            if self.killed:
                return Fault(kind="reset")
            if self._count - 1 == self.kill_at:
                self.killed = True
                self.struck.set()
                return Fault(kind="reset-after" if self.kill_after_effect else "reset")
            return self._random(line) or self._lasting(line)

    def _lasting(self, line: str) -> Fault | None:
        if self._misled is not None and re.search(self._misled[0], line):
            return self._misled[1]
        by_tag = line.startswith("DELETE") and "/manifests/sha256:" not in line
        return _NO_TAG_DELETION if by_tag and not self._deletes_tags else None

    def _random(self, line: str) -> Fault | None:
        draw = random.Random(f"{self.seed} {line} {self._seen[line]}")  # noqa: S311 - replayable
        listing = line.endswith("/tags/list")
        # Lists are few, and a wrong one is what could do most harm.
        if draw.random() >= self.rate * (4 if listing else 1):
            return None
        if draw.random() < 0.03:
            return draw.choice(_SLOW)
        if listing:
            return draw.choice((*_ANYWHERE, *LISTING, *LISTING))
        if line.startswith("GET"):
            return draw.choice((*_ANYWHERE, *_READING))
        return draw.choice(_ANYWHERE)
