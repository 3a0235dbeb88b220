"""Admin of tuned parameters."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from apps.learning.models import TunedParam


@admin.register(TunedParam)
class TunedParamAdmin(admin.ModelAdmin):
    """What this installation's log decided; pin a value to decide it yourself."""

    list_display = ["name", "value", "shown_default", "is_pinned", "earned", "tuned_at"]
    list_filter = ["is_pinned"]
    search_fields = ["name"]
    ordering = ["name"]
    readonly_fields = ["shown_default", "shown_trials", "tuned_at"]
    fields = ["name", "value", "is_pinned", *readonly_fields]
    actions = ["pin", "unpin"]

    def get_readonly_fields(self, request: HttpRequest, obj: TunedParam | None = None) -> list[str]:
        """A stored parameter keeps its name."""
        return [*self.readonly_fields, "name"] if obj else list(self.readonly_fields)

    @admin.display(description="default")
    def shown_default(self, param: TunedParam) -> str:
        """Return what holds without tuning."""
        return str(param.default)

    @admin.display(description="earned")
    def earned(self, param: TunedParam) -> str:
        """Return what the value in use earned when it was tried."""
        found = [score for value, score in param.tried if value == param.value]
        return f"{found[-1]:.4f}" if found else "–"

    @admin.display(description="tried")
    def shown_trials(self, param: TunedParam) -> str:
        """Return every value that was tried, with what it earned."""
        return ", ".join(f"{value}: {score:.4f}" for value, score in param.tried) or "–"

    @admin.action(description="Pin the selected values", permissions=["change"])
    def pin(self, request: HttpRequest, queryset: object) -> None:
        """Keep values through the next search."""
        queryset.update(is_pinned=True)  # type: ignore[attr-defined]

    @admin.action(description="Let tuning decide again", permissions=["change"])
    def unpin(self, request: HttpRequest, queryset: object) -> None:
        """Give values back to the search."""
        queryset.update(is_pinned=False)  # type: ignore[attr-defined]
