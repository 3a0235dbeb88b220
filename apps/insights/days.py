"""Days as whole numbers since 1970, cut at the midnight of `RECSYS_DAY_UTC_OFFSET_MINUTES`."""

from __future__ import annotations

from datetime import date

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from apps.core.clock import DAY_MS

_EPOCH = date(1970, 1, 1).toordinal()


def days_of(at_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the day of each moment (ms since 1970 UTC)."""
    return (at_ms + settings.DAY_UTC_OFFSET_MINUTES * 60_000) // DAY_MS


def day_of(at_ms: int) -> int:
    """Return the day of one moment."""
    return int(days_of(np.int64(at_ms)))  # type: ignore[arg-type]


def start_ms(day: int) -> int:
    """Return the first moment of a day, ms since 1970 UTC."""
    return day * DAY_MS - settings.DAY_UTC_OFFSET_MINUTES * 60_000


def to_date(day: int) -> date:
    """Return the calendar date of a day."""
    return date.fromordinal(_EPOCH + day)


def from_date(day: date) -> int:
    """Return the number of a calendar date."""
    return day.toordinal() - _EPOCH
