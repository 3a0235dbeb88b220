"""Moments as whole milliseconds since 1970 UTC, the form that the log stores."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime

SECOND_MS = 1000
HOUR_MS = 3600 * SECOND_MS
DAY_MS = 24 * HOUR_MS


class ClockError(RuntimeError):
    """A process whose clock is the real one cannot set it."""


_virtual_ms = 0  # what time it is in a simulation; 0: what time it is


def now_ms() -> int:
    """Return the present moment; called at the edges only, everything else is told the time."""
    return _virtual_ms or time.time_ns() // 1_000_000


def set_virtual(at_ms: int) -> None:
    """Let it be `at_ms` here and in the processes that this one starts from now on.

    Only a process that was started with `RECSYS_VIRTUAL_MS`, which the settings of production
    refuse, may; raises `ClockError` in others.
    """
    global _virtual_ms
    if "RECSYS_VIRTUAL_MS" not in os.environ:
        raise ClockError("the clock is the real one; RECSYS_VIRTUAL_MS is not set")
    _virtual_ms = at_ms
    os.environ["RECSYS_VIRTUAL_MS"] = str(at_ms)


_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_000  # of the years 1 to 9999


def to_datetime(at_ms: int) -> datetime:
    """Return the aware UTC datetime of `at_ms`, the nearest that a calendar can say."""
    return datetime.fromtimestamp(min(max(at_ms, _FIRST_MS), _LAST_MS) / 1000, UTC)


def from_datetime(moment: datetime) -> int:
    """Return ms since 1970 UTC of a datetime; a naive one is taken as UTC, not as local time."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def date_ms(day: date) -> int:
    """Return ms since 1970 of the midnight (UTC) with which a day begins."""
    return from_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC))


def parse_moment(text: str) -> int:
    """Return the moment that a command line names: ISO 8601 (UTC unless it says) or epoch ms."""
    if text.strip().lstrip("-").isdigit():
        return int(text)
    return from_datetime(datetime.fromisoformat(text.strip()))
