"""The header Retry-After."""

from datetime import UTC, datetime

import pytest

from fleet.http.retry import retry_after


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("²", None),
        # Both overflow: a float, and a part of a date.
        ("9" * 400, float("inf")),
        ("99999999999999999999 Jan 1 0:0:0", None),
    ],
)
def test_retry_after_reads_seconds_and_dates(value: str, seconds: float | None) -> None:
    assert retry_after(value, datetime(2026, 1, 1, tzinfo=UTC)) == seconds
