"""The errors of exchanges over HTTP: each names the place, what was seen and the remedy."""


class ReadableError(Exception):
    """An error for a person; its text is the whole message."""


class HttpError(ReadableError):
    """No request could be made, or the answer cannot be worked with."""


class UnreachableError(HttpError):
    """No complete answer came, so nothing is known of what the server holds.

    A server's own answer (a status, a denial, a malformed body) is never this error.
    """


class DeadlineError(UnreachableError):
    """A request did not end within its deadline, retries included."""


class FailingError(HttpError):
    """The server answered that it fails or is asked too much (5xx, 429): it may work later."""


class LimitedError(FailingError):
    """The server answered that it is asked too much (429)."""
