"""The pages of KPIs at `/ops/`."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core.clock import now_ms, to_datetime
from apps.insights import display, selectors
from apps.insights.access import needs
from apps.insights.conf import RETENTION_DAYS
from apps.insights.days import day_of, to_date
from apps.insights.health import lights
from apps.insights.kpis import KPIS
from apps.insights.roles import SEE
from apps.insights.totals import ALL
from apps.insights.views import csv_answer

_OVERVIEW_DAYS = 28
SPANS = (14, 28, 90, 365)


@needs(SEE)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show what works, and every KPI with its change to the week before."""
    last = _last_day()
    first = last - _OVERVIEW_DAYS + 1
    until_ms = selectors.data_until_ms()
    by_day = selectors.day_totals(first, last)
    context = {
        "lights": lights(),
        "groups": display.tiles(by_day, first, last, until_ms) if by_day else [],
        **_until(until_ms),
    }
    return render(request, "insights/overview.html", context)


@needs(SEE)
@require_safe
def kpi(request: HttpRequest, name: str) -> HttpResponse:
    """Show one KPI by day: drawn, as a table, and as a file with `?format=csv`."""
    found = KPIS.get(name)
    if found is None:
        raise Http404
    last = _last_day()
    span = _span(request.GET.get("days", ""))
    first = last - span + 1
    segments = [name for name in selectors.segments(first, last) if found.is_known_of(name)]
    segment = request.GET.get("segment", ALL)
    if segment not in segments:
        segment = ALL
    points = selectors.kpi_series(found, first, last, segment)
    if request.GET.get("format") == "csv":
        return csv_answer(found, segment, points)
    context = {
        "kpi": found,
        "segment": segment,
        "segments": segments,
        "span": span,
        "spans": SPANS,
        "rows": [
            (to_date(p.day), display.shown(found, p.value), p.is_complete) for p in reversed(points)
        ],
        "chart": display.chart(found, points),
        "kpis": KPIS.values(),
        **_until(selectors.data_until_ms()),
    }
    return render(request, "insights/kpi.html", context)


@needs(SEE)
@require_safe
def retention(request: HttpRequest) -> HttpResponse:
    """Show the retention matrix of active or of new viewers."""
    last = _last_day()
    new = request.GET.get("cohort") == "new"
    cohorts = selectors.retention(last - RETENTION_DAYS, last, new=new)
    columns = range(1, RETENTION_DAYS + 1)
    context = {
        "new": new,
        "columns": columns,
        "rows": display.heat(cohorts, columns),
        **_until(selectors.data_until_ms()),
    }
    return render(request, "insights/retention.html", context)


def _last_day() -> int:
    """Return today, or the last day that there is: an imported log may have ended long ago."""
    today = day_of(now_ms())
    latest = selectors.latest_day()
    return today if latest is None else min(latest, today)


def _span(text: str) -> int:
    return int(text) if text.isdecimal() and int(text) in SPANS else _OVERVIEW_DAYS


def _until(until_ms: int) -> dict[str, Any]:
    return {"until": to_datetime(until_ms) if until_ms else None}
