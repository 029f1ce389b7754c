"""JSON of a server, parsed within bounds."""

import json
import math
from typing import Any

from fleet.http.errors import HttpError

_DEPTH = 64


class MalformedError(HttpError):
    """A body is not JSON, or not JSON that is worked with."""


def parse_json(body: str | bytes, place: str, *, depth: int = _DEPTH) -> Any:
    """Return the JSON document in `body`, nested `depth` levels at most.

    Numbers beyond a float, NaN and Infinity are refused: JSON has none, and no code that
    expects a number expects those.

    :raises MalformedError: naming `place`, and never what the body holds.
    """
    try:
        found = json.loads(body, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise MalformedError(f"{place}: the answer is nested too deep") from None
    except ValueError:
        raise MalformedError(f"{place}: the answer is truncated, or not JSON") from None
    if _is_deeper(found, depth):
        raise MalformedError(f"{place}: the answer is nested deeper than {depth} levels")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _is_deeper(found: Any, depth: int) -> bool:
    level = [found] if isinstance(found, dict | list) else []
    for _ in range(depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
