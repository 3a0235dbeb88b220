"""Bring totals up to date with the log, and work them out anew."""

from __future__ import annotations

from django.db import transaction

from apps.features.models import Watermark
from apps.features.sessions import CONSUMER as SESSIONS
from apps.insights import counting
from apps.insights.coming_again import write_cohorts
from apps.insights.counting import CONSUMER
from apps.insights.models import DayTotals, TouchedDay
from apps.insights.totals import totals_of

LEASE = "insights"  # who rolls up
_RUN = 30  # days whose cohorts are worked out at once


def roll_up(*, batches: int = 50) -> list[int]:
    """Take in what the log has gained and work out the days it touched; return them.

    Runs under `LEASE`. While the sessions are behind, the days wait for them: the
    next call takes them.
    """
    counting.keep_up(batches=batches)
    if not _sessions_are_there():
        return []
    days = list(TouchedDay.objects.order_by("day").values_list("day", flat=True))
    # A session that a late event joins may belong to the day before, or have begun the day after.
    for day in sorted({d + shift for d in days for shift in (-1, 0, 1)}):
        _write_totals(day)
    for start in range(0, len(days), _RUN):
        write_cohorts(days[start : start + _RUN])
    TouchedDay.objects.filter(day__in=days).delete()
    return days


def _sessions_are_there() -> bool:
    marks = {
        row.consumer: (row.transaction_id, row.event_id)
        for row in Watermark.objects.filter(consumer__in=(CONSUMER, SESSIONS))
    }
    return marks.get(SESSIONS, (0, 0)) >= marks.get(CONSUMER, (0, 0))


def _write_totals(day: int) -> None:
    found = totals_of(day)
    with transaction.atomic():
        DayTotals.objects.filter(day=day).delete()
        DayTotals.objects.bulk_create(
            DayTotals(day=day, segment=segment, totals=totals) for segment, totals in found.items()
        )
