"""Read KPIs: from totals of days only, never from the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.core.errors import RecsysError
from apps.features.models import Watermark
from apps.insights.conf import RETENTION_DAYS
from apps.insights.counting import CONSUMER
from apps.insights.days import start_ms
from apps.insights.formulas import Kpi
from apps.insights.models import DayCohorts, DayTotals
from apps.insights.totals import ALL

Totals = dict[str, float]


class UnknownSegmentError(RecsysError):
    """The KPI is not known of that segment."""


@dataclass(frozen=True, slots=True)
class Point:
    """One day of a KPI."""

    day: int
    value: float | None  # None: nothing to divide by, or not complete yet
    is_complete: bool  # the day, and those that the KPI waits for, are over


def data_until_ms() -> int:
    """Return the moment up to which everything in the log is counted; 0 before the first time."""
    row = Watermark.objects.filter(consumer=CONSUMER).first()
    return row.caught_up_ms if row else 0


def segments(first: int, last: int) -> list[str]:
    """Return the segments that anybody was in during these days."""
    found = DayTotals.objects.filter(day__gte=first, day__lte=last)
    names = set(found.values_list("segment", flat=True).distinct())
    return sorted(names, key=lambda name: (name != ALL, name))


def day_totals(first: int, last: int, segment: str = ALL) -> dict[int, Totals]:
    """Return the totals of each day that has any, with its cohorts where there are: two queries.

    Cohorts come as `returned_n` and `new_returned_n`.
    """
    found = DayTotals.objects.filter(day__gte=first, day__lte=last, segment=segment)
    by_day: dict[int, Totals] = {}
    for day, totals in found.values_list("day", "totals"):
        by_day[day] = totals | {"one": 1, "has_sessions": min(totals["sessions"], 1)}
    for row in DayCohorts.objects.filter(day__gte=first, day__lte=last, segment=segment):
        if row.day in by_day:
            by_day[row.day] |= _of_cohorts(row)
    return by_day


def series(
    kpi: Kpi, by_day: dict[int, Totals], first: int, last: int, until_ms: int
) -> list[Point]:
    """Return a KPI day by day, first to last; a day that is not over is told as such."""
    return [_point(kpi, day, by_day.get(day, {}), until_ms) for day in range(first, last + 1)]


def kpi_series(kpi: Kpi, first: int, last: int, segment: str = ALL) -> list[Point]:
    """Return a KPI of a segment day by day; raise `UnknownSegmentError` where it has none."""
    if not kpi.is_known_of(segment):
        raise UnknownSegmentError(f"{kpi.name} is not known of {segment}.")
    return series(kpi, day_totals(first, last, segment), first, last, data_until_ms())


def latest_day() -> int | None:
    """Return the last day with any totals."""
    row = DayTotals.objects.filter(segment=ALL).order_by("-day").values_list("day").first()
    return row[0] if row else None


@dataclass(frozen=True, slots=True)
class Cohort:
    """One row of the retention matrix."""

    day: int
    size: int
    shares: list[float | None]  # n = 0…30; None: day + n is not over yet, or nobody to come again


def retention(first: int, last: int, *, new: bool = False) -> list[Cohort]:
    """Return the retention matrix of the days, the latest first (spec §8.1)."""
    until_ms = data_until_ms()
    found = DayCohorts.objects.filter(day__gte=first, day__lte=last, segment=ALL).order_by("-day")
    return [_cohort(row, until_ms, new=new) for row in found]


def _cohort(row: DayCohorts, until_ms: int, *, new: bool) -> Cohort:
    size, returned = (row.new, row.new_returned) if new else (row.active, row.returned)
    shares = [
        n_returned / size if size and start_ms(row.day + n + 1) <= until_ms else None
        for n, n_returned in enumerate(returned)
    ]
    return Cohort(row.day, size, shares)


def _point(kpi: Kpi, day: int, totals: Totals, until_ms: int) -> Point:
    is_complete = start_ms(day + kpi.waits_days + 1) <= until_ms
    hides = kpi.waits_days and not is_complete
    return Point(day, None if hides else kpi.formula(totals), is_complete)


def _of_cohorts(row: DayCohorts) -> dict[str, Any]:
    found: dict[str, Any] = {
        "active": row.active,
        "new": row.new,
        "weekly": row.weekly,
        "monthly": row.monthly,
    }
    for n in range(RETENTION_DAYS + 1):
        found[f"returned_{n}"] = row.returned[n]
        found[f"new_returned_{n}"] = row.new_returned[n]
    return found
