"""The pages that report: statistics, the transparency report, the audit log."""

from __future__ import annotations

from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core.clock import date_ms, now_ms, to_datetime
from apps.moderation import selectors
from apps.moderation import transparency as report
from apps.moderation.access import staff_page
from apps.moderation.export import audit_lines
from apps.moderation.pages import frame
from apps.moderation.roles import AUDIT, STATISTICS


@require_safe
@staff_page(STATISTICS)
def statistics(request: HttpRequest) -> HttpResponse:
    """Show how fast and how evenly is decided; by moderator for admins only."""
    moment = now_ms()
    context = {**frame(request, "statistics"), "stats": selectors.statistics_of(now_ms=moment)}
    if request.user.has_perm(AUDIT):
        context["moderators"] = selectors.by_moderator(now_ms=moment)
    return render(request, "moderation/statistics.html", context)


@require_safe
@staff_page(STATISTICS)
def transparency(request: HttpRequest) -> HttpResponse:
    """Show the transparency report of a period, or give it as CSV; by default of this year."""
    today = to_datetime(now_ms()).date()
    since = _day(request, "since", today.replace(month=1, day=1))
    until = _day(request, "until", today)
    after = until + timedelta(days=1)
    lines = report.transparency(since_ms=date_ms(since), until_ms=date_ms(after))
    if request.GET.get("format") == "csv":
        response = HttpResponse(report.as_csv(lines), content_type="text/csv; charset=utf-8")
        name = f"transparency-{since}-{until}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
    context = {"since": f"{since}", "until": f"{until}", "lines": lines}
    shown = {**frame(request, "transparency"), **context}
    return render(request, "moderation/transparency.html", shown)


@require_safe
@staff_page(AUDIT)
def audit(request: HttpRequest) -> HttpResponseBase:
    """Return the audit log as JSON lines."""
    response = StreamingHttpResponse(audit_lines(), content_type="application/x-ndjson")
    response["Content-Disposition"] = 'attachment; filename="audit.jsonl"'
    return response


def _day(request: HttpRequest, name: str, default: date) -> date:
    """Return a day of the query, none before 1970 or to come; the default where no day is given."""
    try:
        given = date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return default
    return min(max(given, date(1970, 1, 1)), to_datetime(now_ms()).date())
