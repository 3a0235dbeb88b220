"""Admin of contents and sounds."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.content.models import Content, Sound
from apps.content.services import set_status, stamp_edit
from apps.core.admin import moment
from apps.core.clock import now_ms

_UPLOADED = moment("uploaded_ms", "uploaded (UTC)")
_CHANGED = moment("changed_ms", "changed (UTC)")


@admin.register(Content)
class ContentAdmin(admin.ModelAdmin):
    """Contents; what the app sends again overwrites what is edited here."""

    list_display = [
        "content_id",
        "creator",
        "status",
        "category",
        "language",
        "duration_seconds",
        _UPLOADED,
    ]
    list_filter = ["status", "language", "category"]
    search_fields = ["=content_id", "=creator__creator_id", "description"]
    list_select_related = ["creator"]
    autocomplete_fields = ["creator", "sound", "heard"]
    ordering = ["-id"]
    show_full_result_count = False
    actions = ["hide", "show_again"]
    # The status changes by an action, which tells every process.
    _DECIDED = ["status", "is_age_restricted", "is_reach_limited"]
    readonly_fields = ["content_id", *_DECIDED, _UPLOADED, _CHANGED]
    fields = [
        "content_id",
        "creator",
        "sound",
        "heard",
        *_DECIDED,
        "description",
        "tags",
        "category",
        "language",
        "duration_seconds",
        "media_url",
        _UPLOADED,
        _CHANGED,
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Contents come through the API."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Content | None = None) -> bool:
        """Events hold on to their content; hide it instead."""
        return False

    def save_model(self, request: HttpRequest, obj: Content, form: Any, change: bool) -> None:
        """Stamp the change, so that every process reads the row again."""
        stamp_edit(obj, form.changed_data, now_ms=now_ms())
        obj.save()

    @admin.action(description="Hide the selected contents", permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Content]) -> None:
        """Take contents out of every feed, from the next request on."""
        self._set(request, queryset.filter(status=Content.Status.ACTIVE), Content.Status.HIDDEN)

    @admin.action(description="Show the selected contents again", permissions=["change"])
    def show_again(self, request: HttpRequest, queryset: QuerySet[Content]) -> None:
        """Bring hidden contents back; what moderation removed stays removed."""
        self._set(request, queryset.filter(status=Content.Status.HIDDEN), Content.Status.ACTIVE)

    def _set(
        self, request: HttpRequest, contents: QuerySet[Content], status: Content.Status
    ) -> None:
        content_ids = list(contents.values_list("content_id", flat=True))
        count = set_status(content_ids, status, now_ms=now_ms())
        self.message_user(request, f"{count} now {status.value}.")


@admin.register(Sound)
class SoundAdmin(admin.ModelAdmin):
    """Sound tracks."""

    list_display = ["audio_id", "title"]
    search_fields = ["audio_id", "title"]
    ordering = ["-id"]
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Sound | None = None) -> bool:
        """Contents hold on to their sound."""
        return False
