"""Admin of editorial rules."""

from __future__ import annotations

from django.contrib import admin

from apps.candidates.models import Rule


@admin.register(Rule)
class RuleAdmin(admin.ModelAdmin):
    """Pins, boosts, demotions and exclusions; a change holds within a second."""

    list_display = ["name", "effect", "factor", "position", "is_active", "starts_at", "ends_at"]
    list_filter = ["effect", "is_active"]
    search_fields = ["name", "=content__content_id", "=creator__creator_id", "category"]
    autocomplete_fields = ["content", "creator"]
    ordering = ["-id"]
    actions = ["switch_on", "switch_off"]
    fieldsets = [
        (None, {"fields": ["name", "effect", "factor", "position", "is_active"]}),
        ("When", {"fields": ["starts_at", "ends_at"]}),
        (
            "About which contents",
            {
                "fields": [
                    "content",
                    "creator",
                    "category",
                    "language",
                    ("min_seconds", "max_seconds"),
                    ("min_age_hours", "max_age_hours"),
                ]
            },
        ),
        ("For which requests", {"fields": ["viewer_language", "viewer_age_group", "surface"]}),
    ]

    @admin.action(description="Switch the selected rules on", permissions=["change"])
    def switch_on(self, request: object, queryset: object) -> None:
        """Let rules hold."""
        queryset.update(is_active=True)  # type: ignore[attr-defined]

    @admin.action(description="Switch the selected rules off", permissions=["change"])
    def switch_off(self, request: object, queryset: object) -> None:
        """Keep rules for later."""
        queryset.update(is_active=False)  # type: ignore[attr-defined]
