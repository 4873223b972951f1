from datetime import UTC, datetime

import pytest

from console import reading
from worker import errors

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("30m", datetime(2026, 11, 21, 9, 0, tzinfo=UTC)),
        ("24h", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 14, 9, 30, tzinfo=UTC)),
        (" 2w ", datetime(2026, 11, 7, 9, 30, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T10:00+02:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
    ],
)
def test_times_are_spans_back_or_dates_in_utc(since: str, expected: datetime) -> None:
    assert reading.start(since, now=NOW) == expected


@pytest.mark.parametrize("since", ["", "7", "d", "-7d", "7 days", "next week", "99999w9", "2026-13-01"])
def test_what_is_no_time_is_said(since: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match="is no time"):
        reading.start(since, now=NOW)


def test_a_span_before_the_first_year_is_no_time() -> None:
    with pytest.raises(errors.InvalidRequestError, match="is no time"):
        reading.start("99999w", now=datetime(1900, 1, 1, tzinfo=UTC))


def test_a_tag_is_a_dimension_and_a_value() -> None:
    assert reading.tag("department=legal") == ("department", "legal")
    assert reading.tag("note = a=b") == ("note", "a=b")
    for bad in ("department", "=legal", "department=", "="):
        with pytest.raises(errors.InvalidRequestError, match="is no tag"):
            reading.tag(bad)
