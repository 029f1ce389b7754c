"""JSON of a server."""

import json
from typing import Any

from fleet.http.errors import HttpError


class MalformedError(HttpError):
    """A body is not JSON, or not JSON that is worked with."""


def parse_json(body: str | bytes, what: str) -> Any:
    """Return the JSON document in `body`.

    :raises MalformedError: naming `what` it is, and never what it holds.
    """
    try:
        # Python's own NaN and Infinity are none of JSON's: no integer is written so.
        return json.loads(body, parse_constant=int)
    except RecursionError:
        raise MalformedError(f"{what} is nested too deep") from None
    except ValueError:
        raise MalformedError(f"{what} is truncated, or not JSON") from None
