"""Moments as whole milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.clock import DAY_MS, from_datetime, now_ms, parse_moment, to_datetime


@given(st.integers(0, 4_102_444_800_000))
def test_moments_survive_the_way_to_a_datetime_and_back(at_ms: int) -> None:
    assert from_datetime(to_datetime(at_ms)) == at_ms


def test_day_has_as_many_milliseconds_as_between_two_midnights() -> None:
    start, end = datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 3, 2, tzinfo=UTC)

    assert from_datetime(end) - from_datetime(start) == DAY_MS


@pytest.mark.parametrize("year", [1, 1970, 2025, 9999])
def test_naive_datetime_is_taken_as_utc(year: int) -> None:
    naive = datetime(year, 12, 31, 23)  # noqa: DTZ001

    assert from_datetime(naive) == from_datetime(naive.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1760000000000", 1_760_000_000_000),
        (" -5 ", -5),
        ("1970-01-02", DAY_MS),
        ("1970-01-02T00:00:00+00:00", DAY_MS),
        ("1970-01-02T02:00:00+02:00", DAY_MS),
        ("1970-01-02T00:00:00.250Z", DAY_MS + 250),
    ],
)
def test_parse_moment_reads_epoch_and_iso(text: str, expected: int) -> None:
    assert parse_moment(text) == expected


def test_parse_moment_refuses_other_text() -> None:
    with pytest.raises(ValueError, match="tomorrow"):
        parse_moment("tomorrow")


def test_now_is_in_this_century_and_in_milliseconds() -> None:
    assert 2000 < to_datetime(now_ms()).year < 2100


@pytest.mark.parametrize(("at_ms", "year"), [(-(10**15), 1), (10**15, 9999), (-(10**18), 1)])
def test_moment_past_the_calendar_is_its_end(at_ms: int, year: int) -> None:
    assert to_datetime(at_ms).year == year
