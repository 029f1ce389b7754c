"""Cron lines in words, for readers of a page."""

import re
from typing import Final

_NUMBER: Final = re.compile(r"[0-9]{1,2}")
_STEP: Final = re.compile(r"\*/([0-9]{1,2})")
_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MINUTES_OF_AN_HOUR: Final = 60
_HOURS_OF_A_DAY: Final = 24


def in_words(line: str) -> str:
    """Return when the cron ``line``, in UTC, is due: ``every day at 04:17 UTC``.

    It follows on a verb, as an adverb does. A line of another form is quoted, which is always true.
    """
    minute, hour, day, month, weekday = line.split(" ")
    if month == "*":
        found = _within_a_day(minute, hour) if (day, weekday) == ("*", "*") else ""
        found = found or _at_an_hour(minute, hour, _which_days(day, weekday))
        if found:
            return found
    return f"by the cron line `{line}` (UTC)"


def _within_a_day(minute: str, hour: str) -> str:
    minutes, hours = _every(minute, _MINUTES_OF_AN_HOUR), _every(hour, _HOURS_OF_A_DAY)
    if hour == "*" and minutes:
        return "every minute" if minutes == 1 else f"every {minutes} minutes"
    if hours and _NUMBER.fullmatch(minute):
        often = "every hour" if hours == 1 else f"every {hours} hours"
        return f"{often}, at minute {int(minute)}"
    return ""


def _at_an_hour(minute: str, hour: str, days: str) -> str:
    hours = hour.split(",")
    if not days or not all(map(_NUMBER.fullmatch, (minute, *hours))):
        return ""
    times = [f"{int(each):02}:{int(minute):02}" for each in hours]
    spelt = " and ".join(filter(None, (", ".join(times[:-1]), times[-1])))
    return f"{days} at {spelt} UTC"


def _which_days(day: str, weekday: str) -> str:
    if (day, weekday) == ("*", "*"):
        return "every day"
    if day == "*" and _NUMBER.fullmatch(weekday):
        return f"every {_DAYS[int(weekday)]}"
    if weekday == "*" and _NUMBER.fullmatch(day):
        return f"on day {int(day)} of every month"
    return ""


def _every(field: str, whole: int) -> int:
    """Return the step of ``field``, or 0; one that leaves a rest in ``whole`` is no even step."""
    step = _STEP.fullmatch(field)
    number = int(step[1]) if step else int(field == "*")
    return number if number and whole % number == 0 else 0
