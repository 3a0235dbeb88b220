"""Admin of viewers, creators and how they stand to each other."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.admin import ReadOnlyAdmin, moment
from apps.core.clock import now_ms
from apps.profiles.models import Creator, CreatorRelation, Viewer
from apps.profiles.pseudonyms import pseudonym

_CHANGED = moment("changed_ms", "changed (UTC)")


@admin.register(Viewer)
class ViewerAdmin(ReadOnlyAdmin):
    """Viewers, known by pseudonym; the search also takes the user_id of the app."""

    list_display = ["__str__", "pseudonym", "age_group", "location", "language", "created_at"]
    list_filter = ["age_group", "language"]
    search_fields = ["pseudonym"]
    search_help_text = "A user_id as the app sends it, a pseudonym, or “viewer 12”."
    ordering = ["-id"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Viewer], search_term: str
    ) -> tuple[QuerySet[Viewer], bool]:
        """Find by key, pseudonym or user_id; each is one look into an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        number = term.removeprefix("viewer").strip()
        if number.isdecimal() and len(number) < 19:
            found = queryset.filter(pk=int(number))
            return found | queryset.filter(pseudonym=pseudonym(term)), False
        return queryset.filter(pseudonym__in=[pseudonym(term), *_uuid(term)]), False


@admin.register(Creator)
class CreatorAdmin(admin.ModelAdmin):
    """Creators; their rows come from contents and events, names may be mended."""

    list_display = ["creator_id", "name", "created_at"]
    search_fields = ["creator_id", "name"]
    ordering = ["-id"]
    show_full_result_count = False
    readonly_fields = ["created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Creator | None = None) -> list[str]:
        """Keep the public key of a creator that exists; suspending is a decision of moderation."""
        return ["created_at", "is_suspended", *(["creator_id"] if obj else [])]

    def has_delete_permission(self, request: HttpRequest, obj: Creator | None = None) -> bool:
        """Contents and events hold on to their creator."""
        return False


@admin.register(CreatorRelation)
class CreatorRelationAdmin(admin.ModelAdmin):
    """Follows, mutes and blocks."""

    list_display = ["viewer", "kind", "creator", "is_active", _CHANGED]
    list_filter = ["kind", "is_active"]
    search_fields = ["=creator__creator_id", "creator__name"]
    list_select_related = ["viewer", "creator"]
    autocomplete_fields = ["creator"]
    raw_id_fields = ["viewer"]
    fields = ["viewer", "creator", "kind", "is_active", _CHANGED]
    readonly_fields = [_CHANGED]

    def save_model(
        self, request: HttpRequest, obj: CreatorRelation, form: object, change: bool
    ) -> None:
        """Stamp the change: the latest one wins over events that come in late."""
        obj.changed_ms = now_ms()
        obj.save()

    ordering = ["-id"]
    show_full_result_count = False


def _uuid(text: str) -> list[UUID]:
    try:
        return [UUID(text)]
    except ValueError:
        return []
