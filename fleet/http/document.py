"""JSON of a server, parsed within bounds."""

import json
import math
from typing import Any

from fleet.http.errors import HttpError

_DEPTH = 64
_DIGITS = len(str(-(2**63)))


class MalformedError(HttpError):
    """A body is not JSON, or not JSON that is worked with."""


def parse_json(body: str | bytes, what: str, *, depth: int = _DEPTH) -> Any:
    """Return the JSON document in `body`, nested `depth` levels at most.

    NaN, Infinity and numbers that no float or 64-bit integer holds are refused: what reads a
    number then never overflows.

    :raises MalformedError: naming `what` it is, and never what it holds.
    """
    try:
        found = json.loads(body, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise MalformedError(f"{what} is nested too deep") from None
    except ValueError:
        raise MalformedError(f"{what} is truncated, or not JSON") from None
    if _is_deeper(found, depth):
        raise MalformedError(f"{what} is nested deeper than {depth} levels")
    return found


def _whole(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError("not a 64-bit integer")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _is_deeper(found: Any, depth: int) -> bool:
    if not isinstance(found, dict | list):
        return False
    inner = found.values() if isinstance(found, dict) else found
    return depth == 0 or any(_is_deeper(each, depth - 1) for each in inner)
