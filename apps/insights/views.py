"""`GET /api/v1/metrics/`, and one metric by day as JSON or CSV."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import NamedTuple

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.clock import now_ms, to_datetime
from apps.core.errors import Problem
from apps.core.json import openapi
from apps.core.models import Scope
from apps.core.query import refuse_unknown
from apps.insights import selectors
from apps.insights.days import day_of, from_date, to_date
from apps.insights.formulas import Kpi
from apps.insights.kpis import KPIS
from apps.insights.selectors import Point
from apps.insights.totals import ALL
from apps.insights.types import MetricAnswer, MetricInfo, MetricList, MetricPoint

MOST_DAYS = 400
_DEFAULT_DAYS = 28
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PARAMETERS = [
    OpenApiParameter("from", OpenApiTypes.DATE, description="first day; 28 days before `to`"),
    OpenApiParameter("to", OpenApiTypes.DATE, description="last day; today"),
    OpenApiParameter("segment", OpenApiTypes.STR, description="as listed; all viewers"),
]


class Metrics(APIView):
    """The registry of KPIs."""

    required_scopes = {"GET": Scope.METRICS_READ}

    @extend_schema(operation_id="metrics", responses={200: OpenApiResponse(openapi(MetricList))})
    def get(self, request: Request) -> Response:
        """Return every KPI with its definition, and the segments of the last week."""
        last = selectors.latest_day() or 0
        infos = [
            MetricInfo(k.name, k.label, k.unit, k.definition, k.group, k.bad, k.by_segment)
            for k in KPIS.values()
        ]
        return Response(MetricList(infos, selectors.segments(last - 6, last), _until()))


class MetricSeries(APIView):
    """One KPI by day."""

    required_scopes = {"GET": Scope.METRICS_READ}

    @extend_schema(
        operation_id="metric",
        parameters=_PARAMETERS,
        responses={200: OpenApiResponse(openapi(MetricAnswer))},
    )
    def get(self, request: Request, name: str) -> Response:
        """Return the days of one KPI; of a day that is not complete `is_complete` is false."""
        asked = _asked(request, name)
        points = [
            MetricPoint(to_date(p.day).isoformat(), p.value, p.is_complete) for p in asked.points
        ]
        answer = MetricAnswer(name, asked.segment, asked.kpi.unit, _until(), points)
        return Response(answer)


class MetricCsv(APIView):
    """One KPI by day as a file for a spreadsheet."""

    required_scopes = {"GET": Scope.METRICS_READ}

    @extend_schema(
        operation_id="metric_csv",
        parameters=_PARAMETERS,
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        """Return day, segment, value and whether the day is complete."""
        asked = _asked(request, name)
        return csv_answer(asked.kpi, asked.segment, asked.points)


metric_csv = MetricCsv.as_view()


def csv_answer(kpi: Kpi, segment: str, points: list[Point]) -> HttpResponse:
    """Return a series as a CSV file."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["day", "segment", kpi.name, "is_complete"])
    for p in points:
        value = "" if p.value is None else repr(p.value)
        writer.writerow([to_date(p.day).isoformat(), safe_cell(segment), value, int(p.is_complete)])
    answer = HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{kpi.name}.csv"'
    return answer


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


class _Asked(NamedTuple):
    kpi: Kpi
    segment: str
    points: list[Point]


def _asked(request: Request, name: str) -> _Asked:
    refuse_unknown(request, *_PARAMETERS)
    kpi = KPIS.get(name)
    if kpi is None:
        raise Problem(404, "unknown-metric", f"There is no metric {name!r}; see /api/v1/metrics/.")
    given = request.query_params
    last = _day(given.get("to"), day_of(now_ms()))
    first = _day(given.get("from"), max(last - _DEFAULT_DAYS + 1, 0))
    if not 0 <= last - first < MOST_DAYS:
        raise Problem(422, "invalid-range", f"Expected 1 to {MOST_DAYS} days, from before to.")
    segment = given.get("segment", ALL)
    if len(segment) > 80 or "\0" in segment:
        raise Problem(422, "invalid-segment", "There is no such segment.")
    try:
        return _Asked(kpi, segment, selectors.kpi_series(kpi, first, last, segment))
    except selectors.UnknownSegmentError as error:
        raise Problem(422, "unknown-segment", str(error)) from error


def _day(text: str | None, default: int) -> int:
    if text is None:
        return default
    try:
        day = from_date(date.fromisoformat(text))
    except ValueError as error:
        raise Problem(422, "invalid-date", f"{text!r} is no date; expected YYYY-MM-DD.") from error
    if day < 0:
        raise Problem(422, "invalid-date", f"{text} is before 1970.")
    return day


def _until() -> str | None:
    until_ms = selectors.data_until_ms()
    return to_datetime(until_ms).isoformat() if until_ms else None
