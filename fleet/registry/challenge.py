"""Challenges of a registry: the WWW-Authenticate headers of RFC 9110, section 11.6.1."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the grammar of RFC 9110, section 5.6.2
# A bare value may be an address here, and the next parameter follow without a comma: some do so.
_PARAMETER = re.compile(rf'({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"=][^\s,"]*))(?=[\s,]|\Z)')
# A scheme stands alone, before a token68 (RFC 9110, section 11.2), or before its first parameter.
_SCHEME = re.compile(rf"({_TOKEN})(?:[ \t]+|(?=,)|\Z)")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|\Z)")
_BETWEEN = re.compile(r"[\s,]*")
_QUOTED_PAIR = re.compile(r"\\(.)")


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """One challenge: its scheme and the names of its parameters in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Return every challenge of the WWW-Authenticate headers, in their order.

    What follows the first malformed part of a header is not read: whatever it names could belong to
    another challenge.
    """
    return tuple(challenge for header in headers for challenge in _parse(header))


def _parse(header: str) -> list[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    position = _skip(header, 0)
    while position < len(header):
        parameter = _PARAMETER.match(header, position)
        if parameter is not None and found:
            name, quoted, bare = parameter.groups()
            value = bare if quoted is None else _QUOTED_PAIR.sub(r"\1", quoted)
            found[-1][1].setdefault(name.lower(), value)
            position = _skip(header, parameter.end())
            continue
        scheme = _SCHEME.match(header, position)
        if scheme is None:
            break
        found.append((scheme[1].lower(), {}))
        position = _after_scheme(header, scheme.end())
    return [Challenge(scheme=scheme, parameters=values) for scheme, values in found]


def _after_scheme(header: str, position: int) -> int:
    """Return where the first parameter, or the next challenge begins."""
    if _PARAMETER.match(header, position):
        return position
    token68 = _TOKEN68.match(header, position)
    return _skip(header, token68.end() if token68 else position)


def _skip(header: str, position: int) -> int:
    found = _BETWEEN.match(header, position)
    return found.end() if found else position
