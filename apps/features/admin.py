"""Admin of sessions and of how far consumers have read."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.admin import ReadOnlyAdmin, moment
from apps.features.models import Session, Trend, Watermark

_STARTED = moment("started_ms", "started (UTC)")
_ENDED = moment("ended_ms", "ended (UTC)")


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """Sessions as consumers keep them from the log, the latest first."""

    list_display = [
        "viewer",
        _STARTED,
        _ENDED,
        "n_events",
        "n_views",
        "n_engagements",
        "watch_seconds",
    ]
    list_select_related = ["viewer"]
    search_fields = ["viewer__id"]
    search_help_text = "The number of a viewer."
    ordering = ["-started_ms", "-id"]
    sortable_by = ()  # the columns have no index to sort by
    fields = ["viewer", _STARTED, _ENDED, "n_events", "n_views", "n_engagements", "watch_seconds"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Session], search_term: str
    ) -> tuple[QuerySet[Session], bool]:
        """Find by viewer, which has an index."""
        term = search_term.strip().removeprefix("viewer").strip()
        if not term:
            return queryset, False
        if not term.isdecimal() or len(term) > 18:
            return queryset.none(), False
        return queryset.filter(viewer_id=int(term)), False

    @admin.display(description="watched (s)")
    def watch_seconds(self, session: Session) -> str:
        """Return the time watched in seconds."""
        return f"{session.watch_ms / 1000:.1f}"


@admin.register(Watermark)
class WatermarkAdmin(ReadOnlyAdmin):
    """How far each consumer has read the log."""

    list_display = ["consumer", "transaction_id", "event_id", moment("caught_up_ms", "caught up")]
    ordering = ["consumer"]


@admin.register(Trend)
class TrendAdmin(ReadOnlyAdmin):
    """What bursts now, and what did in the last week."""

    list_display = [
        "content",
        moment("started_ms", "began (UTC)"),
        moment("bucket_ms", "last burst (UTC)"),
        "viewers",
        "baseline",
        "factor",
        moment("computed_ms", "forecast (UTC)"),
    ]
    list_select_related = ["content"]
    ordering = ["-factor", "-bucket_ms", "pk"]
