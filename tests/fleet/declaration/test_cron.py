"""Schedules are cron lines that GitHub runs."""

import pytest

from fleet.declaration.formats import cron_line


@pytest.mark.parametrize(
    "line",
    ["17 4 * * *", "*/5 * * * *", "0,30 0-6/2 1 JAN-MAR mon", "0 0 31 12 6", "59 23 * * SUN,SAT"],
)
def test_a_line_of_five_fields_is_one(line: str) -> None:
    assert cron_line(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "", "@daily", "0 4 * *", "0 0 4 * * *", "60 4 * * *", "0 24 * * *", "0 0 0 * *",
        "0 0 32 * *", "0 0 * 13 *", "0 0 * * 7", "0 0 * * MONDAY", "5-1 * * * *", "*/0 * * * *",
        "5/15 * * * *", "1,,2 * * * *", "0  4 * * *", "0 4 * * *\n", "0 4 * * $(id)", "٣ 4 * * *",
        "0 L * * *",
    ],
)  # fmt: skip
def test_anything_else_is_none(line: str) -> None:
    assert cron_line(line)
