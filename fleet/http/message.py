"""A request and its complete answer."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

import httpx


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request; `limit` bytes bound the answer's body, `deadline` seconds all of the exchange.

    With a `limit` of 0, no body is read. `scopes` are what an authorization has to be good for, for
    whoever finds one. `owner` is an address of the server whose authorization may go along, where a
    server named the URL.
    `content` is bytes, or a function that starts their stream at each try.
    """

    method: str
    url: str
    scopes: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | Callable[[], AsyncIterator[bytes]] | None = field(default=None, repr=False)
    limit: int = 64 * 1024
    deadline: float | None = None
    owner: str = ""

    @property
    def reads(self) -> bool:
        """True for a request that changes nothing."""
        return self.method in {"GET", "HEAD"}

    @property
    def place(self) -> str:
        """Method and address without the query, for messages."""
        return f"{self.method} {self.url.partition('?')[0]}"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A complete answer."""

    status: int
    headers: httpx.Headers
    body: bytes
