"""Admin of the event log; slates are shown by `apps.feed.admin`, which knows the sources."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from apps.content import selectors as content
from apps.core.admin import ReadOnlyAdmin, moment
from apps.events.models import Event, ImportCheckpoint
from apps.events.types import EventFlag

_OCCURRED = moment("occurred_ms", "occurred (UTC)")
_RECEIVED = moment("received_ms", "received (UTC)")


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What happened; append-only, newest first."""

    list_display = [
        "id",
        "kind",
        "viewer",
        "about",
        "watch_seconds",
        _OCCURRED,
    ]
    list_filter = ["kind"]
    list_select_related = ["viewer", "content", "creator"]
    search_fields = ["event_key"]
    search_help_text = "An event key, a content_id, or “viewer 12”."
    ordering = ["-id"]
    sortable_by = ["id"]  # the other columns have no index to sort by
    fields = [
        "event_key",
        "kind",
        "viewer",
        "content",
        "creator",
        _OCCURRED,
        _RECEIVED,
        "watch_seconds",
        "shown_flags",
        "surface",
        "utc_offset_minutes",
        "request_id",
        "info",
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        """Find by key or viewer through an index, by content through the table."""
        term = search_term.strip()
        if not term:
            return queryset, False
        number = term.removeprefix("viewer").strip()
        if term.startswith("viewer") and number.isdecimal() and len(number) < 19:
            return queryset.filter(viewer_id=int(number)), False
        try:
            return queryset.filter(event_key=UUID(term)), False
        except ValueError:
            return queryset.filter(_about(term)), False

    @admin.display(description="about")
    def about(self, event: Event) -> str:
        """Return the content or creator that the event is about."""
        return str(event.content or event.creator or "–")

    @admin.display(description="flags")
    def shown_flags(self, event: Event) -> str:
        """Return the names of the flags."""
        flags = [str(flag.name).lower() for flag in EventFlag(event.flags)]
        return ", ".join(flags) or "none"


def _about(content_id: str) -> Q:
    known = content.content_keys([content_id]).get(content_id)
    return Q(content_id=known.pk) if known else Q(pk__in=[])


@admin.register(ImportCheckpoint)
class ImportCheckpointAdmin(ReadOnlyAdmin):
    """How far imports have come."""

    list_display = ["source", "position", "updated_at"]
    search_fields = ["source"]
    ordering = ["-id"]
