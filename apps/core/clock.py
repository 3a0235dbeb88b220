"""Moments as whole milliseconds since 1970 UTC, the form that the log stores."""

from __future__ import annotations

import time
from datetime import UTC, datetime

SECOND_MS = 1000
HOUR_MS = 3600 * SECOND_MS
DAY_MS = 24 * HOUR_MS


def now_ms() -> int:
    """Return the present moment; called at the edges only, everything else is told the time."""
    return time.time_ns() // 1_000_000


def to_datetime(at_ms: int) -> datetime:
    """Return the aware UTC datetime of `at_ms`."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def from_datetime(moment: datetime) -> int:
    """Return ms since 1970 UTC of a datetime; a naive one is taken as UTC, not as local time."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def parse_moment(text: str) -> int:
    """Return the moment that a command line names: ISO 8601 (UTC unless it says) or epoch ms."""
    if text.strip().lstrip("-").isdigit():
        return int(text)
    return from_datetime(datetime.fromisoformat(text.strip()))
