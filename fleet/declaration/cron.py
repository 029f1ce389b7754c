"""Cron lines as GitHub's schedules take them: five fields of POSIX, in UTC."""

import re
from typing import Final, NamedTuple

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class _Field(NamedTuple):
    lowest: int
    highest: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int | None:
        """Return the number or name ``text`` as a number within the field's bounds."""
        if text.upper() in self.names:
            return self.names.index(text.upper()) + self.lowest
        number = int(text) if re.fullmatch(r"[0-9]{1,2}", text) else -1
        return number if self.lowest <= number <= self.highest else None


_FIELDS: Final = (
    _Field(0, 59),
    _Field(0, 23),
    _Field(1, 31),
    _Field(1, 12, _MONTHS),
    _Field(0, 6, _WEEKDAYS),
)
_PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[1-9][0-9]?))?")


def is_cron(text: str) -> bool:
    """Tell whether ``text`` is a line that GitHub runs: it refuses ``@daily`` and seconds."""
    fields = text.split(" ")
    return len(fields) == len(_FIELDS) and all(map(_is_list, fields, _FIELDS))


def _is_list(text: str, field: _Field) -> bool:
    return all(_is_part(part, field) for part in text.split(","))


def _is_part(text: str, field: _Field) -> bool:
    found = _PART.fullmatch(text)
    if not found:
        return False
    ends = [field.number(end) for end in (found["first"], found["last"]) if end]
    known = [end for end in ends if end is not None]
    if found["step"] and len(ends) == 1:  # `5/15` means different things to different crons
        return False
    return len(known) == len(ends) and known == sorted(known)
