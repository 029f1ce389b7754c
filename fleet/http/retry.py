"""When a failed request is sent again, and how long to wait before that."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from fleet.http.errors import FailingError, LimitedError, UnreachableError
from fleet.http.message import Reply

# RFC 9110 section 15.6 and RFC 6585 section 4: conditions that may pass by themselves.
_TOO_MANY = 429
TRANSIENT = frozenset({_TOO_MANY, 500, 502, 503, 504})


Settled = Callable[[], Awaitable[Reply | None]]
"""Asked before a request is sent again: whether it took effect after all, and with which reply.

It raises where the request must not be repeated.
"""


async def unsettled() -> None:
    """Let a request be repeated."""


def retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110 section 10.2.3).

    Both forms are read, seconds and a date; None where the header is absent or malformed.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def failing(status: int, text: str) -> FailingError:
    """Return the error for an answer that may be another one later."""
    return LimitedError(text) if status == _TOO_MANY else FailingError(text)


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """At most `attempts` tries; waits double from `first` seconds, none longer than `longest`."""

    attempts: int = 5
    first: float = 0.5
    longest: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(
        self, send: Callable[[], Awaitable[Reply]], place: str, settled: Settled = unsettled
    ) -> Reply:
        """Send until the answer is final.

        :raises UnreachableError: if the connection fails at every try.
        :raises FailingError: if the server asks for a longer wait than `longest`.
        """
        for attempt in range(1, self.attempts + 1):
            outcome: Reply | UnreachableError
            try:
                outcome = await send()
                if outcome.status not in TRANSIENT:
                    return outcome
            except UnreachableError as error:
                outcome = error
            if attempt == self.attempts:
                break
            await self.sleep(self._wait(outcome, attempt, place))
            if (done := await settled()) is not None:
                return done
        if isinstance(outcome, Reply):
            return outcome
        raise outcome

    async def pause(self, attempt: int) -> None:
        """Wait after the try number `attempt`, which counts from 1."""
        await self.sleep(self._backoff(attempt))

    def _backoff(self, attempt: int) -> float:
        backoff = min(self.first * 2 ** (attempt - 1), self.longest)
        # Full jitter, so that resources which failed together do not return together.
        return random.uniform(backoff / 2, backoff)  # noqa: S311 - no secret depends on it

    def _wait(self, outcome: Reply | UnreachableError, attempt: int, place: str) -> float:
        jittered = self._backoff(attempt)
        if not isinstance(outcome, Reply):
            return jittered
        asked = retry_after(outcome.headers.get("Retry-After", ""), datetime.now(UTC))
        if asked is None:
            return jittered
        if asked > self.longest:
            text = f"{place}: the server answered {outcome.status} and asks to wait {asked:.0f} s"
            raise failing(outcome.status, f"{text}; run again after that")
        return asked
